"""`train`: start a training in this process, or in several; only those that compute import PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from galaxynet import paths, terminal
from galaxynet.launch import check_launcher, isolated_environment
from galaxynet.runs import Run
from galaxynet.signals import deferred_stop_signals
from galaxynet.training.config import Plan
from galaxynet.training.distributed import train_in_processes
from galaxynet.training.ranks import Request


@isolated_environment()
def train(
    plan: Plan,
    *,
    runs_dir: Path,
    data_dir: Path,
    resume: Run | None = None,
    command: Sequence[str] = (),
    force: bool = False,
    on_start: Callable[[Run], None] | None = None,
) -> Run:
    """Train a network, test it once with the weights of the best epoch, and keep the run.

    Figures and messages about the result are the caller's, see `galaxynet.report.run_summary`.

    Args:
        plan: What to train.
        runs_dir: Folder in which the run folder is made.
        data_dir: Folder of the datasets.
        resume: The interrupted run to continue; its options must be those of the plan.
        command: The command line, for the record.
        force: Continue a run although its record says that it is running.
        on_start: Called with the run as soon as its folder exists.

    Returns:
        The run, whose status is `finished`, `diverged` or `interrupted`.

    Raises:
        GalaxynetError: If data, hardware or the run to resume do not fit. A run that exists by then is
            marked as failed.
    """
    check_launcher()
    if resume is None:
        paths.check_runs_dir(runs_dir)
    request = Request(plan, runs_dir, data_dir, resume, tuple(command), force, on_start)
    if plan.training.devices > 1:
        return train_in_processes(request)
    with terminal.working("loading PyTorch"), deferred_stop_signals():
        from galaxynet.training.fit import fit
    run = fit(request)
    assert run is not None
    return run
