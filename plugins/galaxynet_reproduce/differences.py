"""How much better some configurations are than others, and how sure that is."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from galaxynet.errors import RunError
from galaxynet.report.intervals import student
from galaxynet.report.significance import difference_interval, mcnemar
from galaxynet.report.wording import percentage_metric
from galaxynet_reproduce.evidence import ENOUGH, Interval, Trained


@dataclass(frozen=True)
class Difference:
    """How much better the first ones of some pairs are than the second ones.

    Attributes:
        mean: The mean difference, positive if the first are better.
        first: The mean of the metric of the first.
        second: That of the second.
        interval: The interval of the difference; None if nothing tells how sure it is.
        how: How the interval was found.
        by_chance: Whether chance alone explains it, by McNemar's exact test; None if that was not asked.
    """

    mean: float
    first: float
    second: float
    interval: Interval | None = None
    how: str = ""
    by_chance: bool | None = None


def pairs(ours: Sequence[Trained], theirs: Sequence[Trained]) -> list[tuple[Trained, Trained]]:
    """Configurations that have the same values of all options that both arms vary."""
    shared = ours[0].varied.keys() & theirs[0].varied.keys()
    return [
        (one, other)
        for one in ours
        for other in theirs
        if all(one.varied[name] == other.varied[name] for name in shared)
    ]


def difference(
    matched: Sequence[tuple[Trained, Trained]], metric: str, higher: bool, confidence: float = 0.95
) -> Difference:
    """Compare pairs of configurations.

    Of three seeds and more, by Student's interval of the difference of each seed. Of fewer, an accuracy by
    the test samples that only one of two networks had right, for each two trainings; the interval spans all.

    Args:
        matched: The pairs; every run has the metric.
        metric: The metric.
        higher: Whether a higher value of it is better.
        confidence: Share of such intervals that hold the true difference, between 0 and 1.
    """
    sign = 1 if higher else -1
    common = set.intersection(*(set(one.runs) & set(other.runs) for one, other in matched))
    by_seed = [
        statistics.fmean(
            sign * (one.values(metric)[seed] - other.values(metric)[seed]) for one, other in matched
        )
        for seed in sorted(common)
    ]
    first = statistics.fmean(one.mean(metric) for one, _ in matched)
    second = statistics.fmean(other.mean(metric) for _, other in matched)
    if not by_seed:
        return Difference(sign * (first - second), first, second)
    mean = statistics.fmean(by_seed)
    if len(by_seed) >= ENOUGH:
        how = f"{len(by_seed)} seeds, paired, Student's interval"
        low, high = student(by_seed, confidence)
        if percentage_metric(metric):  # no accuracy is further from another one
            low, high = max(-1.0, low), min(1.0, high)
        return Difference(mean, first, second, (low, high), how)
    if not (percentage_metric(metric) and metric.startswith("test/")):
        return Difference(mean, first, second)
    try:
        found = [
            mcnemar(*(runs.runs[seed].predictions() for runs in ((one, other) if higher else (other, one))))
            for one, other in matched
            for seed in sorted(common)
        ]
    except RunError as error:
        return Difference(mean, first, second, how=f"not paired by their samples: {error.message}")
    ends = [difference_interval(result, confidence) for result in found]
    interval = min(low for low, _ in ends), max(high for _, high in ends)
    p = max(result.p for result in found)
    how = f"{len(found)} pair{'s' * (len(found) > 1)} of trainings, McNemar's exact test, p "
    how += "< 0.0001" if p < 1e-4 else f"= {p:.2g}"
    return Difference(mean, first, second, interval, how, p >= 1 - confidence)
