"""What a claim is judged by: the runs of its arms."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from galaxynet.evaluation.intervals import accuracy_interval, student
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
        low, high = span(intervals)
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
    other_data: Sequence[Run] = ()

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


def span(intervals: Sequence[Interval]) -> Interval:
    """The smallest interval that holds all of these."""
    return min(low for low, _ in intervals), max(high for _, high in intervals)
