"""The part of an image that a network sees."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from galaxynet.images.flags import NOTHING, Flag


class Window(NamedTuple):
    """The part of an image that is used, in pixels; its corner may lie outside."""

    left: int
    top: int
    width: int
    height: int
    flag: Flag = NOTHING
    notes: tuple[str, ...] = ()

    def cut(self, pixels: npt.NDArray[np.uint8], reduction: int = 1) -> npt.NDArray[np.uint8]:
        """The part of an image, which may be reduced; what lies outside is black."""
        left, top = self.left // reduction, self.top // reduction
        width, height = self.width // reduction, self.height // reduction
        inside = pixels[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
        if inside.shape[:2] == (height, width):
            return inside
        cut = np.zeros((height, width, *pixels.shape[2:]), np.uint8)
        row, column = max(-top, 0), max(-left, 0)
        cut[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
        return cut


def reduction_for(window: Window, width: int, height: int, out_width: int, out_height: int) -> int:
    """By how much a JPEG may be reduced while it is decoded: 1, 2, 4 or 8.

    The reduced window still has at least the pixels of the result, and its borders fall between reduced
    pixels.

    Args:
        window: The part that is used.
        width: Width of the image.
        height: Its height.
        out_width: Width of the result.
        out_height: Its height.
    """
    lengths = (width, height, window.width, window.height, window.left, window.top)
    for reduction in (8, 4, 2):
        if (
            not any(length % reduction for length in lengths)
            and min(window.left, window.top) >= 0
            and window.width // reduction >= out_width
            and window.height // reduction >= out_height
        ):
            return reduction
    return 1
