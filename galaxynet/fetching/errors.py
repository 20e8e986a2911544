"""What can go wrong with a fetch, and the disk's part in it."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from galaxynet.errors import FULL_DISK, GalaxynetError, is_disk_error

_SPARE = 16 << 20


class FetchError(GalaxynetError):
    """A file that could not be had."""


class DiskError(FetchError):
    """A disk that is full, or may not be written."""


class TransientError(FetchError):
    """A failure that may pass: a broken connection, a busy server.

    Args:
        message: One sentence.
        hint: The way out.
        wait: Seconds after which the server asks to be called again; None if it does not say.
    """

    def __init__(self, message: str, hint: str = "", wait: float | None = None) -> None:
        super().__init__(message, hint)
        self.wait = wait


def size(count: float) -> str:
    """A size for people, in powers of 1000 as in the progress bars: `82.1 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if abs(count) < 1000 or unit == "PB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def check_space(folder: Path, needed: int) -> None:
    """See that a file fits before its first byte is asked for.

    Raises:
        DiskError: If it does not.
    """
    free = shutil.disk_usage(folder).free
    if needed + _SPARE > free:
        raise DiskError(
            f"{size(needed + _SPARE)} are needed in {folder}, and {size(free)} are free.",
            "Make room, or choose another disk with --data-dir FOLDER or the variable GALAXYNET_DATA.",
        )


@contextlib.contextmanager
def disk_errors(path: Path, hint: str = "Make room and run the same command again.") -> Iterator[None]:
    """Turn the failures of a disk into sentences; those of a network are none of them, and pass.

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
            # Something that is read, as a file of the folder that --from names.
            raise FetchError(f"{error.filename} cannot be read: {error.strerror}.") from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise DiskError(
                f"{path} may not be written: {error.strerror}.",
                "Choose another folder with --data-dir FOLDER or the variable GALAXYNET_DATA.",
            ) from None
        raise DiskError(
            f"{error.filename or path} could not be read or written: {error.strerror or error}."
        ) from None
