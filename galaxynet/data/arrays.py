"""Prepared samples on disk: a uint8 array and its index, under a key of everything that determines them.

An array is written to a temporary folder and renamed when it is complete, so an interrupted build (Ctrl-C,
`kill -9`, a full disk) leaves nothing that could be mistaken for an array.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from galaxynet.atomic import new_folder
from galaxynet.data.array_cache import INDEX, canonical, drop_outdated, elsewhere, lock, remove_remains
from galaxynet.data.array_cache import fingerprint as fingerprint
from galaxynet.errors import FULL_DISK, DataError
from galaxynet.terminal import note

ARRAY = "array.npy"
FORMAT = 1
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class Block(NamedTuple):
    """Some consecutive samples of an array that is being built.

    Attributes:
        rows: uint8, shape (k, *shape).
        ids: The id of each row.
        skipped: Samples that could not be used: name and reason.
    """

    rows: npt.NDArray[np.uint8]
    ids: Sequence[int | str]
    skipped: Mapping[str, str]


@dataclass(frozen=True)
class Recipe:
    """How to build an array; created only if it has to be built.

    Attributes:
        rows: The largest possible number of rows.
        shape: Shape of a row.
        blocks: Makes the blocks, in order.
        extra: More for the index; JSON types.
    """

    rows: int
    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[Block]]
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CachedArray:
    """A prepared array.

    Attributes:
        rows: uint8, shape (n, *shape), mapped from the file copy-on-write: the file never changes.
        ids: The id of each row.
        skipped: Samples that were left out: name and reason.
        extra: What the recipe added.
        folder: Its folder; the folder of all arrays if it is only in memory.
    """

    rows: npt.NDArray[np.uint8]
    ids: list[int | str]
    skipped: dict[str, str]
    extra: dict[str, Any]
    folder: Path


def cached_array(folder: Path, key: Mapping[str, Any], recipe: Callable[[], Recipe]) -> CachedArray:
    """The array of a key: opened if it exists, else built.

    If the folder is read-only, the array is stored in the user's cache, or else only in memory. Outdated
    arrays, by the fingerprint of a file in the key, are removed.

    Args:
        folder: The folder of the dataset's arrays: `arrays` in its folder, for `galaxynet datasets`.
        key: All that determines the array; JSON types.
        recipe: Called only if the array must be built.

    Raises:
        DataError: If the disk is full, the folder is not writable, or the source of the array cannot be
            read.
    """
    name = hashlib.blake2b(canonical(key, format=FORMAT).encode(), digest_size=8).hexdigest()
    parents = [folder, *filter(None, [elsewhere(folder)])]
    cached = next(filter(None, (_open(parent / name) for parent in parents)), None)
    if cached is not None:
        return cached
    for parent in parents:
        try:
            cached = _kept(parent, name, key, recipe)
        except OSError as error:
            if parent != folder or error.errno in _READ_ONLY:
                continue
            raise DataError(
                f"The prepared images cannot be kept in {folder}: {_reason(error)}.",
                "Name another data folder with --data-dir or GALAXYNET_DATA.",
            ) from error
        if parent != folder:
            note(f"{folder} is read-only: the prepared images are kept in {parent}")
        return cached
    note(f"{folder} is read-only: the images are prepared in memory, and again the next time")
    return _in_memory(folder, recipe)


def _kept(folder: Path, name: str, key: Mapping[str, Any], recipe: Callable[[], Recipe]) -> CachedArray:
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder, name) as held:
        # Another process may have built it in the meantime.
        array = _open(path)
        if array is not None:
            return array
        if held:
            remove_remains(folder, name)
        if path.exists():
            shutil.rmtree(path)  # it exists but cannot be opened: damaged
        with _reading():
            prepared = recipe()
        _build(path, key, prepared)
        drop_outdated(folder, key)
    array = _open(path)
    if array is None:
        raise DataError(f"The prepared images in {path} cannot be read back.", "Remove that folder.")
    return array


def _in_memory(folder: Path, recipe: Callable[[], Recipe]) -> CachedArray:
    with _reading():
        prepared = recipe()
    rows = np.empty((prepared.rows, *prepared.shape), np.uint8)
    ids: list[int | str] = []
    skipped: dict[str, str] = {}
    for block in _blocks(prepared):
        rows[len(ids) : len(ids) + len(block.ids)] = block.rows
        ids += block.ids
        skipped.update(block.skipped)
    return CachedArray(rows[: len(ids)], ids, skipped, dict(prepared.extra), folder)


def _open(path: Path) -> CachedArray | None:
    """The array in a folder, or None if it is missing or damaged."""
    try:
        index = json.loads((path / INDEX).read_text(encoding="utf-8"))
        rows = np.load(path / ARRAY, mmap_mode="c")
        if len(rows) != len(index["ids"]):
            return None
        return CachedArray(rows, index["ids"], index["skipped"], index["extra"], path)
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def _build(path: Path, key: Mapping[str, Any], recipe: Recipe) -> None:
    size = recipe.rows * int(np.prod(recipe.shape))
    free = shutil.disk_usage(path.parent).free
    if free < size:
        raise _full(path.parent, size, free)
    ids: list[int | str] = []
    skipped: dict[str, str] = {}
    with new_folder(path) as building:
        try:
            with (building / ARRAY).open("wb") as stream:
                _write_header(stream, (recipe.rows, *recipe.shape))
                for block in _blocks(recipe):
                    # Written, not memory-mapped: on a full disk, a map kills the process.
                    stream.write(np.ascontiguousarray(block.rows).data)
                    ids += block.ids
                    skipped.update(block.skipped)
                stream.seek(0)
                _write_header(stream, (len(ids), *recipe.shape))
                stream.flush()
                os.fsync(stream.fileno())
            index = {"ids": ids, "skipped": skipped, "extra": dict(recipe.extra), "key": dict(key)}
            (building / INDEX).write_text(json.dumps(index), encoding="utf-8")
        except OSError as error:
            if error.errno not in FULL_DISK:
                raise
            raise _full(path.parent, size, shutil.disk_usage(path.parent).free) from error


def _blocks(recipe: Recipe) -> Iterator[Block]:
    """The blocks of a recipe; errors of the consumer do not pass through here."""
    blocks = None
    while True:
        with _reading():
            blocks = recipe.blocks() if blocks is None else blocks
            block = next(blocks, None)
        if block is None:
            return
        yield block


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Report an OSError as a failure to read, not to write the arrays."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"The images cannot be read to prepare them: {_reason(error)}.",
            "Look whether the files are whole and readable, or fetch them again.",
        ) from error


def _reason(error: OSError) -> str:
    """The system's words, and the file that it names; not every error has these."""
    if not error.strerror:
        return str(error) or type(error).__name__
    return f"{error.strerror} ({error.filename})" if error.filename else error.strerror


def _write_header(stream: BinaryIO, shape: tuple[int, ...]) -> None:
    # numpy pads the header for a first axis of any length, so it can be written over when the count is known.
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _full(folder: Path, size: int, free: int) -> DataError:
    return DataError(
        f"The disk is full: the prepared images need {size / 1e6:,.0f} MB in {folder}, "
        f"and {free / 1e6:,.0f} MB are free.",
        "Make room, or name another data folder with --data-dir or GALAXYNET_DATA.",
    )
