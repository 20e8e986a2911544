"""Removing run folders, damaged ones too."""

from __future__ import annotations

import shutil
from pathlib import Path

from galaxynet.errors import RunError
from galaxynet.runs.folder import DamagedRun, Run, find, scan
from galaxynet.runs.record import new_id


def find_to_remove(runs_dir: Path, reference: str) -> Run | DamagedRun:
    """The run that a person names in full: by its id, its name, or the name or path of its folder.

    A damaged one is found by the name or the path of its folder. The beginning of an id is not enough here,
    as it is elsewhere: what is deleted by a slip does not come back.

    Raises:
        RunError: If there is none.
    """
    for run in scan(runs_dir):
        if isinstance(run, DamagedRun) and (run.path.name == reference or run.path == Path(reference)):
            return run
    return find(runs_dir, reference, whole=True)


def remove(run: Run | DamagedRun) -> None:
    """Delete a run folder with everything in it.

    The folder first gets a hidden name, so that an interrupt leaves no half of a run among the runs.

    Raises:
        RunError: If it cannot be deleted.
    """
    leaving = run.path.parent / f".removed-{new_id()}"
    try:
        if run.path.is_symlink():  # the run itself lies elsewhere and belongs to another runs folder
            run.path.unlink()
            return
        run.path.rename(leaving)
        shutil.rmtree(leaving)
    except OSError as error:
        raise RunError(f"{run.path} cannot be removed: {error.strerror or error}.") from None
