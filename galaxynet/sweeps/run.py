"""From the words of a call to a finished sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from galaxynet.errors import UsageError
from galaxynet.launch import check_launcher
from galaxynet.runs.removal import remove_leftovers
from galaxynet.signals import stop_signals
from galaxynet.sweeps.axes import Axis
from galaxynet.sweeps.conduct import Watcher, conduct, take_stock
from galaxynet.sweeps.engine import Engine, LocalEngine, shared_out, visible_gpus
from galaxynet.sweeps.orders import Order, order
from galaxynet.sweeps.record import Sweep, folder_of, log_path
from galaxynet.sweeps.trials import MOST_TRIALS, Trial, plan_trials, seed_axis, sweep_name
from galaxynet.training.config import Components, check_name

_LONGEST_FOLDER = 200
"""Bytes in the name of a folder, of which most file systems take 255."""

EngineName = Literal["local", "ray"]
"""Where trials run: in processes of this machine, or on a Ray cluster."""


@dataclass(frozen=True)
class SweepPlan:
    """A sweep that is fully determined.

    Attributes:
        name: Its name.
        axes: The options that were given, those with one value too.
        trials: Its trials.
        orders: Their orders, by key.
        runs_dir: Where the runs are kept.
        data_dir: Where the datasets are.
        parallel: How many trials run at once; on a cluster, as it is now.
        gpus: The GPUs that are shared out; empty on a CPU, and on a cluster.
        engine: Where they run.
        most: How many may run at once on a cluster; None for as many as there is room for.
        trial_cpus: CPUs of each trial on a cluster.
    """

    name: str
    axes: tuple[Axis, ...]
    trials: tuple[Trial, ...]
    orders: Mapping[str, Order]
    runs_dir: Path
    data_dir: Path
    parallel: int
    gpus: tuple[str, ...]
    engine: EngineName = "local"
    most: int | None = None
    trial_cpus: int = 1

    @property
    def threads(self) -> int:
        """Threads that a trial computes with; the most, where trials have different numbers."""
        given = max(trial.plan.training.threads for trial in self.trials)
        return given or (self.trial_cpus if self.engine == "ray" else len(shared_out(self.parallel)[0]))

    @property
    def modules(self) -> list[str]:
        """What workers import beforehand."""
        return list(dict.fromkeys(name for one in self.orders.values() for name in one.modules))


def make_plan(
    components: Components,
    axes: Sequence[Axis],
    *,
    runs_dir: Path,
    data_dir: Path,
    name: str = "",
    seeds: int = 1,
    draws: int | None = None,
    draw_seed: int = 0,
    parallel: int | None = None,
    yes: bool = False,
    engine: EngineName = "local",
    trial_cpus: int | None = None,
) -> SweepPlan:
    """Plan a sweep.

    Args:
        components: Network and dataset.
        axes: The options that were given.
        runs_dir: Where the runs are kept.
        data_dir: Where the datasets are.
        name: Its name; empty for one that the same call always has.
        seeds: How many seeds each configuration is trained with.
        draws: How many configurations to draw by chance; None for the whole grid.
        draw_seed: Determines the draw.
        parallel: How many trials run at once; None for one on each GPU, or one at a time on a CPU; on a
            cluster, for as many as there is room for.
        yes: Whether there may be more than 1,000 trials.
        engine: Where they run.
        trial_cpus: CPUs of each trial on a cluster; None for one.

    Raises:
        UsageError: If the call cannot be meant.
        RunError: If there is no cluster where one is named.
        OptionError: If a value does not fit its option.
    """
    if trial_cpus is not None and engine == "local":
        raise UsageError(
            "--trial-cpus is for a cluster.", "Add --engine ray, or share out this machine by --parallel."
        )
    if engine not in get_args(EngineName):
        raise UsageError(f"There is no engine {engine!r}.", f"There are: {', '.join(get_args(EngineName))}.")
    for flag, number in (("--seeds", seeds), ("--random", draws), ("--parallel", parallel)):
        if number is not None and number < 1:
            raise UsageError(f"{flag} {number}: it takes 1 or more.")
    by_name = {axis.name: axis for axis in axes}
    seeded = seed_axis(by_name.get("seed"), seeds)
    if seeded is not None:
        by_name["seed"] = seeded
    axes = tuple(by_name.values())
    if name:
        _check_name(name)
    name = name or sweep_name(components, axes, draws, draw_seed)
    most = None if yes else MOST_TRIALS
    trials = plan_trials(components, axes, draws=draws, draw_seed=draw_seed, sweep=name, most=most)
    orders = {
        one.key: order(one, runs_dir, data_dir, log_path(folder_of(runs_dir, name), one.key))
        for one in trials
    }
    if engine == "ray":
        from galaxynet.sweeps.ray_engine import capacity

        cpus = trial_cpus or 1
        room = capacity(orders.values(), cpus)
        at_once = min(room, parallel or room, len(trials))
        return SweepPlan(
            name, axes, tuple(trials), orders, runs_dir, data_dir, at_once, (), engine, parallel, cpus
        )
    accelerators = {one.plan.training.accelerator for one in trials}
    devices = max(one.plan.training.devices for one in trials)
    # A trial that takes several GPUs takes what there is.
    gpus = visible_gpus("auto" if len(accelerators) > 1 else accelerators.pop()) if devices == 1 else []
    at_once = min(parallel or max(1, len(gpus)), len(trials))
    return SweepPlan(name, axes, tuple(trials), orders, runs_dir, data_dir, at_once, tuple(gpus))


def _check_name(name: str) -> None:
    """See that a folder can have this name."""
    check_name(name, "sweep")
    if name.startswith(".") or len(name.encode()) > _LONGEST_FOLDER:
        raise UsageError(
            f"A sweep cannot be named {name!r}.",
            "Its name is that of a folder: short, and without a leading dot.",
        )


def run(plan: SweepPlan, watcher: Watcher, *, command: Sequence[str] = (), retry: bool = False) -> Sweep:
    """Run a sweep, or what is left of it.

    Args:
        plan: The sweep.
        watcher: Told how it goes on; its `begins` is called before the first trial.
        command: The words of the call, for the record.
        retry: Run failed trials again.

    Raises:
        RunError: If another process runs it, or it cannot be kept.
        UsageError: If this is one of several processes of a launcher.
        KeyboardInterrupt: If it was interrupted; the same call goes on with it.
    """
    if plan.engine == "local":
        check_launcher()
    sweep = Sweep.begin(plan.runs_dir, plan.name, plan.trials, command)
    with sweep.only_this_process(), stop_signals():
        remove_leftovers(sweep.path)
        left = take_stock(sweep, plan.trials, retry=retry)
        watcher.begins(sweep, left)
        if left:
            engine = make_engine(plan)
            try:
                conduct(sweep, left, plan.orders, engine, watcher)
            finally:
                engine.close()
    return sweep


def make_engine(plan: SweepPlan) -> Engine:
    """The engine of a plan."""
    if plan.engine == "ray":
        from galaxynet.sweeps.ray_engine import RayEngine

        return RayEngine(plan.most or len(plan.trials), plan.trial_cpus)
    return LocalEngine(plan.parallel, plan.gpus, plan.modules)
