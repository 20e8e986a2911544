"""Where data and runs live unless a person says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from galaxynet.errors import RunError, UsageError

DATA_VARIABLE = "GALAXYNET_DATA"
RUNS_VARIABLE = "GALAXYNET_RUNS"
SWEEPS = "sweeps"
SWEEP_RECORD = "sweep.json"


def data_dir(given: Path | None = None) -> Path:
    """The data folder: `given`, else `GALAXYNET_DATA`, else `~/.cache/galaxynet`."""
    return _folder(given, DATA_VARIABLE, Path("~/.cache/galaxynet"))


def runs_dir(given: Path | None = None) -> Path:
    """The folder of the runs: `given`, else `GALAXYNET_RUNS`, else `./runs`."""
    return _folder(given, RUNS_VARIABLE, Path("runs"))


def sweep_names(runs_dir: Path) -> list[str]:
    """The names of the sweeps in a folder of runs."""
    return sorted(path.parent.name for path in (runs_dir / SWEEPS).glob(f"*/{SWEEP_RECORD}"))


def expanded(path: Path) -> Path:
    """A path with the home folder in place of its `~`.

    Raises:
        UsageError: If there is no telling where that is: neither HOME nor the list of users says so.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise UsageError(
            f"{path} is in a home folder that is not known: HOME is not set.",
            f"Set HOME, or name folders in full: --data-dir, --runs-dir, {DATA_VARIABLE}, {RUNS_VARIABLE}",
        ) from None


def absence(path: Path) -> str:
    """What is said of a file that is not there: `is missing`, or where a link leads that leads nowhere."""
    return f"is a link to {path.readlink()}, which is not there" if path.is_symlink() else "is missing"


def check_runs_dir(folder: Path) -> None:
    """See that runs can be kept in a folder, before minutes are spent on what is to be kept there.

    Raises:
        RunError: If neither it nor, where it is yet to be made, what is above it can be written to.
    """
    nearest = next(one for one in (folder, *folder.absolute().parents) if os.path.lexists(one))
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return
    reason = f"{nearest} cannot be written to" if nearest.is_dir() else f"{nearest} is not a folder"
    raise RunError(f"No run can be kept in {folder}: {reason}.", "Name another folder: --runs-dir")


def _folder(given: Path | None, variable: str, default: Path) -> Path:
    if given is not None:
        return expanded(given)
    value = os.environ.get(variable, "")
    return expanded(Path(value) if value else default)
