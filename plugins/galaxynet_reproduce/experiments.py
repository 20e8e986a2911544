"""From claims to trainings: equal trainings are done once, and earlier runs of them count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from galaxynet.errors import UsageError
from galaxynet.phrases import suggest
from galaxynet.plugin import OptionField
from galaxynet.runs import Run, scan
from galaxynet.sweeps.dimensions import parse_dimension
from galaxynet.sweeps.trials import Trial, plan_key, run_key
from galaxynet.training.config import Components
from galaxynet_reproduce.catalogue import CheckedClaim

RESULTS = ("finished", "diverged")
"""The statuses of runs that a claim can be judged by: an undefined loss is a result."""


@dataclass(frozen=True)
class Extent:
    """How much of the full test is done.

    Attributes:
        seeds: At most this many seeds of each network; None for all, 0 to train nothing.
        epochs: At most this many epochs of each training; None for all.
    """

    seeds: int | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        if self.seeds is not None and self.seeds < 0:
            raise UsageError(f"--seeds {self.seeds}: must be at least 0.")
        if self.epochs is not None and self.epochs < 1:
            raise UsageError(f"--epochs {self.epochs}: must be at least 1.")


FULL = Extent()


@dataclass(eq=False)
class Network:
    """One configuration that claims need.

    Attributes:
        components: Network and dataset.
        options: The options that are given; `epochs` is that of the full test.
        sweep: The sweep that its trainings belong to.
        seeds: Seeds of the full test.
    """

    components: Components
    options: Mapping[str, Any]
    sweep: str
    seeds: int = 0
    _trials: dict[tuple[int, int | None], Trial] = field(default_factory=dict, repr=False)

    @property
    def epochs(self) -> int:
        """Epochs of the full test."""
        return self.training(0).plan.training.epochs

    def training(self, seed: int, epochs: int | None = None) -> Trial:
        """A training with at most `epochs` epochs; of None, as the full test has it."""
        if epochs is not None and epochs >= self.epochs:
            epochs = None
        if (seed, epochs) not in self._trials:
            given = {**self.options, "seed": seed, **({} if epochs is None else {"epochs": epochs})}
            plan = self.components.plan(given, sweep=self.sweep)
            self._trials[seed, epochs] = Trial(plan_key(plan), given, plan)
        return self._trials[seed, epochs]

    def runs(self, done: Mapping[str, Run], epochs: int | None = None) -> dict[int, Run]:
        """Runs by seed: of the full test where there is one, else of at most `epochs` epochs."""
        matches = {}
        for seed in range(self.seeds):
            keys = self.training(seed).key, self.training(seed, epochs).key
            run = next((done[key] for key in keys if key in done), None)
            if run is not None:
                matches[seed] = run
        return matches

    def missing(self, extent: Extent, done: Mapping[str, Run]) -> list[Trial]:
        """The trainings of an extent without a run; a run of the full test counts too."""
        seeds = self.seeds if extent.seeds is None else min(self.seeds, extent.seeds)
        trained = self.runs(done, extent.epochs)
        return [self.training(seed, extent.epochs) for seed in range(seeds) if seed not in trained]


@dataclass(frozen=True, eq=False)
class ClaimTest:
    """A claim with the networks of its arms.

    Attributes:
        checked: The claim.
        arms: For each arm the varied options and the network of each configuration.
    """

    checked: CheckedClaim
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
        components: Network and dataset.
        tests: The claims.
    """

    name: str
    components: Components
    tests: list[ClaimTest] = field(default_factory=list)

    @property
    def networks(self) -> list[Network]:
        """All networks of all claims, without repetition."""
        return list(dict.fromkeys(network for test in self.tests for network in test.networks))

    @property
    def n_trainings(self) -> int:
        """Trainings of the full test."""
        return sum(network.seeds for network in self.networks)

    def missing(self, extent: Extent, done: Mapping[str, Run]) -> list[Trial]:
        """The missing trainings of all networks, seed by seed: an interrupt leaves one seed of everything."""
        trainings = [(n, t) for network in self.networks for n, t in enumerate(network.missing(extent, done))]
        return [training for _, training in sorted(trainings, key=lambda pair: pair[0])]


def experiments(selected: Sequence[CheckedClaim], given: Mapping[str, str]) -> list[Experiment]:
    """The trainings for some claims, by network and dataset.

    Args:
        selected: The claims.
        given: Dataset options, as typed.

    Raises:
        UsageError: If an option is not the dataset's, or an arm sets it itself.
        OptionError: If a value does not fit.
    """
    _check_names(selected, given)
    by_key: dict[tuple[str, str], Experiment] = {}
    networks: dict[str, Network] = {}
    for checked in selected:
        components = checked.components
        key = (components.model.qualified, components.dataset.qualified)
        experiment = by_key.setdefault(key, Experiment(_sweep_name(components), components))
        fields = {field.name: field for field in components.dataset_spec.options.fields()}
        values = {name: _value(fields[name], text) for name, text in given.items() if name in fields}
        arms: dict[str, list[tuple[Mapping[str, Any], Network]]] = {}
        for arm, configurations in checked.arms.items():
            options = checked.claim.arms[arm]
            _check_free(checked, options, values)
            for varied in configurations:
                network = Network(components, {**values, **options, **varied}, experiment.name)
                network = networks.setdefault(network.training(0).key, network)
                network.seeds = max(network.seeds, checked.claim.seeds)
                arms.setdefault(arm, []).append((varied, network))
        experiment.tests.append(ClaimTest(checked, arms))
    return list(by_key.values())


def results(runs_dir: Path) -> dict[str, Run]:
    """The runs that count, by the key of their plan; of several, the latest."""
    runs = [run for run in scan(runs_dir) if isinstance(run, Run) and run.status in RESULTS]
    return {run_key(run.record): run for run in sorted(runs, key=lambda run: run.record.started)}


def as_sweep(trainings: Iterable[Trial]) -> list[Trial]:
    """The trials of one sweep, each once, with the values of the options in which they differ."""
    trials = list({trial.key: trial for trial in trainings}.values())
    options = [trial.plan.options() for trial in trials]
    differing = [name for name in options[0] if len({repr(values[name]) for values in options}) > 1]
    varied = [*(name for name in differing if name != "seed"), "seed"]
    return [
        replace(trial, values={name: values[name] for name in varied})
        for trial, values in zip(trials, options, strict=True)
    ]


def _sweep_name(components: Components) -> str:
    usual = components.dataset.name == components.model_spec.dataset
    return f"reproduce-{components.model.name}" + ("" if usual else f"-{components.dataset.name}")


def _value(field: OptionField, text: str) -> Any:
    dimension = parse_dimension(field, text)
    if dimension.varies:
        raise UsageError(f"--set {field.name}={text}: expected one value.")
    return dimension.values[0]


def _check_names(selected: Sequence[CheckedClaim], given: Iterable[str]) -> None:
    names = {field.name for checked in selected for field in checked.components.dataset_spec.options.fields()}
    datasets = ", ".join(sorted({checked.components.dataset.name for checked in selected}))
    for name in given:
        if name not in names:
            flag, flags = name.replace("_", "-"), sorted(name.replace("_", "-") for name in names)
            raise UsageError(f"--set {flag}: no such option of {datasets}.", suggest(flag, flags))


def _check_free(checked: CheckedClaim, options: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    for name in values:
        if name in options:
            flag = name.replace("_", "-")
            raise UsageError(f"--set {flag}: the claim {checked.claim.name} sets it itself.")
