"""Files that have arrived and wait for the dataset's own check, and the folder in which it sees them."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from galaxynet.fetching import partial
from galaxynet.fetching.receipts import FileReceipt
from galaxynet.fetching.verification import Digest
from galaxynet.sources import DataFile

SCRATCH = ".fetching."


@dataclass(frozen=True)
class StagedFile:
    """A complete file that does not have its final name yet.

    Attributes:
        file: The dataset's file.
        path: Where it is.
        digest: Its size and hashes.
        source: Where it came from, for the receipt.
        label: What messages call it.
        part: The download that it is, or was extracted from; removed once the file has its name.
    """

    file: DataFile
    path: Path
    digest: Digest
    source: str
    label: str
    part: Path | None = None

    def remove_copy(self) -> None:
        """Remove a copy; a download, or a file that already has its final name, stays."""
        if self.path not in (self.part, self.path.with_name(self.file.name)):
            self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the copy and its download; a file that the user put into the data folder stays."""
        self.remove_copy()
        if self.part is not None:
            partial.remove(self.part)

    def receipt(self) -> FileReceipt:
        """Its entry in the receipt."""
        return FileReceipt(
            name=self.file.name,
            size=self.digest.size,
            sha256=self.digest.sha256,
            source=self.source,
            fetched=datetime.now(UTC),
        )


def scratch_folder(folder: Path) -> Path:
    """A new temporary folder in the dataset's folder."""
    return Path(tempfile.mkdtemp(dir=folder, prefix=SCRATCH))


@contextlib.contextmanager
def preview(folder: Path, paths: Mapping[str, Path]) -> Iterator[Path]:
    """A temporary folder, named as the dataset's, in which files already have their final names.

    Args:
        folder: The dataset's folder.
        paths: Where each file is, by its final name.
    """
    scratch = scratch_folder(folder)
    try:
        view = scratch / folder.name
        view.mkdir()
        for name, path in paths.items():
            try:
                (view / name).symlink_to(path.absolute())
            except OSError:  # a file system without links
                shutil.copyfile(path, view / name)
        yield view
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
