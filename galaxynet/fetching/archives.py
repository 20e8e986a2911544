"""A zip reader for archives that come from elsewhere: it bounds what it reads and trusts no header.

Python's own `zipfile` reads whatever it is given: a bomb of some kilobytes fills a disk, and a member can be
called `../../.bashrc`. `Archive` refuses such archives with a sentence that says why. Limits are counted on
the bytes that come out, because sizes in a header are only claims.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from galaxynet.fetching.hashing import Advance
from galaxynet.fetching.members import (
    LIMITS,
    ArchiveError,
    Limits,
    RefusedArchiveError,
    check_members,
    printable,
)
from galaxynet.zip_members import MemberError, member_chunks


class Archive:
    """A zip archive opened for bounded reading.

    Args:
        path: The archive, or an open binary file (an archive within an archive).
        name: What messages call it; the path's name if empty.
        limits: What it may cost.
        depth: 1 for an archive on disk, 2 for one that lies in another.

    Raises:
        ArchiveError: If it is no zip archive, or is cut off or damaged.
        RefusedArchiveError: If it breaks a rule; see `check_members`.
    """

    def __init__(
        self, path: Path | IO[bytes], *, name: str = "", limits: Limits = LIMITS, depth: int = 1
    ) -> None:
        self.name = name or (path.name if isinstance(path, Path) else "the inner archive")
        self.limits = limits
        self.depth = depth
        self._read = 0
        if depth > limits.depth:
            raise RefusedArchiveError(
                f"{self.name} lies {depth} archives deep; at most {limits.depth} are opened."
            )
        self._file = path.open("rb") if isinstance(path, Path) else path
        try:
            self._size = self._file.seek(0, 2)
            self._file.seek(0)
            _refuse_what_is_no_zip(self._file, self.name, self._size)
            # ZipFile reads the table of contents at once and makes an object of each entry.
            bounded = _Bounded(self._file, limits.directory, self.name)
            self._zip = zipfile.ZipFile(bounded)
            bounded.left = None
            self._count_entries()
            self.members = check_members(self._zip.infolist(), self.name, limits)
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
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
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
                f"{self.name} is damaged: {member.filename} has {count} bytes in place of {member.file_size}."
            )

    def verify(self, advance: Advance = lambda _: None) -> int:
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
        """The end of an archive says how many members there are; zipfile does not compare."""
        self._file.seek(self._size - 22 - len(self._zip.comment))
        end = struct.unpack("<4s4H2LH", self._file.read(22))
        if end[4] not in (0xFFFF, len(self._zip.infolist())):  # 0xFFFF: told elsewhere, in a 64-bit field
            raise zipfile.BadZipFile("its table of contents is not whole")

    def _count(self, size: int) -> None:
        self._read += size
        if self._read > self.limits.bytes:
            raise RefusedArchiveError(
                f"{self.name} holds more than {self.limits.bytes:,} bytes; this is no archive of a dataset."
            )
        # The archive's real size is the measure: members that overlap each claim the same bytes.
        if self._read > self.limits.ratio_from and self._read > self.limits.ratio * self._size:
            raise RefusedArchiveError(
                f"{self.name} unpacks to more than {self.limits.ratio:.0f} times its size: it is a zip bomb."
            )


def looks_like_web_page(start: bytes) -> bool:
    """Whether a file begins as an HTML page does: what a server sends in place of a file it does not have."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<!--", b"<script"))


class _Bounded:
    """A file of which only so many bytes can be read until `left` is set to None."""

    def __init__(self, file: IO[bytes], left: int, name: str) -> None:
        self.left: int | None = left
        self._file, self._name = file, name
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        if self.left is None:
            return self._file.read(size)
        if size > self.left:
            raise RefusedArchiveError(f"{self._name} is refused: its table of contents is too long.")
        chunk = self._file.read(self.left + 1 if size < 0 else size)
        self.left -= len(chunk)
        if self.left < 0:
            raise RefusedArchiveError(f"{self._name} is refused: its table of contents is too long.")
        return chunk


def _refuse_what_is_no_zip(file: IO[bytes], name: str, size: int) -> None:
    start = file.read(512)
    file.seek(0)
    if not start:
        raise ArchiveError(f"{name} is empty.")
    if looks_like_web_page(start):
        raise ArchiveError(f"{name} is a web page, not a zip archive.")
    if not start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise ArchiveError(f"{name} is no zip archive.")
    if not zipfile.is_zipfile(file):
        raise ArchiveError(
            f"{name} is only a part of a zip archive: its end is missing after {size:,} bytes."
        )
    file.seek(0)


def _sentence(error: BaseException) -> str:
    return printable(str(error)).rstrip(".") or type(error).__name__
