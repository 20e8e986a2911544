"""One fetch of a dataset at a time, across processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from galaxynet.fetching.errors import FetchError, disk_errors
from galaxynet.fetching.notes import note


@contextlib.contextmanager
def lock(data_dir: Path, dataset: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a dataset. The system lets go of it when the process ends, however it ends.

    Args:
        data_dir: The folder of all datasets.
        dataset: The dataset.
        wait: Whether to wait for another process that holds it, which is told to the person.

    Raises:
        FetchError: If the lock file cannot be made, or it is held and `wait` is false.
    """
    from filelock import FileLock, Timeout

    with disk_errors(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        # Beside the folder, not in it, so that removing the dataset does not remove a held lock.
        held = FileLock(data_dir / f".{dataset}.lock")
        try:
            held.acquire(timeout=0)
        except Timeout:
            if not wait:
                raise FetchError(
                    f"Another galaxynet is fetching {dataset}.", "Wait until it is done, or end it."
                ) from None
            note(f"another galaxynet is fetching {dataset}; waiting for it")
            held.acquire()
    try:
        yield
    finally:
        held.release()
