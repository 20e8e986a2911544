"""JPEGs: their size from the header, and strict decoding (ITU-T T.81, annex B)."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import numpy.typing as npt
import simplejpeg

from galaxynet.images.flags import Flag, ImageError

LARGEST_SIDE = 4096
"""Pixels; an image that declares more is refused by its header, before any memory is spent on it."""

START = b"\xff\xd8"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame header; the three others of that range begin tables."""
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length; to read one would lead past the frame that the decoder sees."""
_SCAN, _END = 0xDA, 0xD9
_CMYK = 4
"""Colour components of a frame for print."""
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG in pixels, read from its header.

    Raises:
        ImageError: If it is not a JPEG, has a damaged header, is in CMYK, or declares a side of more than
            `LARGEST_SIDE`.
    """
    if data[:2] != START:
        raise ImageError("not a JPEG")
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _FRAMES:
            height, width = (int.from_bytes(data[start : start + 2], "big") for start in (at + 5, at + 7))
            if max(width, height) > LARGEST_SIDE:
                raise ImageError(
                    f"it declares {width:,} x {height:,} pixels; at most {LARGEST_SIDE:,} x {LARGEST_SIDE:,} "
                    "are read",
                    Flag.TOO_LARGE,
                )
            if data[at + 9 : at + 10] == bytes([_CMYK]):
                raise ImageError("a CMYK image: convert it to RGB", Flag.UNSUPPORTED)
            return width, height
        elif marker in (_SCAN, _END):
            break
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ImageError("a JPEG with a damaged header")


def decode_jpeg(
    data: bytes, colors: Literal["GRAY", "RGB"], width: int, height: int
) -> npt.NDArray[np.uint8]:
    """Decode a JPEG, reduced to the given size while it is decoded.

    A file that breaks off decodes without an error: libjpeg fills the rest with grey and only warns. So a
    warning of libjpeg is an error here. OpenCV drops these warnings; its pixels are the same to the last bit.

    Args:
        data: The JPEG.
        colors: What to decode to.
        width: A whole fraction (1, 1/2, 1/4 or 1/8) of the original's width.
        height: The same fraction of its height.

    Returns:
        The pixels, shape (height, width, channels).

    Raises:
        ImageError: If the data are damaged or incomplete; says what libjpeg says.
    """
    try:
        pixels: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, colorspace=colors, min_height=height, min_width=width, strict=True
        )
    except ValueError as error:
        # TurboJPEG's words for a file that ends in its header make no sense to a reader.
        reason = "its header is damaged" if str(error).startswith("tj") else str(error)
        raise ImageError(f"a damaged or incomplete JPEG: {reason}") from None
    if pixels.shape[:2] != (height, width):
        raise ImageError("a JPEG with two sizes in its header")
    return pixels


def orientation(data: bytes) -> int:
    """The orientation that a camera noted in a JPEG, 1 to 8; 1, which is upright, without a note."""
    if _EXIF not in data[:65_536]:
        return 1
    from PIL import Image, JpegImagePlugin

    exif = Image.Exif()
    try:
        exif.load(JpegImagePlugin.JpegImageFile(io.BytesIO(data)).info.get("exif", b""))
        value = exif.get(_ORIENTATION, 1)
    except Exception:  # Pillow raises whatever it likes over damaged notes, which are no part of the image
        return 1
    return value if value in range(1, 9) else 1


def turn_upright(pixels: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Undo the orientation of a camera (Exif 2.3, table 6).

    Args:
        pixels: Shape (height, width) or (height, width, channels).
        orientation: 1 to 8.
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
