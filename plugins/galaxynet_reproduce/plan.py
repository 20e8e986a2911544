"""What a call trains: which trainings are missing, and how long they take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from galaxynet import paths, terminal
from galaxynet.errors import GalaxynetError, UsageError
from galaxynet.sweeps.axes import Axis
from galaxynet.sweeps.estimate import Estimate, estimate, kind_of
from galaxynet.sweeps.orders import order
from galaxynet.sweeps.record import LOGS, folder_of
from galaxynet.sweeps.run import SweepPlan, make_plan
from galaxynet_reproduce.catalogue import CheckedClaim
from galaxynet_reproduce.experiments import (
    FULL,
    Experiment,
    Extent,
    Training,
    as_trials,
    experiments,
    results,
)


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        selected: The claims.
        given: Options of the datasets by name, as they are typed.
        extent: How much of the full test to do.
        parallel: Trainings at once; None for one per GPU, or one at a time on a CPU.
        runs_dir: The folder of the runs.
        data_dir: The folder of the datasets.
    """

    selected: Sequence[CheckedClaim]
    given: Mapping[str, str]
    extent: Extent
    parallel: int | None
    runs_dir: Path
    data_dir: Path


@dataclass
class ReproductionPlan:
    """What is going to be trained.

    Attributes:
        request: What was asked for.
        experiments: Everything that was asked for, in the order of the claims.
        n_missing: For each experiment, trainings of the full test without a run.
        sweeps: The sweep of each experiment that trains something.
        estimates: How long its trainings take.
        reasons: Why other experiments with missing trainings train nothing.
        without_data: Those of them whose data are not on this machine.
    """

    request: Request
    experiments: Sequence[Experiment]
    n_missing: dict[Experiment, int] = field(default_factory=dict)
    sweeps: dict[Experiment, SweepPlan] = field(default_factory=dict)
    estimates: dict[Experiment, Estimate] = field(default_factory=dict)
    reasons: dict[Experiment, str] = field(default_factory=dict)
    without_data: list[Experiment] = field(default_factory=list)

    def seconds(self, experiment: Experiment) -> float | None:
        """How long an experiment's trainings take; None if that is unknown."""
        sweep = self.sweeps[experiment]
        return self.estimates[experiment].total(sweep.trials, sweep.parallel)

    @property
    def total(self) -> float | None:
        """How long everything takes, in s; None if that is unknown."""
        times = [self.seconds(experiment) for experiment in self.sweeps]
        return None if None in times else sum(time or 0.0 for time in times)


def missing_data(request: Request) -> list[str]:
    """The datasets of some claims that are not on this machine."""
    missing: list[str] = []
    specs = {
        checked.components.dataset.qualified: checked.components.dataset_spec for checked in request.selected
    }
    for spec in specs.values():
        fields = {field.name for field in spec.options.fields()}
        own = any(
            paths.expanded(Path(text)).is_dir() for name, text in request.given.items() if name in fields
        )
        needed = [file.name for file in spec.files if not file.group and not file.optional]
        if not own and not all((request.data_dir / spec.name / name).exists() for name in needed):
            missing.append(spec.name)
    return missing


def make_reproduction_plan(request: Request) -> ReproductionPlan:
    """Plan what is to be trained, and estimate how long that takes.

    Raises:
        UsageError: If an option of `request.given` does not exist, or names a missing file.
        OptionError: If its value does not fit.
        GalaxynetError: If nothing of what is missing can be trained.
    """
    plan = ReproductionPlan(request, experiments(request.selected, request.given))
    done, without_data = results(request.runs_dir), missing_data(request)
    faults: list[GalaxynetError] = []
    for experiment in plan.experiments:
        plan.n_missing[experiment] = len(experiment.missing(FULL, done))
        training_nothing = request.extent.seeds == 0
        missing = experiment.missing(Extent() if training_nothing else request.extent, done)
        if not missing:
            continue
        # Existing runs are judged without the files, too.
        if not training_nothing or len(missing) == experiment.n_trainings:
            _check_files(experiment, request.given)
        dataset = experiment.components.dataset.name
        if dataset in without_data:
            plan.without_data.append(experiment)
            plan.reasons[experiment] = f"Data are missing: {dataset} is not on this machine."
        elif training_nothing:
            plan.reasons[experiment] = "Nothing was to be trained."
        else:
            try:
                sweep = _sweep_plan(request, experiment, missing)
                plan.estimates[experiment] = _estimate(request, experiment, sweep)
                plan.sweeps[experiment] = sweep
            except GalaxynetError as error:
                faults.append(error)
                plan.reasons[experiment] = f"It cannot be trained: {error}"
    if faults and not plan.sweeps:
        raise faults[0]
    return plan


def _sweep_plan(request: Request, experiment: Experiment, trainings: Sequence[Training]) -> SweepPlan:
    """The sweep of some trainings; GPUs and trials at once as in any other sweep."""
    base = make_plan(
        experiment.components,
        [],
        runs_dir=request.runs_dir,
        data_dir=request.data_dir,
        name=experiment.name,
        parallel=request.parallel,
    )
    trials = as_trials(trainings)
    logs = folder_of(request.runs_dir, experiment.name) / LOGS
    folders = request.runs_dir, request.data_dir
    orders = {trial.key: order(trial, *folders, logs / f"{trial.key}.log") for trial in trials}
    axes = [
        Axis(name, tuple(dict.fromkeys(trial.values[name] for trial in trials))) for name in trials[0].values
    ]
    return replace(base, axes=tuple(axes), trials=tuple(trials), orders=orders)


def _estimate(request: Request, experiment: Experiment, sweep: SweepPlan) -> Estimate:
    orders = [sweep.orders[trial.key] for trial in sweep.trials]
    kinds = len({kind_of(order.options) for order in orders})
    what = f"timing a few steps of {experiment.components.model.name}"
    with terminal.progress(what, kinds, "networks") as advance:
        return estimate(sweep.trials, orders, request.runs_dir, sweep.threads, advance)


def _check_files(experiment: Experiment, given: Mapping[str, str]) -> None:
    """Check that the files exist that the dataset's options name; a dataset makes their paths absolute."""
    values = experiment.networks[0].training(0).plan.dataset_options.to_dict()
    for name, text in given.items():
        value = values.get(name)
        if isinstance(value, str | Path) and Path(value).is_absolute() and not Path(value).exists():
            flag = name.replace("_", "-")
            raise UsageError(f"--set {flag}={text}: there is no such file.", "Check the spelling.")
