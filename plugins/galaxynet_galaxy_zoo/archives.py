"""The galaxies' JPEGs, read where they lie (in the zip, or in an unpacked folder) into one uint8 array.

The zip is never unpacked. JPEGs are decoded on all cores, because OpenCV lets other threads run meanwhile,
and at a half, a quarter or an eighth of their size where that is enough: the decoder then skips most of the
inverse transform.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from galaxynet.data.arrays import Block, CachedArray, Recipe, cached_array, fingerprint
from galaxynet.errors import DataError
from galaxynet.terminal import progress
from galaxynet_galaxy_zoo.jpeg import jpeg_size

VERSION = 1
"""Part of the cache's key: raise it when the pixels that come out of here change."""

_BLOCK = 128
_SAMPLE = 64


@dataclass(frozen=True)
class View:
    """What is kept of an image.

    Attributes:
        size: Side of the result, in pixels.
        channels: `gray` or `rgb`.
        crop: Side of the central square of the original that is used, in pixels; None for all of it.
    """

    size: int
    channels: Literal["gray", "rgb"]
    crop: int | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the result."""
        return (self.size, self.size, 1 if self.channels == "gray" else 3)


class Images(Protocol):
    """A store of image files, by name."""

    @property
    def names(self) -> Sequence[str]:
        """The files, in the order in which they are read."""

    def read(self, name: str) -> bytes:
        """The bytes of a file; called from several threads at once."""


class ZipImages:
    """The images in a zip archive, stored or deflated.

    Raises:
        DataError: If the file is no zip archive, or only a part of one.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DataError(
                f"{path} is not a whole zip archive: {error}.", "Remove it and fetch it again."
            ) from error
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        self.names = [info.filename for info in self._archive.infolist() if _is_image(info.filename)]

    def read(self, name: str) -> bytes:
        """The bytes of a member, checked against the archive's checksum."""
        return self._archive.read(name)


