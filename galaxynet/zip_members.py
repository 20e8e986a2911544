"""Bounded reading of zip members.

The sizes in a zip's headers are claims, and `zipfile` believes them: `ZipFile.read` of a few megabytes can
fill the memory. Here a member is unpacked in pieces of at most 1 MiB, and no further than its reader allows.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

CHUNK = 1 << 20

UNPACKING_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""What `zipfile` raises for a damaged archive or member, or for one that it cannot unpack."""

_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ"}
"""Other methods of packing (APPNOTE.TXT 6.3.10, section 4.4.5); Windows packs large files by the first."""


class MemberError(ValueError):
    """A member that cannot be read; the message says why in a few words."""


def member_path(name: str) -> PurePosixPath:
    """The path of a member in its archive; PowerShell separates its folders by backslashes."""
    return PurePosixPath(name.replace("\\", "/"))


def why_unsupported(member: zipfile.ZipInfo) -> str:
    """Why a member is not read although it may be whole, as `is encrypted`; empty if it is read."""
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile's bzip2 and LZMA readers return whatever a block unpacks to in one piece.
        method = _METHODS.get(member.compress_type, f"method {member.compress_type}")
        return f"is packed with {method}, and only Deflate is read"
    return ""


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int | None = None) -> IO[bytes]:
    """Open a member so that `read(n)` unpacks n bytes and little more, and never more than `limit` in all.

    Raises:
        MemberError: If it is larger than the limit, encrypted, or compressed by a method whose output cannot
            be bounded.
    """
    if reason := why_unsupported(member):
        raise MemberError(f"it {reason}")
    # zipfile never returns more than the header claims, so the claim can be held against the limit.
    if limit is not None and member.file_size > limit:
        raise MemberError(f"it unpacks to more than {limit:,} bytes")
    try:
        return archive.open(member)
    except UNPACKING_ERRORS as error:
        raise MemberError(_reason(error)) from error


def member_chunks(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int | None = None
) -> Iterator[bytes]:
    """The content of a member in pieces of at most 1 MiB; its CRC is checked at the end.

    Raises:
        MemberError: As `open_member`, or if the member is damaged.
    """
    with open_member(archive, member, limit) as stream:
        while True:
            try:
                chunk = stream.read(CHUNK)
            except UNPACKING_ERRORS as error:
                raise MemberError(_reason(error)) from error
            if not chunk:
                return
            yield chunk


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    """The content of a member of at most `limit` bytes.

    Raises:
        MemberError: As `member_chunks`.
    """
    return b"".join(member_chunks(archive, member, limit))


def _reason(error: BaseException) -> str:
    return str(error).rstrip(".") or type(error).__name__
