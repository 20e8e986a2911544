"""What a claim is judged by: the runs of each configuration of its arms."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from galaxynet.report.intervals import accuracy_interval, student
from galaxynet.report.seeds import words
from galaxynet.report.wording import measured, percentage_metric
from galaxynet.runs import Run
from galaxynet_reproduce.claims import Claim
from galaxynet_reproduce.experiments import ClaimTest, Network

ENOUGH = 3
"""Fewest seeds that show how much results vary by chance."""

_NEARLY = 0.9

Interval = tuple[float, float]


@dataclass(frozen=True)
class Trained:
    """The runs of one configuration.

    Attributes:
        varied: The options by which its arm tells it from its others.
        runs: Its runs by seed; finished ones and those whose loss became undefined.
        epochs: Epochs of the full test.
    """

    varied: Mapping[str, Any]
    runs: Mapping[int, Run]
    epochs: int

    @property
    def label(self) -> str:
        """Its varied options in a few words; empty if there are none."""
        return words(dict(self.varied))

    @property
    def cut_to(self) -> int:
        """The epochs that its shortest run was to have."""
        asked: list[Any] = [run.record.options.training.get("epochs") for run in self.runs.values()]
        return min([self.epochs, *(epochs for epochs in asked if isinstance(epochs, int))])

    @property
    def diverged(self) -> int:
        """How many of its trainings ended in an undefined loss."""
        return sum(run.record.status == "diverged" for run in self.runs.values())

    def values(self, metric: str) -> dict[int, float]:
        """The metric of each seed that has one."""
        found = {seed: measured(run.record.metrics.get(metric)) for seed, run in self.runs.items()}
        return {seed: value for seed, value in found.items() if value is not None}

    def whole(self, metric: str) -> bool:
        """Whether every one of its runs has the metric."""
        return bool(self.runs) and len(self.values(metric)) == len(self.runs)

    def mean(self, metric: str) -> float:
        """The mean of the metric over the seeds that have one."""
        return statistics.fmean(self.values(metric).values())

    def interval(self, metric: str) -> Interval | None:
        """The 95 % interval of the metric; None if nothing tells how sure it is.

        Of three seeds and more it is Student's; of an accuracy Wilson's, for the test samples are a choice
        by chance too. Where there are both, both must hold. That of an accuracy ends at 0 and 1.
        """
        values = list(self.values(metric).values())
        found: list[Interval] = []
        if len(values) >= ENOUGH:
            found.append(student(values))
        samples = min((run.record.splits.get("test", 0) for run in self.runs.values()), default=0)
        if percentage_metric(metric) and metric.startswith("test/") and samples and values:
            found.append(accuracy_interval(statistics.fmean(values), samples))
        if not found:
            return None
        low, high = min(low for low, _ in found), max(high for _, high in found)
        return (max(0.0, low), min(1.0, high)) if percentage_metric(metric) else (low, high)


@dataclass(frozen=True)
class Evidence:
    """Everything that a claim is judged by.

    Attributes:
        claim: The claim.
        arms: The configurations of each arm, those without a run too.
        other_data: Runs that were left out because their samples are others than those of the newest run.
    """

    claim: Claim
    arms: Mapping[str, Sequence[Trained]]
    other_data: Sequence[Run] = field(default=())

    @property
    def trained(self) -> list[Trained]:
        """The configurations of all arms."""
        return [one for arm in self.arms.values() for one in arm]

    @property
    def runs(self) -> list[Run]:
        """All runs, without repetition."""
        found = {run.record.id: run for one in self.trained for run in one.runs.values()}
        return list(found.values())

    @property
    def seeds(self) -> int:
        """The seeds that every configuration has."""
        return min(len(one.runs) for one in self.trained)

    @property
    def most_cut(self) -> Trained:
        """The configuration that had the smallest share of its epochs."""
        return min(self.trained, key=lambda one: one.cut_to / one.epochs)

    @property
    def cut_epochs(self) -> bool:
        """Whether a training was shorter than in the full test."""
        return self.most_cut.cut_to < self.most_cut.epochs

    @property
    def cut(self) -> bool:
        """Whether less than the full test was done."""
        return self.seeds < self.claim.seeds or self.cut_epochs

    @property
    def extent(self) -> str:
        """How much was done: `1 of 3 seeds, 3 of 12 epochs`."""
        full, total = self.claim.seeds, len(self.trained)
        begun = sum(bool(one.runs) for one in self.trained)
        if begun < total:
            return f"{begun} of {total} networks"
        seeds = f"{self.seeds} of {full} seeds" if self.seeds < full else f"{full} seed{'s' * (full > 1)}"
        one = self.most_cut
        return f"{seeds}, {one.cut_to} of {one.epochs} epochs" if self.cut_epochs else seeds

    @property
    def training_samples(self) -> int:
        """The fewest samples that a run trained on."""
        return min(run.record.splits.get("train", 0) for run in self.runs)

    @property
    def fewer_data(self) -> bool:
        """Whether there was less to learn from than the source had."""
        return self.training_samples < _NEARLY * self.claim.training_samples

    @property
    def other_classes(self) -> bool:
        """Whether the classes are others than those that the claim is about."""
        wanted = self.claim.classes
        return bool(wanted) and any(tuple(run.record.classes) != wanted for run in self.runs)


def gather(test: ClaimTest, epochs: int | None, done: Mapping[str, Run]) -> Evidence:
    """The runs for a claim: where there is one of the full test, that one.

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
    """The cut at which most networks have runs, whichever call made them; of several, the longest.

    Args:
        test: The claim and its networks.
        done: All runs that count, by the key of their plan.

    Returns:
        The epochs; None if the runs of the full test alone are as many.
    """
    recorded: set[Any] = {run.record.options.training.get("epochs") for run in done.values()}
    cuts = sorted((epochs for epochs in recorded if isinstance(epochs, int) and epochs > 0), reverse=True)
    # Of equals, max takes the first.
    return max(
        [None, *cuts], key=lambda cut: sum(bool(_runs(test, network, cut, done)) for network in test.networks)
    )


def _runs(test: ClaimTest, network: Network, epochs: int | None, done: Mapping[str, Run]) -> dict[int, Run]:
    seeds = test.checked.claim.seeds  # another claim may need more seeds of the same network
    return {seed: run for seed, run in network.runs(done, epochs).items() if seed < seeds}


def _samples(run: Run) -> tuple[str, int | None]:
    return run.record.test_set, run.record.splits.get("train")
