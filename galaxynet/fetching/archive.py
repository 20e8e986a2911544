"""A zip reader for archives from elsewhere: it bounds what it reads and trusts no header.

Python's own `zipfile` reads whatever it is given: a bomb of some kilobytes fills a disk, and a member can be
called `../../.bashrc`. `Archive` refuses such archives with a sentence that says why. Limits are counted on
the bytes that come out, because sizes in a header are only claims.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from galaxynet.errors import DataError
from galaxynet.zip_members import MemberError, member_chunks, why_unsupported


class ArchiveError(DataError):
    """A damaged archive."""


class RefusedArchiveError(ArchiveError):
    """An undamaged archive that breaks a rule."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Nothing was unpacked or kept. Report it to the dataset's publisher.")


class UnsupportedArchiveError(ArchiveError):
    """An undamaged archive that is packed in an unsupported way."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            "Unpack it with another program, such as 7-Zip, and name that folder with --from FOLDER.",
        )


@dataclass(frozen=True)
class Limits:
    """The most that an archive may cost.

    Attributes:
        members: Number of members; Galaxy Zoo's largest archive has 79,976.
        bytes: Sum of the sizes of the members, unpacked.
        ratio: Unpacked bytes per byte of the archive, once more than `ratio_from` bytes came out.
        ratio_from: Bytes below which the ratio does not matter.
        directory: Bytes of the table of contents.
    """

    members: int = 500_000
    bytes: int = 1 << 36
    ratio: float = 200.0
    ratio_from: int = 1 << 26
    directory: int = 1 << 26


LIMITS = Limits()


class Archive:
    """A zip archive opened for bounded reading.

    Args:
        path: The archive.
        name: What messages call it; the path's name if empty.

    Raises:
        ArchiveError: If it is not a zip archive, or is truncated or damaged.
        RefusedArchiveError: If it breaks a rule; see `check_members`.
    """

    def __init__(self, path: Path, *, name: str = "") -> None:
        self.name = name or path.name
        self._read = 0
        self._file = path.open("rb")
        try:
            self._size = self._file.seek(0, 2)
            self._file.seek(0)
            _check_is_zip(self._file, self.name, self._size)
            # ZipFile reads the table of contents at once and makes an object of each entry.
            bounded = _Bounded(self._file, LIMITS.directory, self.name)
            self._zip = zipfile.ZipFile(bounded)
            bounded.left = None
            self._count_entries()
            self.members = check_members(self._zip.infolist(), self.name)
        except (
            zipfile.BadZipFile,
            struct.error,
            ValueError,
            EOFError,
            NotImplementedError,
            OverflowError,
        ) as error:
            self._file.close()
            raise ArchiveError(f"{self.name} is a damaged zip archive: {_sentence(error)}.") from None
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive's file."""
        self._zip.close()
        self._file.close()

    def chunks(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """The content of a member in pieces of at most 1 MiB; its CRC is checked at the end.

        Raises:
            ArchiveError: If the content is damaged.
            RefusedArchiveError: If a limit is passed.
        """
        count = 0
        try:
            for chunk in member_chunks(self._zip, member):
                count += len(chunk)
                self._count(len(chunk))
                yield chunk
        except MemberError as error:
            raise ArchiveError(
                f"{self.name} is damaged: {member.filename} cannot be read ({_sentence(error)})."
            ) from None
        if count != member.file_size:
            raise ArchiveError(
                f"{self.name} is damaged: {member.filename} has {count} of {member.file_size} bytes."
            )

    def verify(self, advance: Callable[[int], None] = lambda _: None) -> int:
        """Read every member once, so that every CRC is checked.

        Args:
            advance: Called with the number of compressed bytes read, for a progress bar.

        Returns:
            The number of members that are files.

        Raises:
            ArchiveError: If any member is damaged, or a limit is passed.
        """
        files = [member for member in self.members if not member.is_dir()]
        for member in files:
            for _ in self.chunks(member):
                pass
            advance(member.compress_size)
        return len(files)

    def _count_entries(self) -> None:
        """Compare the number of members with the one at the archive's end; zipfile does not."""
        self._file.seek(self._size - 22 - len(self._zip.comment))
        end = struct.unpack("<4s4H2LH", self._file.read(22))
        if end[4] not in (0xFFFF, len(self._zip.infolist())):  # 0xFFFF: stated elsewhere, in a 64-bit field
            raise zipfile.BadZipFile("its table of contents is incomplete")

    def _count(self, size: int) -> None:
        self._read += size
        if self._read > LIMITS.bytes:
            raise RefusedArchiveError(
                f"{self.name} holds more than {LIMITS.bytes:,} bytes; too much for a dataset."
            )
        # The archive's real size is the measure: members that overlap each claim the same bytes.
        if self._read > LIMITS.ratio_from and self._read > LIMITS.ratio * self._size:
            raise RefusedArchiveError(
                f"{self.name} unpacks to more than {LIMITS.ratio:.0f} times its size: it is a zip bomb."
            )


def check_members(members: list[zipfile.ZipInfo], name: str) -> list[zipfile.ZipInfo]:
    """Check the table of contents of an archive.

    Raises:
        RefusedArchiveError: If there are too many members, a name leads out of the archive or occurs
            twice, or a member is a link or overlaps another.
        UnsupportedArchiveError: If a member is encrypted, or packed with an unsupported method.
    """
    if len(members) > LIMITS.members:
        raise RefusedArchiveError(
            f"{name} has {len(members):,} members; at most {LIMITS.members:,} are read."
        )
    seen: set[str] = set()
    end, last = 0, ""
    for member in sorted(members, key=lambda member: member.header_offset):
        shown = printable(member.orig_filename)
        fault = _fault_of_name(member.orig_filename)
        parts = tuple(
            part for part in member.orig_filename.replace("\\", "/").split("/") if part not in ("", ".")
        )
        plain = "/".join(parts)
        file_type = stat.S_IFMT(member.external_attr >> 16)
        if not fault and plain in seen:
            fault = "occurs twice"
        elif not fault and file_type not in (0, stat.S_IFREG, stat.S_IFDIR):
            fault = "is a link" if file_type == stat.S_IFLNK else "is a special file"
        elif not fault and member.header_offset < end:
            fault = f"overlaps {last!r}"
        if fault:
            raise RefusedArchiveError(f"{name} is refused: its member {shown!r} {fault}.")
        if reason := why_unsupported(member):
            raise UnsupportedArchiveError(f"{name} cannot be read: its member {shown!r} {reason}.")
        seen.add(plain)
        end, last = member.header_offset + 30 + member.compress_size, shown
    return members


def _fault_of_name(name: str) -> str:
    plain = name.replace("\\", "/")
    if not plain.strip("/"):
        return "has no name"
    if any(ord(letter) < 32 for letter in plain):
        return "has control characters in its name"
    if plain.startswith("/"):
        return "has an absolute name"
    if len(plain) > 1 and plain[1] == ":" and plain[0].isalpha():
        return "names a drive"
    if ".." in plain.split("/"):
        return "leads out of the archive"
    return ""


def printable(name: str) -> str:
    """A text from an archive, safe to show: no control characters, at most 80 characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]


def looks_like_web_page(start: bytes) -> bool:
    """True if a file starts like an HTML page, which servers send instead of a missing file."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<!--", b"<script"))


class _Bounded:
    """A file of which at most `left` bytes can be read, until `left` is set to None."""

    def __init__(self, file: IO[bytes], left: int, name: str) -> None:
        self.left: int | None = left
        self._file, self._name = file, name
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        if self.left is None:
            return self._file.read(size)
        chunk = self._file.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(chunk)
        if self.left < 0:
            raise RefusedArchiveError(f"{self._name} is refused: its table of contents is too long.")
        return chunk


def _check_is_zip(file: IO[bytes], name: str, size: int) -> None:
    start = file.read(512)
    file.seek(0)
    if not start:
        raise ArchiveError(f"{name} is empty.")
    if looks_like_web_page(start):
        raise ArchiveError(f"{name} is a web page, not a zip archive.")
    if not start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise ArchiveError(f"{name} is not a zip archive.")
    if not zipfile.is_zipfile(file):
        raise ArchiveError(f"{name} is a truncated zip archive: its end is missing after {size:,} bytes.")
    file.seek(0)


def _sentence(error: BaseException) -> str:
    return printable(str(error)).rstrip(".") or type(error).__name__
