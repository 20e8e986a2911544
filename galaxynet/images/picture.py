"""A decoded image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt

from galaxynet.images.flags import NOTHING, Flag, ImageError

MOST_BYTES = 1 << 28
"""A file of more bytes is refused before it is read."""

MOST_PIXELS = 1 << 24
"""4,096 x 4,096; an image that declares more is refused by its header, before memory is spent on it."""

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".tif",
    ".tiff",
    ".fits",
    ".fit",
    ".fts",
    ".fits.gz",
    ".fit.gz",
    ".fits.fz",
)
"""File names that folders, zips and globs are searched for."""


@dataclass(frozen=True)
class Picture:
    """Pixels of an image.

    Attributes:
        pixels: uint8, shape (height, width) for gray or (height, width, 3) in the order red, green, blue.
        flag: What should be known of them.
        notes: The same in words.
        pixel_scale: Side of a pixel in arcsec; None if unknown.
        identifier: The id that its header gives; empty if none was asked for.
        framed: False if the image cannot have the framing of the training images, as raw survey data.
    """

    pixels: npt.NDArray[np.uint8]
    flag: Flag = NOTHING
    notes: tuple[str, ...] = ()
    pixel_scale: float | None = None
    identifier: str = ""
    framed: bool = True


def is_image_name(name: str) -> bool:
    """True if a file of this name is taken for an image; hidden files, as macOS adds them, are not."""
    base = PurePath(name.replace("\\", "/")).name
    return base.lower().endswith(SUFFIXES) and not base.startswith(".")


def stem(name: str) -> str:
    """A file's name without folder and suffix: `J1234+56.7.fits.gz` gives `J1234+56.7`."""
    base = PurePath(name.replace("\\", "/")).name
    suffix = next((s for s in sorted(SUFFIXES, key=len, reverse=True) if base.lower().endswith(s)), "")
    if not suffix:
        return PurePath(base).stem
    return base[: -len(suffix)] or base


def check_size(width: int, height: int) -> None:
    """Refuse an image by the size that its header declares.

    Raises:
        ImageError: If it has no pixels, or more than `MOST_PIXELS`.
    """
    if width < 1 or height < 1:
        raise ImageError("it declares no pixels")
    if width * height > MOST_PIXELS:
        raise ImageError(
            f"it declares {width:,} x {height:,} pixels; at most {MOST_PIXELS:,} pixels are read",
            Flag.TOO_LARGE,
        )
