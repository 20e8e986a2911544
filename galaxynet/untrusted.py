"""Untrusted files: read within bounds, and never written outside their folder.

A run folder can come from anyone. Its `run.json` may be a named pipe, a device or a link to one, and its
`figures` a link to your home folder. Everything that reads or writes such a folder goes through this module,
so one bad folder stops no command.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from galaxynet.errors import RunError

MIB = 2**20
DEEPEST = 32
"""Levels of nesting in a record; ours have five."""

LARGEST = 2.0**128
"""Numbers of this size and beyond are not read; float32, which networks compute in, ends just below it."""

_LONGEST_INTEGER = 39


def open_regular(path: Path, most: int) -> BinaryIO:
    """Open a regular file of at most `most` bytes for reading.

    Anything else (a named pipe, a device, a folder) is refused without waiting for it.

    Raises:
        OSError: If there is no such file, it cannot be opened, is not a regular file, or is too large.
    """
    # A look before it is opened, as opening alone has effects on some devices; and one after, which counts.
    _check(path, path.stat(), most)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _check(path, os.fstat(handle), most)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        OSError: As `open_regular` does, also if the file grows beyond that meanwhile.
    """
    with open_regular(path, most) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        _refuse_size(path, most)
    return content


def read_text(path: Path, most: int, errors: str = "strict") -> str:
    """The text of a regular UTF-8 file of at most `most` bytes; its line ends stay as they are.

    Raises:
        OSError: As `read_bytes` does.
        UnicodeDecodeError: If it is not UTF-8 and `errors` is `strict`.
    """
    return read_bytes(path, most).decode("utf-8", errors)


def parse_json(text: str) -> Any:
    """The value of a text of strict JSON, of numbers and nesting within bounds.

    Raises:
        ValueError: If it is not JSON, with the reason.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _deeper_than(value, DEEPEST):
        raise ValueError("it is nested too deeply")
    # Half a surrogate pair can be parsed, but neither printed nor written again, unless it is Python's way to
    # hold a byte of a path that is not UTF-8.
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise ValueError("it has text that is not Unicode") from None
    return value


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False where that cannot be found out, for which `Path.is_dir` raises."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):  # a name that is too long, links in a circle, a NUL
        return False


def inside(folder: Path, *parts: str) -> Path:
    """The path of something to be written or removed in the folder of a run or a sweep.

    The folder itself may be a link, as people keep runs on other disks; what is in it may not lead out of it.

    Args:
        folder: The folder.
        *parts: The path below it.

    Raises:
        RunError: If a link leads out of the folder.
    """
    path = folder.joinpath(*parts)
    try:
        real = path.resolve()
    except (OSError, RuntimeError):  # links in a circle
        real = None
    if real is None or not real.is_relative_to(folder.resolve()):
        raise RunError(
            f"{path} is a link that leads out of {folder}, so nothing is written there.",
            "Remove the link, or put a folder in its place.",
        )
    return path


def _check(path: Path, status: os.stat_result, most: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    if status.st_size > most:
        _refuse_size(path, most)


def _refuse_size(path: Path, most: int) -> NoReturn:
    raise OSError(errno.EFBIG, f"it is larger than {most // MIB} MiB", str(path))


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _integer(digits: str) -> int:
    # The length first: Python refuses to read very long ones, and takes long for the others.
    if len(digits) > _LONGEST_INTEGER + 1 or abs(int(digits)) >= LARGEST:
        raise ValueError("it has a number with too many digits")
    return int(digits)


def _deeper_than(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            part
            for outer in level
            if isinstance(outer, dict | list)
            for part in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
