"""Views of images, whose outputs are averaged: exact reflections and rotations, without resampling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import Tensor

Views = Literal[1, 2, 4, 8]


def views_of(images: Tensor, count: int) -> Iterator[Tensor]:
    """Views of a batch of images; the images themselves come last.

    Args:
        images: Shape (n, channels, height, width).
        count: 1: the images; 2: also mirrored, left to right; 4: both reflections and the half turn; 8: all
            reflections and rotations by quarter turns, for which images must be square.

    Source: S. Dieleman, K. Willett and J. Dambre, "Rotation-invariant convolutional neural networks for
    galaxy morphology prediction", MNRAS 450 (2015) 1441, which averages over rotated and mirrored images.
    """
    if count == 8:
        yield from views_of(images.transpose(2, 3), 4)
    if count >= 4:
        yield images.flip(2)
        yield images.flip(2, 3)
    if count >= 2:
        yield images.flip(3)
    yield images
