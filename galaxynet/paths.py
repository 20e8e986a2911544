"""Default locations of data and runs."""

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
    """A path with `~` replaced by the home folder.

    Raises:
        UsageError: If the home folder is unknown: neither HOME nor the list of users has it.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise UsageError(
            f"{path} is in a home folder that is not known: HOME is not set.",
            f"Set HOME, or name folders in full: --data-dir, --runs-dir, {DATA_VARIABLE}, {RUNS_VARIABLE}",
        ) from None


def absence(path: Path) -> str:
    """Why a file cannot be found, for a message: `is missing`, or the target of a dangling link."""
    return f"is a link to {path.readlink()}, which is not there" if path.is_symlink() else "is missing"


def check_runs_dir(folder: Path) -> None:
    """Check that runs can be written to a folder, before minutes are spent on training.

    Raises:
        RunError: If the folder, or the nearest existing folder above it, is not writable.
    """
    nearest = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return
    reason = f"{nearest} cannot be written to" if nearest.is_dir() else f"{nearest} is not a folder"
    raise RunError(f"No run can be kept in {folder}: {reason}.", "Name another folder: --runs-dir")


def _folder(given: Path | None, variable: str, default: Path) -> Path:
    if given is not None:
        return expanded(given)
    value = os.environ.get(variable, "")
    return expanded(Path(value) if value else default)
