"""The lock of a run folder: held by the process that trains the run, on whatever machine, while it lives."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"


def is_locked(run: Path) -> bool:
    """Whether a process holds the lock of this run folder; so too where there is no telling."""
    lock = FileLock(run / LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError, NotImplementedError):
        return True
    lock.release()
    return False