class FolderImages:
    """The images in a folder, for those who have unpacked the archive already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.names = sorted(entry.name for entry in os.scandir(path) if _is_image(entry.name))

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        return (self._path / name).read_bytes()


def _is_image(name: str) -> bool:
    return name.lower().endswith((".jpg", ".jpeg")) and not Path(name).name.startswith(".")


def load_images(source: Path, cache: Path, view: View) -> CachedArray:
    """The images of an archive as an array, prepared once and kept.

    Images that cannot be used are left out and named in `skipped`: damaged ones, those whose name is no
    GalaxyID, and those that are not square or of another size than the others.

    Args:
        source: The zip archive, or a folder of JPEGs.
        cache: Folder for prepared arrays.
        view: What to keep of each image.

    Raises:
        DataError: If the archive is damaged, none of its images can be used, or the crop is larger than they.
    """
    key = {
        "version": VERSION,
        "source": fingerprint(source),
        "size": view.size,
        "channels": view.channels,
        "crop": view.crop,
    }
    return cached_array(cache, key, lambda: _recipe(source, view))


def _recipe(source: Path, view: View) -> Recipe:
    images: Images = FolderImages(source) if source.is_dir() else ZipImages(source)
    if not images.names:
        raise DataError(f"{source} has no JPEG images in it.", "Remove it and fetch it again.")
    width = _common_width(images, source)
    if view.crop is not None and view.crop > width:
        raise DataError(
            f"--crop {view.crop}: the images of {source} are {width} pixels wide.",
            f"Give at most {width}.",
        )
    return Recipe(
        rows=len(images.names),
        shape=view.shape,
        blocks=lambda: _blocks(images, source, view, width),
        extra={"width": width},
    )


def _common_width(images: Images, source: Path) -> int:
    """The width that most of the square images have, by the headers of a few dozen spread over all."""
    step = max(1, len(images.names) // _SAMPLE)
    sizes: Counter[tuple[int, int]] = Counter()
    for name in images.names[::step]:
        try:
            sizes[jpeg_size(images.read(name))] += 1
        except _DAMAGE:
            continue
    square = [(count, width) for (width, height), count in sizes.items() if width == height]
    if square:
        return max(square)[1]
    if sizes:
        width, height = sizes.most_common(1)[0][0]
        raise DataError(
            f"The images of {source} are not square: they are {width} x {height} pixels.",
            "Cut them square, as the competition's 424 x 424.",
        )
    raise DataError(f"None of the images of {source} can be read.", "Remove it and fetch it again.")


_DAMAGE = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, cv2.error)


def _blocks(images: Images, source: Path, view: View, width: int) -> Iterator[Block]:
    """Decode on all cores; the blocks come in the archive's order, a few ahead of the one being written."""
    decode = decoder(view, width)
    jobs: list[tuple[int, str]] = []
    doubtful: dict[str, str] = {}
    seen: set[int] = set()
    for name in images.names:
        stem = Path(name).stem
        if not stem.isascii() or not stem.isdigit():
            doubtful[name] = "its name is no GalaxyID"
        elif int(stem) in seen:
            doubtful[name] = "another image has the same GalaxyID"
        else:
            seen.add(int(stem))
            jobs.append((int(stem), name))

    def block(part: list[tuple[int, str]]) -> Block:
        rows = np.empty((len(part), *view.shape), np.uint8)
        ids: list[int | str] = []
        skipped: dict[str, str] = {}
        for id_, name in part:
            try:
                decode(images.read(name), rows[len(ids)])
                ids.append(id_)
            except _DAMAGE as error:
                skipped[name] = str(error) or type(error).__name__
        return Block(rows[: len(ids)], ids, skipped)

    workers = os.cpu_count() or 1
    usable = 0
    waiting: deque[tuple[int, Future[Block]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="jpeg")
    try:
        with progress("reading images", len(jobs), "images") as advance:
            for start in range(0, len(jobs), _BLOCK):
                part = jobs[start : start + _BLOCK]
                waiting.append((len(part), pool.submit(block, part)))
                while len(waiting) > 2 * workers or (waiting and start + _BLOCK >= len(jobs)):
                    count, future = waiting.popleft()
                    made = future.result()
                    usable += len(made.ids)
                    yield made
                    advance(count)
    finally:
        pool.shutdown(cancel_futures=True)
    if not usable:
        raise DataError(
            f"None of the images of {source} can be used.",
            "Its JPEGs are to be square and named by GalaxyID.",
        )
    yield Block(np.empty((0, *view.shape), np.uint8), [], doubtful)


def decoder(view: View, width: int) -> Callable[[bytes, npt.NDArray[np.uint8]], None]:
    """A function that decodes one JPEG of a known width into a row of the array.

    The function raises ValueError, with the reason, for an image that cannot be used.

    Args:
        view: What to keep.
        width: Width and height of the originals.
    """
    region = view.crop or width
    reduction = reduction_for(view.size, region, width)
    gray = view.channels == "gray"
    mode = "GRAYSCALE" if gray else "COLOR"
    flag: int = getattr(cv2, f"IMREAD_{mode}" if reduction == 1 else f"IMREAD_REDUCED_{mode}_{reduction}")
    # An image's orientation tag would turn it; the survey's images have none, and pixels are pixels.
    flag |= cv2.IMREAD_IGNORE_ORIENTATION
    side, offset = region // reduction, (width - region) // 2 // reduction
    central = slice(offset, offset + side)
    enlarging = side < view.size
    interpolation = cv2.INTER_LINEAR if enlarging else cv2.INTER_AREA

    def decode(data: bytes, row: npt.NDArray[np.uint8]) -> None:
        size = jpeg_size(data)
        if size != (width, width):
            raise ValueError(f"it has {size[0]} x {size[1]} pixels, the others {width} x {width}")
        pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
        if pixels is None:
            raise ValueError("a damaged JPEG")
        pixels = pixels[central, central]
        if side != view.size:
            pixels = cv2.resize(pixels, (view.size, view.size), interpolation=interpolation)
        row[...] = pixels[..., None] if gray else pixels[..., ::-1]

    return decode


def reduction_for(size: int, region: int, width: int) -> int:
    """By how much a JPEG may be reduced while it is decoded: 1, 2, 4 or 8.

    The reduced region still has at least `size` pixels, and its borders fall between reduced pixels.

    Args:
        size: Side of the result, in pixels.
        region: Side of the central square that is used, in pixels of the original.
        width: Side of the original.
    """
    margin = (width - region) // 2
    for reduction in (8, 4, 2):
        whole = width % reduction == region % reduction == margin % reduction == 0
        if whole and region // reduction >= size:
            return reduction
    return 1
