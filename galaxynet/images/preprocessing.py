"""From an image to the pixels that a network was trained on: crop, size and channels, in training and in use.

A dataset's spec names its preprocessing, its data module has one, and a run keeps it in its record. So the
same code with the same values makes the pixels of a training and of a prediction, and a run can be applied
without its dataset.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from galaxynet.errors import RunError
from galaxynet.images.fits import DEFAULT, FitsOptions, is_fits, read_fits
from galaxynet.images.flags import NOTHING, Flag, ImageError
from galaxynet.images.jpeg import START as JPEG_START
from galaxynet.images.jpeg import decode_jpeg, jpeg_size, orientation, turn_upright
from galaxynet.images.picture import MOST_BYTES, Picture, check_size
from galaxynet.images.raster import PNG_START, TIFF_STARTS, read_raster
from galaxynet.images.window import Window, reduction_for

_OTHERS = {b"GIF8": "a GIF", b"BM": "a BMP", b"RIFF": "a WebP or another RIFF file", b"%PDF": "a PDF"}
_LARGEST_SIDE = 4096
_LARGEST_FRAME = 8192


class Prepared(NamedTuple):
    """An image as a network takes it.

    Attributes:
        pixels: uint8, shape (height, width, channels), before they are normalised.
        flag: What should be known of it.
        notes: The same in words.
        identifier: The id in its header, if one was asked for.
    """

    pixels: npt.NDArray[np.uint8]
    flag: Flag
    notes: tuple[str, ...]
    identifier: str


class Radius(NamedTuple):
    """How large a galaxy is, so that its image can be cut as the training images were.

    Attributes:
        arcsec: Its radius, of the kind that the training images were scaled by.
        pixel_scale: Side of a pixel in arcsec; None for what the image's world coordinates say.
    """

    arcsec: float
    pixel_scale: float | None = None


@dataclass(frozen=True)
class Preprocessing:
    """Cut the central part of an image, bring it to a size and to gray or colour, and normalise it.

    Attributes:
        height: Rows of the result.
        width: Columns of the result.
        channels: `gray`, or `rgb` in the order red, green, blue.
        frame: Side of the training images, in pixels; 0 where they may have any.
        crop: Side of their central square that is used, in pixels; of an image of another side, the same
            share. 0 for all of it.
        frame_radii: Side of the training images in radii of the galaxy; 0 where they are not scaled to it.
        mean: Subtracted from each channel, in units of the stored pixels, 0 to 255.
        std: Divided by, in the same units.
        fits: How FITS images are read.
    """

    height: int
    width: int
    channels: Literal["gray", "rgb"] = "gray"
    frame: int = 0
    crop: int = 0
    frame_radii: float = 0.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (255.0,)
    fits: FitsOptions = DEFAULT

    kind: ClassVar[str] = "image"
    """Names the class in the records of runs; a subclass has its own, and its dataset's spec leads to it."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the result."""
        return self.height, self.width, 1 if self.channels == "gray" else 3

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types, for the record of a run."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        lists = {"mean": list(self.mean), "std": list(self.std)}
        return {"kind": self.kind, **plain, **lists, "fits": self.fits.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """The inverse of `to_dict`; the values may be a stranger's.

        Raises:
            RunError: If they are out of bounds.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        try:
            read = cls(**{name: value for name, value in values.items() if name in names})
            read = dataclasses.replace(
                read,
                mean=tuple(float(value) for value in read.mean),
                std=tuple(float(value) for value in read.std),
                fits=FitsOptions.parse(**{name: str(text) for name, text in values.get("fits", {}).items()}),
            )
            sizes = [int(size) for size in (read.height, read.width, read.frame, read.crop)]
            sound = (
                sizes == [read.height, read.width, read.frame, read.crop]
                and min(sizes[:2]) >= 1
                and max(sizes) <= _LARGEST_SIDE
                and min(sizes[2:]) >= 0
                and read.channels in ("gray", "rgb")
                and {len(read.mean), len(read.std)} <= {1, read.shape[2]}
                and all(math.isfinite(value) for value in read.mean)
                and all(0 < value < math.inf for value in read.std)
                and 0 <= read.frame_radii < 1e6
            )
        except (TypeError, ValueError, OverflowError, AttributeError):
            sound = False
        if not sound:
            raise RunError("The preprocessing in the record is damaged.", "Train it again.")
        return read

    def prepare(
        self,
        data: bytes,
        fits: FitsOptions = DEFAULT,
        radius: Radius | None = None,
    ) -> Prepared:
        """Decode an image and prepare it.

        A JPEG is decoded at a half, a quarter or an eighth of its size where that is enough: the decoder then
        skips most of the inverse transform.

        Args:
            data: The file: JPEG, PNG, TIFF or FITS, recognised by its first bytes.
            fits: How FITS is read; where it says nothing, as the preprocessing has it.
            radius: The galaxy's size, if known.

        Raises:
            ImageError: If the image cannot be used.
        """
        if len(data) > MOST_BYTES:
            raise ImageError(f"it has more than {MOST_BYTES:,} bytes", Flag.TOO_LARGE)
        if data.startswith(JPEG_START) and orientation(data) == 1:
            return self._prepare_jpeg(data, radius)
        picture = read_picture(
            data, fits.over(self.fits), color=self.channels == "rgb", with_scale=radius is not None
        )
        return self.prepare_picture(picture, radius)

    def prepare_picture(self, picture: Picture, radius: Radius | None = None) -> Prepared:
        """Prepare a decoded image."""
        window = self._window_of(picture, radius)
        return self._finished(window.cut(picture.pixels), picture, window)

    def cut(self, picture: Picture, radius: Radius | None = None) -> npt.NDArray[np.uint8]:
        """The part of a decoded image that the network sees, with the image's own pixels and colours."""
        return self._window_of(picture, radius).cut(picture.pixels)

    def _window_of(self, picture: Picture, radius: Radius | None) -> Window:
        height, width = picture.pixels.shape[:2]
        check_size(width, height)
        return self._window(width, height, picture.framed, picture.pixel_scale, radius)

    def _prepare_jpeg(self, data: bytes, radius: Radius | None) -> Prepared:
        width, height = jpeg_size(data)
        check_size(width, height)
        window = self._window(width, height, True, None, radius)
        reduction = reduction_for(window, width, height, self.width, self.height)
        colors: Literal["GRAY", "RGB"] = "GRAY" if self.channels == "gray" else "RGB"
        pixels = decode_jpeg(data, colors, width // reduction, height // reduction)
        return self._finished(window.cut(pixels, reduction), None, window)

    def _window(
        self, width: int, height: int, framed: bool, pixel_scale: float | None, radius: Radius | None
    ) -> Window:
        """The part of an image that is used."""
        flag, notes = NOTHING, []
        frame = self._scaled_frame(pixel_scale, radius)
        if frame is None:
            frame = self._inscribed(width, height)
            if frame != (width, height):
                flag |= Flag.NOT_SQUARE
                notes.append(f"{width} x {height} pixels: the central {frame[0]} x {frame[1]} are used")
            is_framed = framed and radius is None and self.frame in (0, width, height)
            if self.frame_radii and not is_framed:
                flag |= Flag.SCALE_UNKNOWN
                notes.append("scale unknown")
        across, down = frame
        if self.crop and self.frame:
            across = max(1, round(across * self.crop / self.frame))
            down = max(1, round(down * self.crop / self.frame))
        left, top = (width - across) // 2, (height - down) // 2
        if left < 0 or top < 0:
            flag |= Flag.OFF_FRAME
            notes.append("the frame reaches beyond the image")
        if across < self.width or down < self.height:
            flag |= Flag.ENLARGED
            notes.append(f"enlarged from {across} x {down} pixels")
        return Window(left, top, across, down, flag, tuple(notes))

    def _scaled_frame(self, pixel_scale: float | None, radius: Radius | None) -> tuple[int, int] | None:
        """Width and height of the frame of a galaxy of known size; None if it is unknown."""
        scale = (radius.pixel_scale or pixel_scale) if radius else None
        if not self.frame_radii or radius is None or not scale or not 0 < radius.arcsec < math.inf:
            return None
        side = self.frame_radii * radius.arcsec / scale
        if side > _LARGEST_FRAME:
            raise ImageError(f"its radius asks for a frame of {side:,.0f} pixels", Flag.UNSUPPORTED)
        down = max(1, round(side))
        return max(1, round(down * self.width / self.height)), down

    def _inscribed(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of the largest part of an image that has the shape of the result."""
        if width * self.height >= height * self.width:
            return max(1, height * self.width // self.height), height
        return width, max(1, width * self.height // self.width)

    def _finished(self, pixels: npt.NDArray[np.uint8], picture: Picture | None, window: Window) -> Prepared:
        """Bring the cut-out to channels and size."""
        flag, notes = window.flag, window.notes
        if picture is not None:
            flag, notes = flag | picture.flag, (*picture.notes, *notes)
        if pixels.ndim == 3 and pixels.shape[2] == 1:
            pixels = pixels[..., 0]
        if pixels.ndim == 3 and self.channels == "gray":
            pixels = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY).astype(
                np.uint8, copy=False
            )
        if pixels.shape[:2] != (self.height, self.width):
            enlarging = pixels.shape[0] < self.height or pixels.shape[1] < self.width
            interpolation = cv2.INTER_LINEAR if enlarging else cv2.INTER_AREA
            size = (self.width, self.height)
            pixels = cv2.resize(pixels, size, interpolation=interpolation).astype(np.uint8, copy=False)
        if pixels.ndim == 2:
            pixels = pixels[..., None]
            if self.channels == "rgb":
                pixels = np.repeat(pixels, 3, axis=2)
                flag, notes = flag | Flag.GRAY, (*notes, "a gray image for a network trained on colour")
        return Prepared(pixels, flag, notes, picture.identifier if picture is not None else "")


def read_picture(data: bytes, fits: FitsOptions, *, color: bool, with_scale: bool = False) -> Picture:
    """Decode an image of any known format, recognised by its first bytes.

    Args:
        data: The file.
        fits: How FITS is read.
        color: Whether the network takes colour.
        with_scale: Read the scale of a FITS image's pixels.

    Raises:
        ImageError: If the image cannot be used.
    """
    if data.startswith(JPEG_START):
        width, height = jpeg_size(data)
        check_size(width, height)
        pixels = turn_upright(decode_jpeg(data, "RGB" if color else "GRAY", width, height), orientation(data))
        return Picture(pixels if color else pixels[..., 0])
    if data.startswith((PNG_START, *TIFF_STARTS)):
        return read_raster(data)
    if is_fits(data):
        return read_fits(data, fits, color=color, with_scale=with_scale)
    if not data:
        raise ImageError("an empty file")
    other = next((name for start, name in _OTHERS.items() if data.startswith(start)), "")
    if other:
        raise ImageError(f"{other}: JPEG, PNG, TIFF and FITS are read", Flag.UNSUPPORTED)
    raise ImageError("not an image: JPEG, PNG, TIFF and FITS are read")
