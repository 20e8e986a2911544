"""What an archive may hold: limits on its cost, and the rules for the table of its members."""

from __future__ import annotations

import stat
import zipfile
from dataclasses import dataclass

from galaxynet.errors import DataError
from galaxynet.zip_members import why_unsupported


class ArchiveError(DataError):
    """An archive that is damaged, or that no honest publisher would have made."""


class RefusedArchiveError(ArchiveError):
    """An archive that arrived as it was made, and breaks a rule."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Nothing of it was unpacked or kept. Tell the publisher of the dataset.")


class UnsupportedArchiveError(ArchiveError):
    """An archive that is whole, and packed in a way that is not read here."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            "Unpack it with another program (7-Zip, for one), and name the folder that it was unpacked "
            "into with --from FOLDER.",
        )


@dataclass(frozen=True)
class Limits:
    """What an archive may cost at most.

    Attributes:
        members: Number of members; Galaxy Zoo's largest archive has 79,976.
        bytes: Sum of the sizes of the members, unpacked.
        ratio: Unpacked bytes per byte of the archive, once more than `ratio_from` bytes came out.
        ratio_from: Bytes below which the ratio is of no concern.
        directory: Bytes of the table of contents.
        depth: How many archives may lie within one another; Kaggle's bundle has two.
    """

    members: int = 500_000
    bytes: int = 1 << 36
    ratio: float = 200.0
    ratio_from: int = 1 << 26
    directory: int = 1 << 26
    depth: int = 2


LIMITS = Limits()


def check_members(
    members: list[zipfile.ZipInfo], name: str, limits: Limits = LIMITS
) -> list[zipfile.ZipInfo]:
    """See that a table of contents is one that an honest publisher could have made.

    Raises:
        RefusedArchiveError: If there are too many members, a name leads out of the archive or is there
            twice, a member is a link, or lies over another.
        UnsupportedArchiveError: If a member is encrypted, or packed by a method that is not read.
    """
    if len(members) > limits.members:
        raise RefusedArchiveError(
            f"{name} has {len(members):,} members; at most {limits.members:,} are read."
        )
    seen: set[str] = set()
    end, last = 0, ""
    for member in sorted(members, key=lambda member: member.header_offset):
        fault = _fault_of_name(member.orig_filename)
        parts = tuple(
            part for part in member.orig_filename.replace("\\", "/").split("/") if part not in ("", ".")
        )
        plain = "/".join(parts)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if not fault and plain in seen:
            fault = "is there twice"
        elif not fault and kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            fault = "is a link" if kind == stat.S_IFLNK else "is a special file"
        elif not fault and member.header_offset < end:
            fault = f"lies over {last!r}"
        if fault:
            raise RefusedArchiveError(
                f"{name} is refused: its member {printable(member.orig_filename)!r} {fault}."
            )
        _refuse_unsupported(member, name)
        seen.add(plain)
        end, last = member.header_offset + 30 + member.compress_size, printable(member.orig_filename)
    return members


def _refuse_unsupported(member: zipfile.ZipInfo, name: str) -> None:
    reason = why_unsupported(member)
    if reason:
        raise UnsupportedArchiveError(
            f"{name} cannot be read: its member {printable(member.orig_filename)!r} {reason}."
        )


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
    """A text out of an archive that can be shown: no control characters, at most 80 characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)[:80]
