"""Resuming a run: whether it can be, from where, and that no other process does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from galaxynet.errors import RunError, UsageError
from galaxynet.runs import Run
from galaxynet.runs.folder import CHECKPOINTS, FIGURES
from galaxynet.runs.lock import LOCK
from galaxynet.training.checkpoints import read_checkpoint
from galaxynet.training.metrics_file import ROWS
from galaxynet.training.plan import Plan


def checkpoint_to_resume(run: Run, plan: Plan, force: bool = False) -> Path | None:
    """The checkpoint that a run continues from; None if it was stopped before its first one was written.

    Args:
        run: The run.
        plan: What is to be trained.
        force: Go on although the record says that the run is running.

    Raises:
        UsageError: If the plan is not that of the run.
        RunError: If the run is finished, diverged or running, a checkpoint is damaged, or a link in its
            folder leads out of it.
    """
    _check_status(run, force)
    _check_plan(run, plan)
    for part in (CHECKPOINTS, FIGURES, LOCK):
        run.inside(part)
    last = run.path / CHECKPOINTS / "last.ckpt"
    if not last.is_file():
        return None
    for checkpoint in (last, last.with_name("best.ckpt")):
        _read(checkpoint, run)
    return last


def earlier_rows(run: Run | None, last: Path | None) -> list[dict[str, float]]:
    """The rows of `metrics.csv` for the epochs that the checkpoint holds; later ones are trained again."""
    if run is None or last is None:
        return []
    kept = _read(last, run)
    if ROWS not in kept:  # galaxynet 0.1.0 kept them in the file alone
        return [row for row in run.metrics() if row.get("epoch", 0) <= kept["epoch"]]
    rows: list[dict[str, float]] = kept[ROWS]
    return rows


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
    except OSError as error:
        raise RunError(
            f"The folder of the run {run.label} cannot be written: {error.strerror or error} ({run.path})."
        ) from None
    try:
        yield
    finally:
        lock.release()


def check_unchanged(run: Run) -> None:
    """Ensure that no other process has continued a run since it was opened; the caller holds its lock.

    Raises:
        RunError: If another process has.
    """
    if Run.open(run.path).record.to_json() != run.record.to_json():
        raise RunError(
            f"Another process has continued the run {run.label} in the meantime.",
            f"See what it came to: galaxynet runs show {run.record.id}",
        )


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


def _read(checkpoint: Path, run: Run) -> dict[str, Any]:
    try:
        kept = read_checkpoint(checkpoint)
        if not isinstance(kept["epoch"], int) or not all(map(_is_row, kept.get(ROWS, []))):
            raise ValueError("this is no checkpoint of galaxynet")
    except Exception as error:  # torch and zip files raise whatever they like over damaged bytes
        raise RunError(
            f"The checkpoint {checkpoint} cannot be read: it is damaged or is not a checkpoint.",
            f"Train it again with: galaxynet train --like {run.record.id}",
        ) from error
    return kept


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and {"epoch", "step"} <= row.keys()
        and all(isinstance(name, str) and isinstance(value, int | float) for name, value in row.items())
    )
