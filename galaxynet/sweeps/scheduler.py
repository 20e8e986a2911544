"""Running a sweep: which trials remain, which run now, and how each ended."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from galaxynet import terminal
from galaxynet.errors import RunError
from galaxynet.launch import check_launcher
from galaxynet.runs import Run
from galaxynet.runs.lock import is_locked
from galaxynet.runs.removal import remove_leftovers
from galaxynet.signals import stop_signals
from galaxynet.sweeps.engine import Engine, Event
from galaxynet.sweeps.estimate import epochs_done
from galaxynet.sweeps.local_engine import LocalEngine
from galaxynet.sweeps.sweep_plan import SweepPlan
from galaxynet.sweeps.sweep_record import DONE, Sweep, TrialRecord, TrialStatus
from galaxynet.sweeps.trials import Trial

if TYPE_CHECKING:
    from galaxynet.sweeps.progress_display import ProgressDisplay

_TICK_S = 0.5
_END_TIMEOUT_S = 40.0
"""How long the trials of a killed sweep may take to end."""


def run_sweep(
    plan: SweepPlan, display: ProgressDisplay, *, command: Sequence[str], retry: bool = False
) -> Sweep:
    """Run a sweep, or what remains of it.

    Args:
        plan: The sweep.
        display: Notified of its progress.
        command: The arguments of the call, for the record.
        retry: True to run failed trials again.

    Raises:
        RunError: If another process runs it, or its folder cannot be written.
        UsageError: If this is one of several processes of a launcher.
        KeyboardInterrupt: If it was interrupted; the same call continues it.
    """
    if plan.engine == "local":
        check_launcher()
    sweep = Sweep.create_or_extend(plan.runs_dir, plan.name, plan.trials, command)
    with sweep.lock(), stop_signals():
        remove_leftovers(sweep.path)
        remaining = reconcile(sweep, plan.trials, retry=retry)
        display.started(sweep, remaining)
        if remaining:
            engine = _make_engine(plan)
            try:
                _run_trials(sweep, remaining, plan, engine, display)
            finally:
                engine.close()
    return sweep


def reconcile(sweep: Sweep, trials: Sequence[Trial], *, retry: bool = False) -> list[Trial]:
    """Update the record of a sweep from its runs.

    Args:
        sweep: The sweep.
        trials: The trials of this call.
        retry: True to run failed trials again.

    Returns:
        The trials that remain, interrupted ones first.

    Raises:
        RunError: If one of them is run by a process that does not end.
    """
    runs = sweep.runs()
    keys = {trial.key for trial in trials}
    for record in sweep.record.trials:
        run = runs.get(record.key)
        if run is not None and run.status == "running":
            run = _wait_for_end(run)
        if run is None and record.run and record.key in keys:
            _warn_if_damaged(sweep, record.run)
        record.status = trial_status(record, run, retry=retry)
        record.run = run.record.id if run is not None else ""
        if run is not None:
            record.message = _first_line(run.record.message)
        if record.status not in DONE:
            record.message = ""
    sweep.save()
    status = {record.key: record.status for record in sweep.record.trials}
    remaining = [trial for trial in trials if status[trial.key] not in DONE]
    return sorted(remaining, key=lambda trial: status[trial.key] != "interrupted")


def trial_status(record: TrialRecord | None, run: Run | None, *, retry: bool = False) -> TrialStatus:
    """The status of a trial from its record and its run, before anything is trained."""
    status: TrialStatus = "waiting"
    if run is not None:
        status = run.status
    elif record is not None and not record.run and record.status not in ("running", "interrupted"):
        status = record.status  # otherwise its run was removed, or never existed
    return "waiting" if retry and status == "failed" else status


def _make_engine(plan: SweepPlan) -> Engine:
    if plan.engine == "ray":
        from galaxynet.sweeps.ray_engine import RayEngine

        return RayEngine(plan.max_parallel or len(plan.trials), plan.trial_cpus)
    return LocalEngine(plan.parallel, plan.gpus, plan.modules)


def _run_trials(
    sweep: Sweep, trials: Sequence[Trial], plan: SweepPlan, engine: Engine, display: ProgressDisplay
) -> None:
    """Run trials until none remains. An interrupt stops the running ones so that they can be resumed."""
    waiting = list(trials)
    running: set[str] = set()

    def handle(event: Event) -> None:
        record = sweep.trial(event.key)
        run = _open_run(event.run) or (sweep.runs().get(event.key) if event.ended else None)
        if run is not None:
            record.run = run.record.id
        if event.ended:
            running.discard(event.key)
            record.status, record.message = final_status(run, event)
        else:
            record.status = "waiting" if event.requeued else "running"
        sweep.save()
        display.changed(record, run)

    try:
        while waiting or running:
            while waiting and len(running) < engine.slots:
                trial = waiting.pop(0)
                record = sweep.trial(trial.key)
                record.message = ""
                running.add(trial.key)
                if engine.start(plan.jobs[trial.key]):
                    record.status = "running"
                display.changed(record, None)
            for event in engine.wait(_TICK_S):
                handle(event)
            display.tick()
    except BaseException:
        engine.stop()
        runs = sweep.runs()
        for key in running:
            record, run = sweep.trial(key), runs.get(key)
            record.status = "waiting" if run is None else run.status
            if run is not None:
                record.run = run.record.id
            display.changed(record, run)
        with suppress(RunError):  # on a full disk, the first error is the one to show
            sweep.save()
        raise


def final_status(run: Run | None, event: Event) -> tuple[TrialStatus, str]:
    """The status and message of a trial whose process has ended."""
    if run is not None and run.status in DONE:
        return run.status, _first_line(run.record.message or event.message)
    if not event.message and (run is None or run.status == "interrupted"):
        return "interrupted", ""  # something other than this sweep stopped it
    message = event.message or "It ended without a result."
    if run is not None:  # it was killed before it could update its record
        run.record.status, run.record.message = "failed", message
        run.record.epochs = max(run.record.epochs, epochs_done(run))
        run.save()
    return "failed", _first_line(message)


def _first_line(message: str) -> str:
    """The first line of a message; the trial's log has the rest."""
    return message.strip().partition("\n")[0].rstrip(" :")


def _warn_if_damaged(sweep: Sweep, run_id: str) -> None:
    """Warn of an unreadable run of the sweep. A removed run was removed on purpose."""
    for folder in sweep.path.parent.parent.glob(f"*-{run_id}"):
        try:
            Run.open(folder)
        except RunError as error:
            terminal.note((error.message, "yellow"), " It is trained again as a new run.")


def _open_run(folder: str) -> Run | None:
    try:
        return Run.open(Path(folder)) if folder else None
    except RunError:
        return None


def _wait_for_end(run: Run) -> Run:
    """Return the run once its process has ended; the trials of a killed sweep end by themselves."""
    deadline = time.monotonic() + _END_TIMEOUT_S
    while run.status == "running":
        if run.record.environment.host != platform.node() and not is_locked(run.path):
            run.record.status = "interrupted"  # the lock is all that shows of a process elsewhere
            break
        if time.monotonic() > deadline:
            process = run.record.environment
            raise RunError(
                f"The run {run.label} of this sweep is still running (process {process.pid} on "
                f"{process.host or 'this machine'}).",
                f"Wait for it, or stop it: kill {process.pid}",
            )
        time.sleep(0.2)
        run = Run.open(run.path)
    return run
