"""Going on with a run: whether it can be, from where, and that no other process does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from galaxynet.errors import RunError, UsageError
from galaxynet.runs import Run
from galaxynet.runs.folder import CHECKPOINTS
from galaxynet.runs.lock import LOCK
from galaxynet.training.distributed import is_first_process
from galaxynet.training.plan import Plan


def checkpoint_to_resume(run: Run, plan: Plan, force: bool = False) -> Path | None:
    """The checkpoint that a run goes on from; None if it was ended before its first epoch was.

    Args:
        run: The run.
        plan: What is to be trained.
        force: Go on although the record says that the run is running.

    Raises:
        UsageError: If the plan is not that of the run.
        RunError: If the run is finished, diverged or running, or its checkpoint is gone or damaged.
    """
    if is_first_process():  # the other processes would find it running, by the first
        _check_status(run, force)
    _check_plan(run, plan)
    last = run.path / CHECKPOINTS / "last.ckpt"
    if not last.is_file():
        if run.metrics():
            raise RunError(
                f"The run {run.label} had ended epochs, but its checkpoint {last} is gone.",
                f"Train it anew with: galaxynet train --like {run.record.id}",
            )
        return None
    _epoch(last, run)
    return last


def earlier_rows(run: Run | None, last: Path | None) -> list[dict[str, float]]:
    """The rows of `metrics.csv` for the epochs that the checkpoint holds; later ones are trained again."""
    if run is None or last is None:
        return []
    epoch = _epoch(last, run)
    return [row for row in run.metrics() if row.get("epoch", 0) <= epoch]


@contextmanager
def only_this_process(run: Run) -> Iterator[None]:
    """Keep other processes from going on with the same run meanwhile.

    Raises:
        RunError: If another process does.
    """
    lock = FileLock(run.path / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"Another process is going on with the run {run.label} already.") from None
    try:
        yield
    finally:
        lock.release()


def _check_status(run: Run, force: bool) -> None:
    record = run.record
    if run.status == "finished":
        raise RunError(
            f"The run {run.label} is finished.", f"To train it again: galaxynet train --like {record.id}"
        )
    if run.status == "diverged":
        raise RunError(
            f"The loss of the run {run.label} became undefined; going on cannot mend that.",
            f"Try a lower learning rate: galaxynet train --like {record.id} --lr ...",
        )
    if run.status == "running" and not force:
        where = f"process {record.environment.pid} on {record.environment.host or 'this machine'}"
        raise RunError(
            f"The run {run.label} is still running ({where}).",
            f"If it is not: galaxynet train --resume {record.id} --force",
        )


def _check_plan(run: Run, plan: Plan) -> None:
    record = run.record
    for what, ours, theirs in (
        ("network", plan.model.name, record.model.name),
        ("dataset", plan.dataset.name, record.dataset.name),
    ):
        if ours != theirs:
            raise UsageError(
                f"The run {run.label} trains the {what} {theirs}, not {ours}.",
                f"Go on with it by: galaxynet train --resume {record.id}",
            )
    planned = {
        **plan.model_options.to_dict(), **plan.dataset_options.to_dict(), **plan.training.to_dict()
    }  # fmt: skip
    before = record.options.merged()
    changed = sorted(name for name in planned if name in before and before[name] != planned[name])
    if changed:
        raise UsageError(
            f"The run {run.label} has other values of {', '.join(changed)}.",
            f"To train anew with some options changed: galaxynet train --like {record.id} ...",
        )


def _epoch(checkpoint: Path, run: Run) -> int:
    try:
        return int(torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["epoch"])
    except Exception as error:  # torch and zip files raise whatever they like over damaged bytes
        raise RunError(
            f"The checkpoint {checkpoint} cannot be read: it is damaged or none.",
            f"Train it anew with: galaxynet train --like {run.record.id}",
        ) from error
