"""Where data and runs live unless a person says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

DATA_VARIABLE = "GALAXYNET_DATA"
RUNS_VARIABLE = "GALAXYNET_RUNS"


def data_dir(given: Path | None = None) -> Path:
    """The data folder: `given`, else `GALAXYNET_DATA`, else `~/.cache/galaxynet`."""
    return _folder(given, DATA_VARIABLE, Path.home() / ".cache" / "galaxynet")


def runs_dir(given: Path | None = None) -> Path:
    """The folder of the runs: `given`, else `GALAXYNET_RUNS`, else `./runs`."""
    return _folder(given, RUNS_VARIABLE, Path("runs"))


def _folder(given: Path | None, variable: str, default: Path) -> Path:
    if given is not None:
        return given.expanduser()
    value = os.environ.get(variable, "")
    return Path(value).expanduser() if value else default
