"""Errors of a fetch, and the translation of disk failures into them.

FetchError          a file cannot be fetched
DiskError         the disk is full or cannot be written
TransientError    a failure that may pass: a broken connection, a busy server
DataError
ArchiveError      a damaged archive (`galaxynet.fetching.archive`)
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from galaxynet.errors import FULL_DISK, GalaxynetError, is_disk_error

_SPARE_BYTES = 16 << 20


class FetchError(GalaxynetError):
    """A file cannot be fetched."""


class DiskError(FetchError):
    """The disk is full or cannot be written."""


class TransientError(FetchError):
    """A failure that may pass: a broken connection, a busy server.

    Args:
        message: One sentence.
        hint: What the user can do.
        retry_after_s: Seconds that the server asks to wait; None if it does not say.
    """

    def __init__(self, message: str, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


def format_size(count: float) -> str:
    """A size in bytes as text, in powers of 1000 as in the progress bars: `82.1 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if abs(count) < 1000 or unit == "PB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def check_space(folder: Path, needed: int) -> None:
    """Ensure that a file fits on the disk before its first byte is requested.

    Raises:
        DiskError: If it does not.
    """
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        raise DiskError(
            f"{folder} needs {format_size(needed + _SPARE_BYTES)} of free space and has {format_size(free)}.",
            "Free some space, or choose another disk with --data-dir FOLDER or GALAXYNET_DATA.",
        )


@contextlib.contextmanager
def disk_errors(path: Path, hint: str = "Free some space and run the same command again.") -> Iterator[None]:
    """Translate disk failures into `DiskError`; network failures pass unchanged.

    Raises:
        DiskError: In place of an OSError.
    """
    try:
        yield
    except OSError as error:
        if not is_disk_error(error):
            raise
        if error.errno in FULL_DISK:
            raise DiskError(f"The disk is full: {path} could not be written to its end.", hint) from None
        if error.filename and not Path(os.fsdecode(error.filename)).is_relative_to(path.parent):
            # Something that is read, such as a file of the folder that --from names.
            raise FetchError(f"{error.filename} cannot be read: {error.strerror}.") from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DiskError(
                f"{path} may not be written: {error.strerror}.",
                "Choose another folder with --data-dir FOLDER or GALAXYNET_DATA.",
            ) from None
        raise DiskError(
            f"{error.filename or path} could not be read or written: {error.strerror or error}."
        ) from None
