"""Testing claims: plan the missing trainings, run them, and judge all runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxynet import paths
from galaxynet.errors import GalaxynetError, RunError, UsageError
from galaxynet.launch import isolated_environment
from galaxynet.sweeps.estimate import Estimate, estimate
from galaxynet.sweeps.progress_display import ProgressDisplay
from galaxynet.sweeps.scheduler import run_sweep
from galaxynet.sweeps.sweep_plan import SweepPlan, plan_for_trials
from galaxynet.sweeps.sweep_record import Sweep
from galaxynet_reproduce.catalogue import CheckedClaim, catalogue
from galaxynet_reproduce.evidence import gather, longest_epochs
from galaxynet_reproduce.experiments import (
    FULL,
    Experiment,
    Extent,
    Network,
    as_sweep,
    experiments,
    results,
)
from galaxynet_reproduce.judging import Outcome, outcome


@dataclass(frozen=True)
class Request:
    """What to test, and how much of it.

    Attributes:
        selected: The claims.
        given: Dataset options by name, as typed.
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
    """What to train.

    Attributes:
        request: The request.
        experiments: The experiments of the selected claims, in their order.
        n_missing: For each experiment, trainings without a run: those requested, or else of the full test.
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
        """How long an experiment's trainings take; None if unknown."""
        sweep = self.sweeps[experiment]
        return self.estimates[experiment].total(sweep.trials, sweep.parallel)

    @property
    def total(self) -> float | None:
        """How long everything takes, in s; None if unknown."""
        times = [self.seconds(experiment) for experiment in self.sweeps]
        return None if None in times else sum(time or 0.0 for time in times)


@isolated_environment()
def reproduce(
    *topics: str,
    seeds: int | None = None,
    epochs: int | None = None,
    parallel: int | None = None,
    runs_dir: Path | str | None = None,
    data_dir: Path | str | None = None,
    **options: Any,
) -> list[Outcome]:
    """Test published claims about the networks, as `galaxynet reproduce TOPIC` does.

    Args:
        *topics: Topics, claims or networks, or `all`.
        seeds: At most this many seeds of each network; None for the full test, 0 to train nothing.
        epochs: At most this many epochs of each training; None for the full test.
        parallel: Trainings at once; None for one per GPU, or one at a time on a CPU.
        runs_dir: The folder of the runs; None for `GALAXYNET_RUNS` or `./runs`.
        data_dir: The folder of the datasets; None for `GALAXYNET_DATA` or `~/.cache/galaxynet`.
        **options: Dataset options that claims cannot know, such as `labels="labels.csv"`.

    Returns:
        A verdict for each claim, with our figure, the reason and the runs.

    Raises:
        GalaxynetError: If the call is wrong, or runs cannot be written. A failed training is named in the
            reason of its claim.
    """
    plan = plan_reproduction(
        Request(
            selected=catalogue().select(topics),
            given={name: str(value) for name, value in options.items()},
            extent=Extent(seeds, epochs),
            parallel=parallel,
            runs_dir=paths.runs_dir(None if runs_dir is None else Path(runs_dir)),
            data_dir=paths.data_dir(None if data_dir is None else Path(data_dir)),
        )
    )
    train_missing(plan)
    return judge_all(plan)


def missing_data(request: Request) -> list[str]:
    """The datasets of the selected claims that are not on this machine."""
    missing: list[str] = []
    specs = {
        checked.components.dataset.qualified: checked.components.dataset_spec for checked in request.selected
    }
    for spec in specs.values():
        fields = {field.name for field in spec.options.fields()}
        is_given = any(
            paths.expanded(Path(text)).is_dir() for name, text in request.given.items() if name in fields
        )
        files = [file.name for file in spec.files if not file.group and not file.optional]
        if not is_given and not all((request.data_dir / spec.name / name).exists() for name in files):
            missing.append(spec.name)
    return missing


