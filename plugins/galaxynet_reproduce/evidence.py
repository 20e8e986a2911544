"""What a claim is judged by: the runs of its arms, and how much better some are than others."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from galaxynet.errors import RunError
from galaxynet.evaluation.intervals import accuracy_interval, student
from galaxynet.evaluation.mcnemar import difference_interval, mcnemar
from galaxynet.phrases import count
from galaxynet.report.wording import measured, percentage_metric, show_options
from galaxynet.runs import Run
from galaxynet_reproduce.claims import Claim
from galaxynet_reproduce.experiments import ClaimTest, Network

MIN_SEEDS = 3
"""Fewest seeds that show how much results vary by chance."""

_SIMILAR = 0.9

Interval = tuple[float, float]


@dataclass(frozen=True)
class Trained:
    """The runs of one configuration.

    Attributes:
        varied: The options in which it differs from the others of its arm.
        runs: Its finished and diverged runs by seed.
        epochs: Epochs of the full test.
    """

    varied: Mapping[str, Any]
    runs: Mapping[int, Run]
    epochs: int

    @property
    def label(self) -> str:
        """Its varied options in a few words, or empty."""
        return show_options(dict(self.varied))

    @property
    def cut_to(self) -> int:
        """The epochs that its shortest run was meant to have."""
        recorded: list[Any] = [run.record.options.training.get("epochs") for run in self.runs.values()]
        return min([self.epochs, *(epochs for epochs in recorded if isinstance(epochs, int))])

    @property
    def n_diverged(self) -> int:
        """How many of its trainings ended in an undefined loss."""
        return sum(run.record.status == "diverged" for run in self.runs.values())

    def values(self, metric: str) -> dict[int, float]:
        """The metric by seed, where a run has it."""
        values = {seed: measured(run.record.metrics.get(metric)) for seed, run in self.runs.items()}
        return {seed: value for seed, value in values.items() if value is not None}

    def is_complete(self, metric: str) -> bool:
        """True if every run has the metric."""
        return bool(self.runs) and len(self.values(metric)) == len(self.runs)

    def mean(self, metric: str) -> float:
        """The mean of the metric over the seeds that have it."""
        return statistics.fmean(self.values(metric).values())

    def interval(self, metric: str) -> Interval | None:
        """The 95 % interval of the metric; None if its uncertainty is unknown.

        For three seeds and more it is Student's. For an accuracy it is Wilson's, as the test samples are a
        random choice too, and spans both where both apply. An accuracy's interval stays within 0 and 1.
        """
        values = list(self.values(metric).values())
        intervals: list[Interval] = []
        if len(values) >= MIN_SEEDS:
            intervals.append(student(values))
        samples = min((run.record.splits.get("test", 0) for run in self.runs.values()), default=0)
        if percentage_metric(metric) and metric.startswith("test/") and samples and values:
            intervals.append(accuracy_interval(statistics.fmean(values), samples))
        if not intervals:
            return None
        low, high = _span(intervals)
        return (max(0.0, low), min(1.0, high)) if percentage_metric(metric) else (low, high)


@dataclass(frozen=True)
class Evidence:
    """Everything that a claim is judged by.

    Attributes:
        claim: The claim.
        arms: The configurations of each arm, also those without a run.
        other_data: Runs left out because their samples differ from those of the newest run.
    """

    claim: Claim
    arms: Mapping[str, Sequence[Trained]]
    other_data: Sequence[Run] = field(default=())

    @property
    def trained(self) -> list[Trained]:
        """The configurations of all arms."""
        return [configuration for arm in self.arms.values() for configuration in arm]

    @property
    def runs(self) -> list[Run]:
        """All runs, without repetition."""
        runs = [run for configuration in self.trained for run in configuration.runs.values()]
        return list({run.record.id: run for run in runs}.values())

    @property
    def seeds(self) -> int:
        """The seeds that every configuration has."""
        return min(len(configuration.runs) for configuration in self.trained)

    @property
    def most_cut(self) -> Trained:
        """The configuration with the smallest share of its epochs."""
        return min(self.trained, key=lambda configuration: configuration.cut_to / configuration.epochs)

    @property
    def cut_epochs(self) -> bool:
        """True if a training was shorter than in the full test."""
        return self.most_cut.cut_to < self.most_cut.epochs

    @property
    def cut(self) -> bool:
        """True if less than the full test was done."""
        return self.seeds < self.claim.seeds or self.cut_epochs

    @property
    def extent(self) -> str:
        """How much was done: `1 of 3 seeds, 3 of 12 epochs`."""
        full, total = self.claim.seeds, len(self.trained)
        started = sum(bool(configuration.runs) for configuration in self.trained)
        if started < total:
            return f"{started} of {total} networks"
        seeds = f"{self.seeds} of {full} seeds" if self.seeds < full else count(full, "seed")
        cut = self.most_cut
        return f"{seeds}, {cut.cut_to} of {cut.epochs} epochs" if self.cut_epochs else seeds

    @property
    def training_samples(self) -> int:
        """The fewest samples that a run trained on."""
        return min(run.record.splits.get("train", 0) for run in self.runs)

    @property
    def fewer_data(self) -> bool:
        """True if there was less to learn from than the source had."""
        return self.training_samples < _SIMILAR * self.claim.training_samples

    @property
    def other_classes(self) -> bool:
        """True if the classes are not those of the claim."""
        expected = self.claim.classes
        return bool(expected) and any(tuple(run.record.classes) != expected for run in self.runs)


def gather(test: ClaimTest, epochs: int | None, done: Mapping[str, Run]) -> Evidence:
    """The runs for a claim; runs of the full test come first.

    Args:
        test: The claim and its networks.
        epochs: The most epochs of other trainings; None if there are no others.
        done: All runs that count, by the key of their plan.
    """
    by_network = {network: _runs(test, network, epochs, done) for network in test.networks}
    runs = [run for by_seed in by_network.values() for run in by_seed.values()]
    newest = max(runs, key=lambda run: run.record.started, default=None)
    others = [run for run in runs if newest is not None and _samples(run) != _samples(newest)]
    arms = {
        name: [
            Trained(
                varied,
                {seed: run for seed, run in by_network[network].items() if run not in others},
                network.epochs,
            )
            for varied, network in configurations
        ]
        for name, configurations in test.arms.items()
    }
    return Evidence(test.checked.claim, arms, others)


def longest_epochs(test: ClaimTest, done: Mapping[str, Run]) -> int | None:
    """The cut at which most networks have runs, by any command; of several, the longest.

    Args:
        test: The claim and its networks.
        done: All runs that count, by the key of their plan.

    Returns:
        The epochs; None if the runs of the full test alone are as many.
    """
    recorded: set[Any] = {run.record.options.training.get("epochs") for run in done.values()}
    cuts = sorted((epochs for epochs in recorded if isinstance(epochs, int) and epochs > 0), reverse=True)
    # max takes the first of equals.
    return max(
        [None, *cuts], key=lambda cut: sum(bool(_runs(test, network, cut, done)) for network in test.networks)
    )


def _runs(test: ClaimTest, network: Network, epochs: int | None, done: Mapping[str, Run]) -> dict[int, Run]:
    seeds = test.checked.claim.seeds  # another claim may need more seeds of the same network
    return {seed: run for seed, run in network.runs(done, epochs).items() if seed < seeds}


def _samples(run: Run) -> tuple[str, int | None]:
    return run.record.test_set, run.record.splits.get("train")


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
    interval = _span([difference_interval(test, confidence) for test in tests])
    return Difference(mean, *means, interval, method, p >= 1 - confidence)


def _span(intervals: Sequence[Interval]) -> Interval:
    return min(low for low, _ in intervals), max(high for _, high in intervals)
