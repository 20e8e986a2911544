"""Files that have arrived and wait for the dataset's own check, and the folder in which it sees them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from galaxynet.fetching import partial
from galaxynet.fetching.hashing import Digest
from galaxynet.sources import DataFile

PREFIX = ".checking."


@dataclass(frozen=True)
class StagedFile:
    """A whole file that does not have its final name yet.

    Attributes:
        file: Which file it is.
        path: Where it is.
        digest: Its size and hashes.
        source: Where it came from, for the receipt.
        label: What messages call it.
        part: The download that it is, or was taken out of; removed once the file has its name.
        linked: Whether `path` is a link to a file of the person's own.
    """

    file: DataFile
    path: Path
    digest: Digest
    source: str
    label: str
    part: Path | None = None
    linked: bool = False

    def drop(self) -> None:
        """Remove what can be made again: a copy, never a download or a file that has its final name."""
        if self.path not in (self.part, self.path.with_name(self.file.name)):
            self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove it with its download; a file that a person put into the data folder stays."""
        self.drop()
        if self.part is not None:
            partial.forget(self.part)


@contextlib.contextmanager
def preview(folder: Path, files: Mapping[str, Path]) -> Iterator[Path]:
    """A temporary folder with the name of the dataset's, in which files already have their final names.

    Args:
        folder: The dataset's folder.
        files: Where each file is, by its final name.
    """
    building = Path(tempfile.mkdtemp(dir=folder, prefix=PREFIX))
    try:
        view = building / folder.name
        view.mkdir()
        for name, path in files.items():
            try:
                (view / name).symlink_to(path.absolute())
            except OSError:  # a file system without links
                shutil.copyfile(path, view / name)
        yield view
    finally:
        shutil.rmtree(building, ignore_errors=True)