def plan_reproduction(request: Request) -> ReproductionPlan:
    """Plan the missing trainings and estimate how long they take.

    Raises:
        UsageError: If an option of `request.given` does not exist, or names a missing file.
        OptionError: If its value does not fit.
        GalaxynetError: If none of the missing trainings can be run.
    """
    plan = ReproductionPlan(request, experiments(request.selected, request.given))
    done, without_data = results(request.runs_dir), missing_data(request)
    trains_nothing = request.extent.seeds == 0
    errors: list[GalaxynetError] = []
    for experiment in plan.experiments:
        missing = experiment.missing(FULL if trains_nothing else request.extent, done)
        plan.n_missing[experiment] = len(missing)
        if not missing:
            continue
        # Existing runs can be judged without the files.
        if not trains_nothing or len(missing) == experiment.n_trainings:
            _check_files(experiment, request.given)
        dataset = experiment.components.dataset.name
        if dataset in without_data:
            plan.without_data.append(experiment)
            plan.reasons[experiment] = f"Data are missing: {dataset} is not on this machine."
        elif trains_nothing:
            plan.reasons[experiment] = "Nothing was to be trained."
        else:
            try:
                sweep = plan_for_trials(
                    experiment.name,
                    as_sweep(missing),
                    runs_dir=request.runs_dir,
                    data_dir=request.data_dir,
                    parallel=request.parallel,
                )
                plan.estimates[experiment] = estimate(sweep, sweep.trials)
                plan.sweeps[experiment] = sweep
            except GalaxynetError as error:
                errors.append(error)
                plan.reasons[experiment] = f"It cannot be trained: {error}"
    if errors and not plan.sweeps:
        raise errors[0]
    return plan


def _check_files(experiment: Experiment, given: Mapping[str, str]) -> None:
    """Check that the files named by dataset options exist; a dataset makes their paths absolute."""
    values = experiment.networks[0].training(0).plan.dataset_options.to_dict()
    for name, text in given.items():
        value = values.get(name)
        if isinstance(value, str | Path) and Path(value).is_absolute() and not Path(value).exists():
            flag = name.replace("_", "-")
            raise UsageError(f"--set {flag}={text}: there is no such file.", "Check the spelling.")


def train_missing(plan: ReproductionPlan, command: Sequence[str] = ()) -> int:
    """Run the missing trainings.

    Args:
        plan: The plan.
        command: The arguments of the call, for the record.

    Returns:
        How many trainings failed.

    Raises:
        RunError: If another process runs them, or runs cannot be written.
        KeyboardInterrupt: If it was interrupted; the same call continues.
    """
    n_failed = 0
    for experiment, sweep_plan in plan.sweeps.items():
        with ProgressDisplay(sweep_plan, plan.estimates[experiment]) as display:
            sweep = run_sweep(sweep_plan, display, command=command, retry=True)
        n_failed += sum(t.status == "failed" for t in sweep.record.trials if t.key in sweep_plan.jobs)
    return n_failed


def judge_all(plan: ReproductionPlan) -> list[Outcome]:
    """The verdicts from all existing runs, in the order in which the claims were selected."""
    request, done = plan.request, results(plan.request.runs_dir)
    outcomes: dict[tuple[str, str], Outcome] = {}
    for experiment in plan.experiments:
        failures = _failures(plan, experiment, done)
        for test in experiment.tests:
            epochs = request.extent.epochs
            if epochs is None and experiment not in plan.sweeps:
                epochs = longest_epochs(test, done)
            checked = test.checked
            outcomes[checked.key] = outcome(
                checked,
                gather(test, epochs, done),
                request.given,
                reason=plan.reasons.get(experiment, ""),
                fetch=experiment in plan.without_data,
                failures=list(dict.fromkeys(failures[n] for n in test.networks if n in failures)),
            )
    return [outcomes[checked.key] for checked in request.selected]


def _failures(plan: ReproductionPlan, experiment: Experiment, done: Collection[str]) -> dict[Network, str]:
    """Why a training of a network failed, now or earlier, if no run has replaced it."""
    try:
        trials = Sweep.open(plan.request.runs_dir, experiment.name).record.trials
    except RunError:
        return {}  # nothing was trained yet, or the record is damaged: runs are judged without it
    messages = {t.key: t.message for t in trials if t.status == "failed" and t.key not in done}
    failures: dict[Network, str] = {}
    for network in experiment.networks:
        for epochs in (None, plan.request.extent.epochs):
            for seed in range(network.seeds):
                message = messages.get(network.training(seed, epochs).key)
                if message is not None:
                    failures.setdefault(network, message)
    return failures
