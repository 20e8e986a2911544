"""From claims to trainings: what is the same is trained once, and what was trained before is not again."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxynet.errors import UsageError
from galaxynet.plugin import OptionField
from galaxynet.reproduction.catalogue import Known
from galaxynet.runs import Run, scan
from galaxynet.sweeps.axes import parse
from galaxynet.sweeps.trials import Trial, plan_key, run_key
from galaxynet.training.plan import Parties, Plan

RESULTS = ("finished", "diverged")
"""The states of a run that tell something: an undefined loss is a result."""


@dataclass(frozen=True)
class Level:
    """How much of the full test is done.

    Attributes:
        seeds: At most so many seeds of each network.
        share: Share of the epochs, above 0 and up to 1.
    """

    seeds: int
    share: float = 1.0

    def epochs(self, full: int) -> int:
        """The epochs of a network that has `full` of them in the full test."""
        return max(1, math.floor(full * self.share + 1e-9))


@dataclass(eq=False)
class Network:
    """One configuration that some claims need, whichever they are.

    Attributes:
        parties: Network and dataset.
        options: The options that are given; the epochs are those of the full test.
        sweep: The sweep that its trainings belong to.
        seeds: How many seeds the full test has.
    """

    parties: Parties
    options: Mapping[str, Any]
    sweep: str
    seeds: int = 0
    _plans: dict[tuple[int, int], tuple[str, Plan]] = field(default_factory=dict, repr=False)

    @property
    def epochs(self) -> int:
        """Epochs of the full test."""
        return self.plan(0, None)[1].training.epochs

    def plan(self, seed: int, epochs: int | None) -> tuple[str, Plan]:
        """A training of it with its key; of None epochs, as the full test has it."""
        place = (seed, epochs or 0)
        if place not in self._plans:
            given = {**self.options, "seed": seed, **({"epochs": epochs} if epochs else {})}
            plan = self.parties.plan(given, sweep=self.sweep)
            self._plans[place] = (plan_key(plan), plan)
        return self._plans[place]

    def missing(self, level: Level, done: Mapping[str, Run]) -> list[Training]:
        """The trainings of a level for which there is no run; one of the full test will do."""
        found = []
        for seed in range(min(self.seeds, level.seeds)):
            key, plan = self.plan(seed, level.epochs(self.epochs))
            if key not in done and self.plan(seed, None)[0] not in done:
                found.append(Training(self, key, plan))
        return found


@dataclass(frozen=True, eq=False)
class Training:
    """A training that is to be done.

    Attributes:
        network: The configuration.
        key: The key of the plan.
        plan: The plan.
    """

    network: Network
    key: str
    plan: Plan


@dataclass(frozen=True, eq=False)
class Test:
    """A claim with the networks of its arms.

    Attributes:
        known: The claim.
        arms: For each arm the varied options and the network of each configuration.
    """

    known: Known
    arms: Mapping[str, Sequence[tuple[Mapping[str, Any], Network]]]

    @property
    def networks(self) -> list[Network]:
        """All its networks, without repetition."""
        return list(dict.fromkeys(network for arm in self.arms.values() for _, network in arm))


@dataclass(eq=False)
class Experiment:
    """The claims about one network on one dataset, whose trainings are one sweep.

    Attributes:
        name: The name of the sweep.
        parties: Network and dataset.
        tests: The claims.
    """

    name: str
    parties: Parties
    tests: list[Test] = field(default_factory=list)

    @property
    def networks(self) -> list[Network]:
        """All networks of all claims, without repetition."""
        return list(dict.fromkeys(network for test in self.tests for network in test.networks))

    @property
    def trainings(self) -> int:
        """Trainings of the full test."""
        return sum(one.seeds for one in self.networks)


def experiments(chosen: Sequence[Known], given: Mapping[str, str]) -> list[Experiment]:
    """What has to be trained for some claims, by network and dataset.

    Args:
        chosen: The claims.
        given: Options of the datasets, as they are typed.

    Raises:
        UsageError: If an option is none of a dataset, or an arm sets it itself.
        OptionError: If a value does not fit.
    """
    _check_names(chosen, given)
    found: dict[tuple[str, str], Experiment] = {}
    networks: dict[str, Network] = {}
    for known in chosen:
        parties = known.parties
        place = (parties.model.qualified, parties.dataset.qualified)
        experiment = found.setdefault(place, Experiment(_sweep_name(parties), parties))
        fields = {one.name: one for one in parties.dataset_spec.options.fields()}
        values = {name: _value(fields[name], text) for name, text in given.items() if name in fields}
        arms: dict[str, list[tuple[Mapping[str, Any], Network]]] = {}
        for arm, configurations in known.arms.items():
            for one in configurations:
                _check_free(known, one.options, values)
                network = Network(parties, {**values, **one.options}, experiment.name)
                network = networks.setdefault(network.plan(0, None)[0], network)
                network.seeds = max(network.seeds, known.claim.seeds)
                arms.setdefault(arm, []).append((one.varied, network))
        experiment.tests.append(Test(known, arms))
    return list(found.values())


def results(runs_dir: Path) -> dict[str, Run]:
    """The runs that tell something by the key of their plan: of several, the one that was started last."""
    runs = [run for run in scan(runs_dir) if isinstance(run, Run) and run.status in RESULTS]
    return {run_key(run.record): run for run in sorted(runs, key=lambda run: run.record.started)}


def as_trials(trainings: Iterable[Training]) -> list[Trial]:
    """Trials of a sweep, with the values of those options in which they differ."""
    plans = {one.key: one.plan for one in trainings}
    options = {key: _options(plan) for key, plan in plans.items()}
    names = list(dict.fromkeys(name for values in options.values() for name in values))
    differing = [name for name in names if len({repr(values.get(name)) for values in options.values()}) > 1]
    varied = [*(name for name in differing if name != "seed"), "seed"]
    return [Trial(key, {name: options[key][name] for name in varied}, plan) for key, plan in plans.items()]


def _options(plan: Plan) -> dict[str, Any]:
    parts = (plan.model_options, plan.dataset_options, plan.training)
    return {name: value for part in parts for name, value in part.to_dict().items()}


def _sweep_name(parties: Parties) -> str:
    usual = parties.dataset.name == parties.model_spec.dataset
    return f"reproduce-{parties.model.name}" + ("" if usual else f"-{parties.dataset.name}")


def _value(field: OptionField, text: str) -> Any:
    axis = parse(field, text)
    if axis.varies:
        raise UsageError(f"--set {field.name}={text}: it takes one value, not several.")
    return axis.values[0]


def _check_names(chosen: Sequence[Known], given: Iterable[str]) -> None:
    names = {field.name for one in chosen for field in one.parties.dataset_spec.options.fields()}
    datasets = ", ".join(sorted({one.parties.dataset.name for one in chosen}))
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            flags = ", ".join(sorted(one.replace("_", "-") for one in names))
            hint = f"Did you mean {near[0].replace('_', '-')}?" if near else f"There are: {flags}."
            raise UsageError(f"--set {name.replace('_', '-')}: no such option of {datasets}.", hint)


def _check_free(known: Known, options: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    for name in values:
        if name in options:
            raise UsageError(f"--set {name.replace('_', '-')}: the claim {known.claim.name} sets it itself.")
