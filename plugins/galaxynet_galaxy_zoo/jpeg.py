"""JPEGs: their size from the header, and strict decoding (ITU-T T.81, annex B)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import simplejpeg

LARGEST_SIDE = 4096
"""Pixels; an image that declares more is refused by its header, before any memory is spent on it."""

_START = b"\xff\xd8"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a frame header; the three others of that range begin tables."""
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length; to read one would lead past the frame that the decoder sees."""
_SCAN, _END = 0xDA, 0xD9


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG in pixels, read from its header.

    Raises:
        ValueError: If it is not a JPEG, has a damaged header, or declares a side of more than `LARGEST_SIDE`.
    """
    if data[:2] != _START:
        raise ValueError("not a JPEG")
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
                raise ValueError(
                    f"it declares {width:,} x {height:,} pixels; at most {LARGEST_SIDE:,} x {LARGEST_SIDE:,} "
                    "are read"
                )
            return width, height
        elif marker in (_SCAN, _END):
            break
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise ValueError("a JPEG with a damaged header")


def decode_jpeg(data: bytes, colors: Literal["GRAY", "RGB"], side: int) -> npt.NDArray[np.uint8]:
    """Decode a square JPEG, reduced to `side` pixels while it is decoded.

    A file that breaks off decodes without an error: libjpeg fills the rest with grey and only warns. So a
    warning of libjpeg is an error here. OpenCV drops these warnings; its pixels are the same to the last bit.

    Args:
        data: The JPEG.
        colors: What to decode to.
        side: A whole fraction (1, 1/2, 1/4 or 1/8) of the original's side.

    Returns:
        The pixels, shape (side, side, channels).

    Raises:
        ValueError: If the data are damaged or incomplete; says what libjpeg says.
    """
    try:
        pixels: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(
            data, colorspace=colors, min_height=side, min_width=side, strict=True
        )
    except ValueError as error:
        # TurboJPEG's words for a file that ends in its header make no sense to a reader.
        reason = "its header is damaged" if str(error).startswith("tj") else str(error)
        raise ValueError(f"a damaged or incomplete JPEG: {reason}") from None
    if pixels.shape[:2] != (side, side):
        raise ValueError("a JPEG with two sizes in its header")
    return pixels
