"""The lock of a run folder: held by the process that trains the run, on whatever machine, while it lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from galaxynet import locks
from galaxynet.errors import RunError
from galaxynet.runs.folder import Run

LOCK = ".lock"


def is_locked(run: Path) -> bool:
    """True if a process holds the lock of this run folder, or if that cannot be determined."""
    return locks.is_locked(run / LOCK)


@contextmanager
def locked(run: Run) -> Iterator[None]:
    """Keep other processes from continuing the same run.

    Raises:
        RunError: If another process is training it, or its folder cannot be written.
    """
    lock = locks.Lock(run.path / LOCK)
    try:
        if not lock.acquire():
            raise RunError(f"Another process is training the run {run.label}.")
    except OSError as error:
        raise RunError(
            f"The folder of the run {run.label} cannot be written: {error.strerror or error} ({run.path})."
        ) from None
    try:
        yield
    finally:
        lock.release()
