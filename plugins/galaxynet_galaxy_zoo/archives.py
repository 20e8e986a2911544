"""The galaxies' JPEGs, read straight out of the zip into one uint8 array.

The archive is never unpacked. JPEGs are decoded on all cores, since the decoder releases the interpreter
lock, and at a half, a quarter or an eighth of their size where that is enough: the decoder then skips most of
the inverse transform.
"""

from __future__ import annotations

import dataclasses
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from galaxynet.data.arrays import Block, CachedArray, Recipe, cached_array, fingerprint
from galaxynet.errors import DataError
from galaxynet.images.decoding import usable_cores
from galaxynet.images.jpeg import jpeg_size
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.terminal import progress
from galaxynet.zip_members import read_member
from galaxynet_galaxy_zoo.members import members, open_archive

VERSION = 2
"""Part of the cache key: raise it when this module returns other pixels or other images."""

MOST_BYTES = 1 << 25
"""Larger images are left out; the competition's have some 15,000 bytes."""

_BLOCK = 128
_SAMPLE = 64
_DAMAGE = (ValueError, OSError)
"""What reading and decoding a damaged member raises."""


def load_images(source: Path, cache: Path, view: Preprocessing) -> CachedArray:
    """The images of an archive as an array, prepared once and cached.

    Images that cannot be used are left out and named in `skipped`: damaged ones, those whose name is not a
    GalaxyID, and those that are not square or not of the common size.

    Args:
        source: The zip archive; its members may be stored or deflated.
        cache: Folder for prepared arrays.
        view: What to keep of each image; its `frame` is taken from the images.

    Raises:
        DataError: If the archive is damaged, none of its images can be used, or the crop is larger than
            they are.
    """
    key = {
        "version": VERSION,
        "source": fingerprint(source),
        "size": view.width,
        "channels": view.channels,
        "crop": view.crop or None,
    }
    array = cached_array(cache, key, lambda: _recipe(source, view))
    if not array.ids:
        raise _unusable(source, next(iter(array.skipped.values())))
    return array


def check_images(source: Path) -> list[int]:
    """Check that an archive can be trained on: its images are square, and at least one can be decoded.

    Returns:
        The GalaxyIDs.

    Raises:
        DataError: As `load_images`.
    """
    with open_archive(source) as archive:
        contents = members(archive)
        if not contents.images:
            raise _no_images(source)
        names = list(contents.images.values())
        width = _common_width(archive, names, source)
        decode = decoder(Preprocessing(width, width), width)
        row = np.empty((width, width, 1), np.uint8)
        reasons = []
        for name in names:
            try:
                decode(_read(archive, name), row)
                return list(contents.images)
            except _DAMAGE as error:
                reasons.append(str(error) or type(error).__name__)
    raise _unusable(source, reasons[0])


def _no_images(source: Path) -> DataError:
    return DataError(f"{source} has no JPEG images named by GalaxyID in it.", "Remove it and fetch it again.")


def _unusable(source: Path, reason: str) -> DataError:
    return DataError(
        f"None of the images of {source} can be used: {reason}.", "Remove it and fetch it again."
    )


def _recipe(source: Path, view: Preprocessing) -> Recipe:
    archive = open_archive(source)
    contents = members(archive)
    if not contents.images:
        raise _no_images(source)
    width = _common_width(archive, list(contents.images.values()), source)
    if view.crop > width:
        raise DataError(
            f"--crop {view.crop}: the images of {source} are {width} pixels wide.", f"Give at most {width}."
        )

    def blocks() -> Iterator[Block]:
        with archive:
            yield Block(np.empty((0, *view.shape), np.uint8), [], contents.odd)
            whole = dataclasses.replace(view, frame=width)
            yield from _decoded(archive, list(contents.images.items()), whole, width)

    return Recipe(rows=len(contents.images), shape=view.shape, blocks=blocks, extra={"width": width})


def _common_width(archive: zipfile.ZipFile, names: Sequence[str], source: Path) -> int:
    """The width of most square images, from the headers of a few dozen spread over the archive."""
    sizes: Counter[tuple[int, int]] = Counter()
    reasons: list[str] = []
    for name in names[:: max(1, len(names) // _SAMPLE)]:
        try:
            sizes[jpeg_size(_read(archive, name))] += 1
        except _DAMAGE as error:
            reasons.append(f"{name}: {error}")
    square = [(count, width) for (width, height), count in sizes.items() if width == height]
    if square:
        return max(square)[1]
    if sizes:
        width, height = sizes.most_common(1)[0][0]
        raise DataError(
            f"The images of {source} are not square: they are {width} x {height} pixels.",
            "Cut them square; the competition's are 424 x 424.",
        )
    raise DataError(f"The images of {source} cannot be read. {reasons[0]}.", "Remove it and fetch it again.")


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    return read_member(archive, archive.getinfo(name), MOST_BYTES)


def _decoded(
    archive: zipfile.ZipFile, images: Sequence[tuple[int, str]], view: Preprocessing, width: int
) -> Iterator[Block]:
    """Decode on all cores; blocks come in archive order, a few ahead of the one being written."""
    decode = decoder(view, width)

    def decode_block(part: Sequence[tuple[int, str]]) -> Block:
        rows = np.empty((len(part), *view.shape), np.uint8)
        ids: list[int | str] = []
        skipped: dict[str, str] = {}
        for galaxy, name in part:
            try:
                decode(_read(archive, name), rows[len(ids)])
                ids.append(galaxy)
            except _DAMAGE as error:
                skipped[name] = str(error) or type(error).__name__
        return Block(rows[: len(ids)], ids, skipped)

    workers = usable_cores()
    parts = [images[start : start + _BLOCK] for start in range(0, len(images), _BLOCK)]
    waiting: deque[Future[Block]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="jpeg")
    try:
        with progress("reading images", len(images), "images") as advance:
            for number, part in enumerate(parts, start=1):
                waiting.append(pool.submit(decode_block, part))
                while len(waiting) > 2 * workers or (waiting and number == len(parts)):
                    block = waiting.popleft().result()
                    yield block
                    advance(len(block.ids) + len(block.skipped))
    finally:
        pool.shutdown(cancel_futures=True)


def decoder(view: Preprocessing, width: int) -> Callable[[bytes, npt.NDArray[np.uint8]], None]:
    """A function that decodes one JPEG of a known width into a row of the array.

    The function raises ValueError, with the reason, for an image that cannot be used.

    Args:
        view: What to keep.
        width: Width and height of the originals.
    """

    def decode(data: bytes, row: npt.NDArray[np.uint8]) -> None:
        size = jpeg_size(data)
        if size != (width, width):
            raise ValueError(f"it has {size[0]} x {size[1]} pixels, the others {width} x {width}")
        row[...] = view.prepare(data).pixels

    return decode
