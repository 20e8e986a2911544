"""Atomic writes and removals: files and folders appear complete under their final name, or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_REMOVED = ".removed-"


def write_text(path: Path, text: str) -> None:
    r"""Replace `path` by `text` in one step; a reader sees the old or the new text, never a part.

    Paths that are not UTF-8 reach Python as lone surrogates, which UTF-8 cannot hold. They are written as
    `\udcff`, which is also how JSON escapes them.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Replace `path` by `content` in one step; a reader sees the old or the new content, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes the file private; a record in a shared folder must be readable like the folder.
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def publish(part: Path, final: Path) -> None:
    """Give a complete, verified file its final name, durably even if the power fails now."""
    part.replace(final)
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        handle = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_folder(path: Path) -> None:
    """Rename a folder, then remove it, so that an interrupt leaves no half of it under its name.

    Raises:
        OSError: If it cannot be removed.
    """
    removing = Path(tempfile.mkdtemp(dir=path.parent, prefix=_REMOVED))
    try:
        path.rename(removing / path.name)
    except OSError:
        removing.rmdir()
        raise
    shutil.rmtree(removing)


def finish_removals(folder: Path) -> None:
    """Remove what interrupted calls of `remove_folder` have left in a folder."""
    for removing in folder.glob(f"{_REMOVED}*"):
        shutil.rmtree(removing, ignore_errors=True)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder next to `path`, renamed to `path` if the block ends without an error.

    If the block raises, for example on an interrupt or a full disk, the temporary folder is removed. If
    another process has created `path` in the meantime, that one stays and ours is dropped.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".building"))
    try:
        yield building
        building.chmod(0o777 & ~_umask())
        try:
            building.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
