"""Removing run folders, damaged ones too, and what processes that died left in them."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path

from galaxynet import atomic, untrusted
from galaxynet.errors import RunError
from galaxynet.runs.folder import CHECKPOINTS, DamagedRun, Run
from galaxynet.runs.lock import is_locked
from galaxynet.runs.search import scan

_ABANDONED_S = 24 * 3600


def remove(run: Run | DamagedRun) -> None:
    """Delete a run folder with everything in it.

    The folder first gets a hidden name, so that an interrupt leaves no half of a run among the runs.

    Raises:
        RunError: If it cannot be deleted.
    """
    try:
        if run.path.is_symlink():  # the run itself lies elsewhere and belongs to another runs folder
            run.path.unlink()
            return
        atomic.remove_folder(run.path)
    except OSError as error:
        raise RunError(f"{run.path} cannot be removed: {error.strerror or error}.") from None


def leftovers(run: Path) -> list[Path]:
    """Files in a run folder that a training began to write: leftovers, unless the run is running."""
    folders = [run]
    with suppress(RunError):  # a link may lead out of the run
        folders.append(untrusted.inside(run, CHECKPOINTS))
    return [path for folder in folders for path in folder.glob(".*.tmp")]


def remove_leftovers(run: Path) -> None:
    """Remove what processes that died have left in a run folder; the caller knows that no other uses it."""
    for path in leftovers(run):
        with suppress(OSError):
            path.unlink()


def remove_all_leftovers(runs_dir: Path) -> None:
    """Remove what processes that died have left in the runs of a folder, and beside them."""
    for run in scan(runs_dir):
        stopped = isinstance(run, Run) and run.status != "running"
        if stopped and leftovers(run.path) and not is_locked(run.path):
            remove_leftovers(run.path)
    atomic.finish_removals(runs_dir)
    for path in runs_dir.glob(".new-run-*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                shutil.rmtree(path, ignore_errors=True)
