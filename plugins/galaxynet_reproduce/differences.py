"""How much better some configurations are than others."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from galaxynet.errors import RunError
from galaxynet.evaluation.intervals import student
from galaxynet.evaluation.mcnemar import difference_interval, mcnemar
from galaxynet.phrases import count
from galaxynet.report.wording import percentage_metric
from galaxynet_reproduce.evidence import MIN_SEEDS, Interval, Trained, span


@dataclass(frozen=True)
class Difference:
    """How much better the first of some pairs are than the second.

    Attributes:
        mean: The mean difference, positive if the first are better.
        first: The mean of the metric of the first.
        second: The mean of the metric of the second.
        interval: The interval of the difference; None if its uncertainty is unknown.
        method: How the interval was computed.
        by_chance: True if chance alone explains it by McNemar's exact test; None if that was not tested.
    """

    mean: float
    first: float
    second: float
    interval: Interval | None = None
    method: str = ""
    by_chance: bool | None = None


def pairs(ours: Sequence[Trained], theirs: Sequence[Trained]) -> list[tuple[Trained, Trained]]:
    """Configurations with equal values of all options that both arms vary."""
    shared = ours[0].varied.keys() & theirs[0].varied.keys()
    return [
        (first, second)
        for first in ours
        for second in theirs
        if all(first.varied[name] == second.varied[name] for name in shared)
    ]


def difference(
    matched: Sequence[tuple[Trained, Trained]], metric: str, higher: bool, confidence: float = 0.95
) -> Difference:
    """Compare pairs of configurations.

    For three seeds and more, the interval is Student's, of the difference by seed. For fewer, an accuracy is
    compared by the test samples that only one of two networks has right, and the interval spans those of all
    pairs of trainings.

    Args:
        matched: The pairs; every run has the metric.
        metric: The metric.
        higher: True if a higher value of it is better.
        confidence: Confidence level, between 0 and 1.
    """
    sign = 1 if higher else -1
    seeds = sorted(set.intersection(*(set(first.runs) & set(second.runs) for first, second in matched)))
    by_seed = [
        sign
        * statistics.fmean(
            first.values(metric)[seed] - second.values(metric)[seed] for first, second in matched
        )
        for seed in seeds
    ]
    means = (
        statistics.fmean(first.mean(metric) for first, _ in matched),
        statistics.fmean(second.mean(metric) for _, second in matched),
    )
    if not seeds:
        return Difference(sign * (means[0] - means[1]), *means)
    mean = statistics.fmean(by_seed)
    if len(seeds) >= MIN_SEEDS:
        low, high = student(by_seed, confidence)
        if percentage_metric(metric):  # two accuracies differ by at most 1
            low, high = max(-1.0, low), min(1.0, high)
        return Difference(mean, *means, (low, high), f"{len(seeds)} seeds, paired, Student's interval")
    if not (percentage_metric(metric) and metric.startswith("test/")):
        return Difference(mean, *means)
    try:
        tests = [
            mcnemar(*(side.runs[seed].predictions() for side in (pair if higher else pair[::-1])))
            for pair in matched
            for seed in seeds
        ]
    except RunError as error:
        return Difference(mean, *means, method=f"not paired by their samples: {error.message}")
    p = max(test.p for test in tests)
    p_text = "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"
    method = f"{count(len(tests), 'pair')} of trainings, McNemar's exact test, {p_text}"
    interval = span([difference_interval(test, confidence) for test in tests])
    return Difference(mean, *means, interval, method, p >= 1 - confidence)
