"""Where the files of the dataset lie."""

from __future__ import annotations

from pathlib import Path

from galaxynet.errors import DataError
from galaxynet.paths import absence
from galaxynet.plugin import DataFile


def need(folder: Path, file: DataFile) -> Path:
    """A file of the dataset.

    Args:
        folder: The dataset's folder; its name is the dataset's.
        file: The wanted file.

    Raises:
        DataError: If it is not there; says how to fetch it.
    """
    path = folder / file.name
    if not path.is_file():
        raise DataError(
            f"The dataset {folder.name} is not there: {path} {absence(path)} ({file.summary}).",
            f"Fetch it with: galaxynet fetch {folder.name}",
        )
    return path
