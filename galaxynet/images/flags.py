"""What is noted of an image: the bits of the column `flag`, and the error of one that cannot be used."""

from __future__ import annotations

import enum


class Flag(enum.IntFlag):
    """Bits of the column `flag` of a catalogue. Rows with a bit of `UNUSABLE` have no prediction."""

    UNREADABLE = 1
    """The file is missing or cannot be opened."""
    DAMAGED = 2
    """The file is damaged, cut short, or not an image."""
    UNSUPPORTED = 4
    """The image is of a kind that is not read, or that the network cannot take."""
    TOO_LARGE = 8
    """The file or the image exceeds the limits on size."""
    BLANK_PIXELS = 16
    """Some pixels are NaN, infinite or blank; they are taken as sky."""
    SCALE_UNKNOWN = 32
    """The training images are scaled to each galaxy, and the scale of this one is unknown."""
    OFF_FRAME = 64
    """The frame reaches beyond the image; what is missing is taken as sky."""
    NOT_SQUARE = 128
    """The image has another shape than the training images; its central part is used."""
    GRAY = 256
    """A gray image, given to a network that was trained on colour."""
    ENLARGED = 512
    """The image has fewer pixels than the network takes, and is enlarged."""
    UNDEFINED = 1024
    """The network's answer is not a finite number."""


NOTHING = Flag(0)
"""Nothing to note."""

UNUSABLE = Flag.UNREADABLE | Flag.DAMAGED | Flag.UNSUPPORTED | Flag.TOO_LARGE | Flag.UNDEFINED
"""The bits of rows without a prediction."""


class ImageError(ValueError):
    """An image that cannot be used.

    Args:
        reason: Why, in a few words: the cell of the column `reason`.
        flag: The bit that says so.
    """

    def __init__(self, reason: str, flag: Flag = Flag.DAMAGED) -> None:
        super().__init__(reason)
        self.reason = reason
        self.flag = flag
