"""From the options of a call to a planned sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from galaxynet.errors import UsageError
from galaxynet.sweeps.dimensions import Dimension
from galaxynet.sweeps.job import TrialJob
from galaxynet.sweeps.local_engine import cores_by_slot, visible_gpus
from galaxynet.sweeps.sweep_record import log_path, sweep_folder
from galaxynet.sweeps.trials import MAX_TRIALS, Trial, default_name, plan_trials, seed_dimension
from galaxynet.training.config import Components, check_name

_MAX_FOLDER_BYTES = 200
"""Most file systems take names of 255 bytes."""

EngineName = Literal["local", "ray"]
"""Where trials run: in processes of this machine, or on a Ray cluster."""


@dataclass(frozen=True)
class SweepPlan:
    """A fully determined sweep.

    Attributes:
        name: Its name.
        trials: Its trials.
        jobs: Their jobs, by key.
        runs_dir: The folder of the runs.
        data_dir: The folder of the datasets.
        parallel: How many trials run at once; on a cluster, as it is now.
        gpus: The GPUs to share; empty on a CPU, and on a cluster.
        engine: Where trials run.
        max_parallel: How many may run at once on a cluster; None for as many as fit.
        trial_cpus: CPUs of each trial on a cluster.
        dimensions: The given options, those with one value included; empty where trials were given instead.
    """

    name: str
    trials: tuple[Trial, ...]
    jobs: Mapping[str, TrialJob]
    runs_dir: Path
    data_dir: Path
    parallel: int
    gpus: tuple[str, ...] = ()
    engine: EngineName = "local"
    max_parallel: int | None = None
    trial_cpus: int = 1
    dimensions: tuple[Dimension, ...] = ()

    @property
    def threads(self) -> int:
        """Threads of a trial; the most, if trials have different numbers."""
        given = max(trial.plan.training.threads for trial in self.trials)
        return given or (self.trial_cpus if self.engine == "ray" else len(cores_by_slot(self.parallel)[0]))

    @property
    def modules(self) -> list[str]:
        """What trial processes import in advance."""
        return list(dict.fromkeys(name for job in self.jobs.values() for name in job.modules))


def plan_sweep(
    components: Components,
    dimensions: Sequence[Dimension],
    *,
    runs_dir: Path,
    data_dir: Path,
    name: str = "",
    seeds: int = 1,
    n_samples: int | None = None,
    sample_seed: int = 0,
    parallel: int | None = None,
    yes: bool = False,
    engine: EngineName = "local",
    trial_cpus: int | None = None,
) -> SweepPlan:
    """Plan a sweep.

    Args:
        components: Network and dataset.
        dimensions: The given options.
        runs_dir: The folder of the runs.
        data_dir: The folder of the datasets.
        name: Name of the sweep; empty for one that depends on the options alone.
        seeds: How many seeds to train each configuration with.
        n_samples: How many random configurations to try; None for the whole grid.
        sample_seed: Seed of the sample.
        parallel: How many trials run at once; None for one per GPU, or one at a time on a CPU; on a cluster,
            for as many as fit.
        yes: True to allow more than 1,000 trials.
        engine: Where trials run.
        trial_cpus: CPUs of each trial on a cluster; None for one.

    Raises:
        UsageError: If options contradict each other.
        RunError: If the cluster cannot be reached.
        OptionError: If a value does not fit its option.
    """
    if trial_cpus is not None and engine == "local":
        raise UsageError(
            "--trial-cpus is for a cluster.", "Add --engine ray, or divide this machine with --parallel."
        )
    if engine not in get_args(EngineName):
        raise UsageError(f"There is no engine {engine!r}.", f"Choose from {', '.join(get_args(EngineName))}.")
    for flag, number in (("--seeds", seeds), ("--random", n_samples), ("--parallel", parallel)):
        if number is not None and number < 1:
            raise UsageError(f"{flag} {number}: must be at least 1.")
    by_name = {dimension.name: dimension for dimension in dimensions}
    seed = seed_dimension(by_name.get("seed"), seeds)
    if seed is not None:
        by_name["seed"] = seed
    dimensions = tuple(by_name.values())
    if name:
        _check_name(name)
    name = name or default_name(components, dimensions, n_samples, sample_seed)
    trials = plan_trials(
        components,
        dimensions,
        n_samples=n_samples,
        sample_seed=sample_seed,
        sweep=name,
        runs_dir=runs_dir,
        limit=None if yes else MAX_TRIALS,
    )
    plan = plan_for_trials(
        name,
        trials,
        runs_dir=runs_dir,
        data_dir=data_dir,
        parallel=parallel,
        engine=engine,
        trial_cpus=trial_cpus or 1,
    )
    return replace(plan, dimensions=dimensions)


def plan_for_trials(
    name: str,
    trials: Sequence[Trial],
    *,
    runs_dir: Path,
    data_dir: Path,
    parallel: int | None = None,
    engine: EngineName = "local",
    trial_cpus: int = 1,
) -> SweepPlan:
    """The plan of given trials, whose options need not form a grid; arguments as for `plan_sweep`."""
    logs = sweep_folder(runs_dir, name)
    jobs = {trial.key: TrialJob.of(trial, runs_dir, data_dir, log_path(logs, trial.key)) for trial in trials}
    gpus: list[str] = []
    if engine == "ray":
        from galaxynet.sweeps.ray_cluster import capacity

        room = capacity(jobs.values(), trial_cpus)
        at_once = min(room, parallel or room, len(trials))
    else:
        accelerators = {trial.plan.training.accelerator for trial in trials}
        # A trial on several devices takes all GPUs it sees.
        if max(trial.plan.training.devices for trial in trials) == 1:
            gpus = visible_gpus("auto" if len(accelerators) > 1 else accelerators.pop())
        at_once = min(parallel or max(1, len(gpus)), len(trials))
    return SweepPlan(
        name,
        tuple(trials),
        jobs,
        runs_dir,
        data_dir,
        at_once,
        tuple(gpus),
        engine,
        parallel,
        trial_cpus,
    )


def _check_name(name: str) -> None:
    """Raise UsageError if no folder can have this name."""
    check_name(name, "sweep")
    if name.startswith(".") or len(name.encode()) > _MAX_FOLDER_BYTES:
        raise UsageError(
            f"A sweep cannot be named {name!r}.", "The name is a folder's: short, without a leading dot."
        )
