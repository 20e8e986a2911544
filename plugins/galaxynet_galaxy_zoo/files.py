"""Where the files of the dataset lie: as fetched, or as a person has unpacked them."""

from __future__ import annotations

from pathlib import Path

from galaxynet.errors import DataError
from galaxynet.plugin import DataFile


def find(folder: Path, file: DataFile) -> Path | None:
    """The archive in a folder, or its unpacked form, or None if neither is there."""
    for name in (file.name, file.folder):
        if name and (folder / name).exists():
            return folder / name
    return None


def need(folder: Path, file: DataFile, dataset: str) -> Path:
    """The archive in a folder, or its unpacked form.

    Args:
        folder: The dataset's folder.
        file: The wanted file.
        dataset: The dataset's name.

    Raises:
        DataError: If neither is there; says how to fetch it.
    """
    found = find(folder, file)
    if found is None:
        raise DataError(
            f"The dataset {dataset} is not there: {folder / file.name} is missing ({file.summary}).",
            f"Fetch it with: galaxynet fetch {dataset}",
        )
    return found
