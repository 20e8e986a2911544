"""Where images lie: in files, or in a zip archive that is never unpacked."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from galaxynet import untrusted
from galaxynet.errors import DataError
from galaxynet.images.flags import Flag, ImageError
from galaxynet.images.picture import MOST_BYTES, SUFFIXES, Picture, is_image_name, stem
from galaxynet.zip_members import UNPACKING_ERRORS, MemberError, read_member, why_unsupported


class Source(Protocol):
    """Some images in order."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def name(self, index: int) -> str:
        """An image's path, for display."""
        ...

    def read(self, index: int) -> bytes | Picture:
        """The bytes of an image's file, or its pixels.

        Raises:
            ImageError: If they cannot be had.
        """
        ...

    def stamp(self, index: int) -> str:
        """What tells an image from another version of it without reading it; empty if it is missing."""
        ...


@dataclass(frozen=True)
class Files:
    """Image files.

    Attributes:
        paths: Their paths, as they are named.
        folders: Where a relative path is looked for, in order.
        prefix: Put before each path to name it.
    """

    paths: Sequence[str]
    folders: tuple[Path, ...] = (Path(),)
    prefix: str = ""

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        """The path, unchanged."""
        return self.prefix + self.paths[index]

    def read(self, index: int) -> bytes:
        """The bytes of a file, of at most `MOST_BYTES`."""
        path = Path(self.paths[index])
        try:
            path = path.expanduser()
            return untrusted.read_bytes(self._found(path), MOST_BYTES)
        except FileNotFoundError:
            raise ImageError(f"there is no such file{self._near(path)}", Flag.UNREADABLE) from None
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            too_large = "larger than" in reason
            raise ImageError(
                f"it cannot be read: {reason}", Flag.TOO_LARGE if too_large else Flag.UNREADABLE
            ) from None

    def stamp(self, index: int) -> str:
        """Size in bytes and time of change in ns of a file."""
        try:
            status = self._found(Path(self.paths[index]).expanduser()).stat()
        except (OSError, ValueError, RuntimeError):
            return ""
        return f"{status.st_size} {status.st_mtime_ns}"

    def _found(self, path: Path) -> Path:
        candidates = [folder / path for folder in self.folders]
        return next(filter(os.path.lexists, candidates), candidates[0])

    def _near(self, path: Path) -> str:
        """A file of the same name with another suffix: catalogues name the .jpg where the .png lies."""
        for folder in self.folders:
            for suffix in SUFFIXES:
                near = (folder / path).with_name(stem(path.name) + suffix)
                if near.is_file():
                    return f", but {near.name} lies there"
        return ""


class ZipMembers:
    """The images in a zip archive, in its order.

    Args:
        path: The archive.
        prefix: Put before a member's name, with a slash.

    Raises:
        DataError: If it is not a whole zip archive.
    """

    def __init__(self, path: Path, prefix: str) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
        except UNPACKING_ERRORS as error:
            raise DataError(f"{path} is not a whole zip archive: {error}.") from error
        self.prefix = prefix
        everything = self._archive.infolist()
        self.members = [
            member
            for member in everything
            if is_image_name(member.filename) and not member.filename.startswith("__MACOSX")
        ]
        self.passed_over = sum(not member.is_dir() for member in everything) - len(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def name(self, index: int) -> str:
        """The archive's path and the member's name in it."""
        return f"{self.prefix}/{self.members[index].filename}"

    def read(self, index: int) -> bytes:
        """The bytes of a member, of at most `MOST_BYTES`; its checksum is verified."""
        member = self.members[index]
        try:
            return read_member(self._archive, member, MOST_BYTES)
        except MemberError as error:
            if member.file_size > MOST_BYTES:
                flag = Flag.TOO_LARGE
            else:
                flag = Flag.UNSUPPORTED if why_unsupported(member) else Flag.DAMAGED
            raise ImageError(str(error), flag) from None
        except (OSError, *UNPACKING_ERRORS) as error:
            raise ImageError(f"it cannot be read: {error}", Flag.UNREADABLE) from None

    def stamp(self, index: int) -> str:
        """Size in bytes and checksum of a member."""
        member = self.members[index]
        return f"{member.file_size} {member.CRC}"
