"""Conducting a sweep: which trials are left, which run now, what became of each."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from rich.markup import escape

from galaxynet import terminal
from galaxynet.errors import RunError
from galaxynet.runs import Run
from galaxynet.runs.lock import is_locked
from galaxynet.sweeps.engine import Engine
from galaxynet.sweeps.orders import Order
from galaxynet.sweeps.record import DONE, Sweep, TrialRecord, TrialStatus
from galaxynet.sweeps.remaining import epochs_of
from galaxynet.sweeps.trials import Trial
from galaxynet.sweeps.worker import Event

_TICK = 0.5
_PATIENCE = 40.0
"""Seconds in which a trial of a sweep that was killed has ended."""


class Watcher(Protocol):
    """Is told how a sweep goes on."""

    def begins(self, sweep: Sweep, left: Sequence[Trial]) -> None:
        """The record is up to date, and these trials are left."""

    def changed(self, trial: TrialRecord, run: Run | None) -> None:
        """A trial has begun or ended."""

    def tick(self) -> None:
        """Some time has passed."""


def take_stock(sweep: Sweep, trials: Sequence[Trial], *, retry: bool = False) -> list[Trial]:
    """Bring the record up to date with the runs that there are.

    Args:
        sweep: The sweep.
        trials: The trials of this call.
        retry: Whether failed trials are to be run again.

    Returns:
        The trials that are left, those that were interrupted first.

    Raises:
        RunError: If one of them is being run by a process that does not end.
    """
    runs = sweep.runs()
    mine = {trial.key for trial in trials}
    for record in sweep.record.trials:
        run = runs.get(record.key)
        if run is not None and run.status == "running":
            run = _ended(run)
        if run is None and record.run and record.key in mine:
            _tell_of_damage(sweep, record.run)
        record.status = standing(record, run, retry=retry)
        record.run = run.record.id if run is not None else ""
        if run is not None:
            record.message = brief(run.record.message)
        if record.status not in DONE:
            record.message = ""
    sweep.save()
    records = {record.key: record for record in sweep.record.trials}
    left = [trial for trial in trials if records[trial.key].status not in DONE]
    return sorted(left, key=lambda trial: records[trial.key].status != "interrupted")


def standing(record: TrialRecord | None, run: Run | None, *, retry: bool = False) -> TrialStatus:
    """How far a trial is by its record and its run, before anything is trained."""
    status: TrialStatus = "waiting"
    if run is not None:
        status = run.status
    elif record is not None and not record.run and record.status not in ("running", "interrupted"):
        status = record.status  # else its run was removed, or it never came to one
    return "waiting" if retry and status == "failed" else status


def conduct(
    sweep: Sweep,
    trials: Sequence[Trial],
    orders: Mapping[str, Order],
    engine: Engine,
    watcher: Watcher,
) -> None:
    """Run trials until none is left. An interrupt stops the running ones so that they can be gone on with.

    Args:
        sweep: The sweep, which keeps what becomes of them.
        trials: The trials that are left.
        orders: The order of each trial by its key.
        engine: Where they run.
        watcher: Told of everything.
    """
    waiting = list(trials)
    running: set[str] = set()

    def handle(event: Event) -> None:
        record = sweep.trial(event.key)
        run = _opened(event.run) or (_of(sweep, record) if event.ended else None)
        if run is not None:
            record.run = run.record.id
        if event.ended:
            running.discard(event.key)
            record.status, record.message = _outcome(run, event)
        else:
            record.status = "waiting" if event.waits else "running"
        sweep.save()
        watcher.changed(record, run)

    try:
        while waiting or running:
            while waiting and len(running) < engine.slots:
                trial = waiting.pop(0)
                record = sweep.trial(trial.key)
                record.message = ""
                running.add(trial.key)
                if engine.start(orders[trial.key]):
                    record.status = "running"
                watcher.changed(record, None)
            for event in engine.wait(_TICK):
                handle(event)
            watcher.tick()
    except BaseException:
        engine.stop()
        for key in running:
            record = sweep.trial(key)
            run = _of(sweep, record)
            record.status = "waiting" if run is None else run.status
            if run is not None:
                record.run = run.record.id
            watcher.changed(record, run)
        with suppress(RunError):  # on a full disk, the error that brought us here is the one to tell
            sweep.save()
        raise


def _outcome(run: Run | None, event: Event) -> tuple[TrialStatus, str]:
    """What became of a trial whose process has ended."""
    if run is not None and run.status in DONE:
        return run.status, brief(run.record.message or event.message)
    if not event.message and (run is None or run.status == "interrupted"):
        return "interrupted", ""  # it was told to stop by somebody else
    message = event.message or "It ended without a result."
    if run is not None:  # it was killed, and could not say so itself
        run.record.status, run.record.message = "failed", message
        run.record.epochs = max(run.record.epochs, epochs_of(run))
        run.save()
    return "failed", brief(message)


def brief(message: str) -> str:
    """The first line of a message; the log of the trial has the others."""
    return message.strip().partition("\n")[0].rstrip(" :")


def _tell_of_damage(sweep: Sweep, run_id: str) -> None:
    """Say that a run of the sweep cannot be read. One that was removed was removed on purpose."""
    for folder in sweep.path.parent.parent.glob(f"*-{run_id}"):
        try:
            Run.open(folder)
        except RunError as error:
            terminal.note(f"[yellow]{escape(error.message)}[/yellow] It is trained anew, as another run.")


def _opened(folder: str) -> Run | None:
    try:
        return Run.open(Path(folder)) if folder else None
    except RunError:
        return None


def _of(sweep: Sweep, record: TrialRecord) -> Run | None:
    return sweep.runs().get(record.key)


def _ended(run: Run) -> Run:
    """The run once its process has ended: that of a sweep which was killed ends by itself."""
    deadline = time.monotonic() + _PATIENCE
    while run.status == "running":
        if run.record.environment.host != platform.node() and not is_locked(run.path):
            run.record.status = "interrupted"  # the lock is what can be seen of a process elsewhere
            break
        if time.monotonic() > deadline:
            where = run.record.environment
            raise RunError(
                f"The run {run.label} of this sweep is still running (process {where.pid} on "
                f"{where.host or 'this machine'}).",
                f"Wait for it, or stop it: kill {where.pid}",
            )
        time.sleep(0.2)
        run = Run.open(run.path)
    return run
