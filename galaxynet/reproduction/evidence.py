"""What there is to judge a claim by: the runs of each configuration of its arms."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from galaxynet.claims import Claim
from galaxynet.report.intervals import accuracy_interval, student
from galaxynet.report.seeds import words
from galaxynet.report.wording import measured, percentage_metric
from galaxynet.reproduction.experiment import Level, Network, Test
from galaxynet.runs import Run

ENOUGH = 3
"""So many seeds tell how much chance does."""

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


def gather(test: Test, level: Level, done: Mapping[str, Run]) -> Evidence:
    """The runs for a claim: where there is one of the full test, that one.

    Args:
        test: The claim and its networks.
        level: How much of the full test was to be done.
        done: The runs that there are, by the key of their plan.
    """
    seeds = test.known.claim.seeds
    found = {network: _runs(network, seeds, level, done) for network in test.networks}
    runs = [run for of in found.values() for run in of.values()]
    newest = max(runs, key=lambda run: run.record.started, default=None)
    others = [run for run in runs if newest is not None and _samples(run) != _samples(newest)]
    arms = {
        name: [
            Trained(
                varied,
                {seed: run for seed, run in found[network].items() if run not in others},
                network.epochs,
            )
            for varied, network in configurations
        ]
        for name, configurations in test.arms.items()
    }
    return Evidence(test.known.claim, arms, others)


def done_level(test: Test, done: Mapping[str, Run]) -> Level:
    """How much of the full test there are runs of, whichever call made them.

    Of as many networks as possible, and then of as many epochs: all are cut alike, as a budget cuts them.

    Args:
        test: The claim and its networks.
        done: The runs that there are, by the key of their plan.
    """
    seeds, networks = test.known.claim.seeds, test.networks
    asked: set[Any] = {run.record.options.training.get("epochs") for run in done.values()}
    epochs = {one for one in asked if isinstance(one, int) and one > 0}
    cuts = {least / one.epochs for least in epochs for one in networks if least < one.epochs}
    levels = [Level(seeds, share) for share in (1.0, *sorted(cuts, reverse=True))]
    # Of equals, the first one is the longest.
    return max(levels, key=lambda level: sum(bool(_runs(one, seeds, level, done)) for one in networks))


def _runs(network: Network, seeds: int, level: Level, done: Mapping[str, Run]) -> dict[int, Run]:
    found = {}
    for seed in range(min(seeds, network.seeds)):
        keys = (network.plan(seed, None)[0], network.plan(seed, level.epochs(network.epochs))[0])
        run = next((done[key] for key in keys if key in done), None)
        if run is not None:
            found[seed] = run
    return found


def _samples(run: Run) -> tuple[str, int | None]:
    return run.record.test_set, run.record.splits.get("train")
