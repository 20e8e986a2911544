"""The files of a dataset as a browser leaves them in a folder.

A file can be there as itself, as an unpacked folder or file, or as a member of a bundle such as the one that
Kaggle's "Download all" gives.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipInfo

from galaxynet.errors import DataError
from galaxynet.fetching.archive import Archive, ArchiveError
from galaxynet.fetching.packing import compressed, files_below, pack
from galaxynet.fetching.receipts import FileReceipt
from galaxynet.fetching.verification import Advance, Digest, hash_file, read_chunks, write_chunks
from galaxynet.plugin import DatasetSpec
from galaxynet.sources import DataFile
from galaxynet.zip_members import member_path


@dataclass(frozen=True)
class LocalFile:
    """A dataset's file in the form that it has in a folder.

    Attributes:
        file: The dataset's file.
        path: The file or folder on disk, or the bundle that contains it.
        member: Its name in the bundle; empty if it is on disk.
    """

    file: DataFile
    path: Path
    member: str = ""

    @property
    def unpacked(self) -> bool:
        """True if it must be packed into a zip."""
        return not self.member and self.file.name.endswith(".zip") and self.path.suffix.lower() != ".zip"

    @property
    def uncompressed(self) -> bool:
        """True if it must be compressed; Safari unpacks a `.gz` and keeps its name."""
        if not self.file.name.endswith(".gz"):
            return False
        if not (self.member or self.path.name).lower().endswith(".gz"):
            return True
        return not self.member and _is_plain_idx(self.path)

    @property
    def as_published(self) -> bool:
        """True if it is byte for byte the publisher's file, so that a stated size and MD5 apply."""
        name = member_path(self.member).name or self.path.name
        packed_here = self.unpacked or self.uncompressed
        return is_copy(name, self.file.name) and not packed_here and not self.file.convert

    @property
    def description(self) -> str:
        """Where it is, for receipts and messages."""
        path = self.path.absolute()
        return f"{self.member} in {path}" if self.member else str(path)

    def size(self) -> int:
        """Bytes to read, which is about the space it will take."""
        if self.member:
            with Archive(self.path) as bundle:
                return _member(bundle, self.member).file_size
        return sum(file.stat().st_size for file in files_below(self.path))

    def write_to(self, target: Path, *, md5: bool, advance: Advance) -> Digest:
        """Write the file to `target`, packed as the dataset expects it.

        Raises:
            DataError: If a bundle is damaged or a folder empty.
            OSError: If something cannot be read or written.
        """
        if self.unpacked:
            return pack(self.path, target, advance)
        if not self.member:
            return self._write(target, read_chunks(self.path), md5, advance)
        with Archive(self.path) as bundle:
            return self._write(target, bundle.chunks(_member(bundle, self.member)), md5, advance)

    def is_recorded_as(self, entry: FileReceipt) -> bool:
        """True if the receipt already records this file."""
        if self.unpacked or self.uncompressed:
            return False  # only packing it would tell
        if self.member:
            return entry.source == f"from {self.description}" and entry.size == self.size()
        return self.path.stat().st_size == entry.size and hash_file(self.path).sha256 == entry.sha256

    def _write(self, target: Path, chunks: Iterable[bytes], md5: bool, advance: Advance) -> Digest:
        counted = _counted(chunks, advance)
        return write_chunks(target, compressed(counted) if self.uncompressed else counted, md5=md5)


def find(folder: Path, file: DataFile, spec: DatasetSpec) -> LocalFile | None:
    """Look for a file of a dataset in a folder, in the forms that it may have there.

    Args:
        folder: The folder; or a bundle, or the file or unpacked folder itself.
        file: The file.
        spec: Its dataset.

    Raises:
        ArchiveError: If a bundle of the dataset's own name is there, and damaged.
    """
    own_bundles = [*(source.bundle for source in spec.sources if source.bundle), f"{spec.name}.zip"]
    names = _names(file, spec)
    if folder.is_file():
        folders, bundles = [], [folder]
        if any(is_copy(folder.name, name) for name in names):
            return LocalFile(file, folder)
    else:
        if file.folder and is_copy(folder.name, file.folder):
            return LocalFile(file, folder)
        folders = [folder, *(folder / name.removesuffix(".zip") for name in own_bundles)]
        bundles = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".zip")
    for parent, name in itertools.product(folders, names):
        for path in (parent / name, *_copies(parent, name)):
            if path.is_file() or (name == file.folder and path.is_dir()):
                return LocalFile(file, path)

    def is_own(bundle: Path) -> bool:
        return any(is_copy(bundle.name, name) for name in own_bundles)

    for bundle in sorted(bundles, key=lambda path: not is_own(path)):
        if not bundle.is_file() or any(is_copy(bundle.name, other.name) for other in spec.files):
            continue
        try:
            member = find_member(bundle, names)
        except ArchiveError:
            if is_own(bundle) or bundle == folder:
                raise
            continue  # an unrelated zip among the downloads
        if member:
            return LocalFile(file, bundle, member)
    return None


def is_copy(name: str, expected: str) -> bool:
    """True if a name is the expected one as browsers change it: `images (1).zip`, `IMAGES.ZIP`."""
    suffix = PurePosixPath(expected).suffix
    pattern = rf"{re.escape(expected.removesuffix(suffix))}( ?\(\d+\)| \d+)?{re.escape(suffix)}"
    return re.fullmatch(pattern, name, re.IGNORECASE) is not None


def _copies(folder: Path, name: str) -> list[Path]:
    """The files of a folder whose names a browser has changed from `name`, newest first."""
    if not folder.is_dir():
        return []
    copies = [path for path in folder.iterdir() if is_copy(path.name, name) and path.exists()]
    return sorted(copies, key=lambda path: path.stat().st_mtime, reverse=True)


def _is_plain_idx(path: Path) -> bool:
    """True if a file has MNIST's format, uncompressed."""
    with path.open("rb") as stream:
        return stream.read(3) == b"\0\0\x08"


def _names(file: DataFile, spec: DatasetSpec) -> list[str]:
    """The names that a file may have on disk or in a bundle, best first."""
    names = [file.name]
    if file.folder:
        # Kaggle hands out a single CSV file zipped under its own name.
        names += [f"{file.folder}.zip", file.folder]
    for source in spec.sources:
        names += source.alternatives(file.name)
    if file.name.endswith(".gz"):
        names.append(file.name.removesuffix(".gz"))
    return list(dict.fromkeys(names))


def find_member(bundle: Path, names: Sequence[str]) -> str:
    """The member of an archive that has one of these names, in any folder; the first name counts most.

    Returns:
        The member's name; empty if there is none.

    Raises:
        ArchiveError: If the archive is damaged or refused.
    """
    with Archive(bundle) as archive:
        members = [member.filename for member in archive.members if not member.is_dir()]
    for name in names:
        for member in members:
            if member == name or (member_path(member).name == name and _packed_alike(member, names[0])):
                return member
    return ""


def _packed_alike(member: str, name: str) -> bool:
    """False for the CSV file in an archive if its zip is expected."""
    return name.endswith(".zip") == member.endswith(".zip")


def _member(bundle: Archive, name: str) -> ZipInfo:
    for member in bundle.members:
        if member.filename == name:
            return member
    raise DataError(f"{bundle.name} has no member {name}.")


def _counted(chunks: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    for chunk in chunks:
        advance(len(chunk))
        yield chunk
