"""Random rotations, flips, shifts and zooms of a whole batch at once, on the device that holds it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import grid_sample


@dataclass(frozen=True)
class Affine:
    """Any rotation, a flip, a small shift and a small zoom, by one bilinear resampling.

    Attributes:
        rotation: Largest angle to either side, in degrees; 180 is any rotation.
        flip: Mirror every second sample, on average.
        shift: Largest shift along either axis, as a share of the image's side.
        zoom: Largest zoom; the scale is log-uniform between `1 / (1 + zoom)` and `1 + zoom`.
        padding: How to fill in pixels outside the frame: `zeros`, `border` or `reflection`.
    """

    rotation: float = 180.0
    flip: bool = True
    shift: float = 0.04
    zoom: float = 0.1
    padding: Literal["zeros", "border", "reflection"] = "reflection"

    def parameters(self, samples: int, generator: torch.Generator) -> Tensor:
        """Draw a transformation for each sample.

        Args:
            samples: Number of samples.
            generator: A generator on the CPU; it alone determines the result.

        Returns:
            Matrices that take output to input coordinates, float32, shape (samples, 2, 3), in units where
            the frame reaches from -1 to 1.
        """
        draw = torch.rand(5, samples, generator=generator)
        angle = (2 * draw[0] - 1) * math.radians(self.rotation)
        scale = torch.exp((2 * draw[1] - 1) * math.log1p(self.zoom))
        mirror = torch.where(draw[2] < 0.5, -1.0, 1.0) if self.flip else torch.ones(samples)
        # A shift of one side is 2 in these coordinates.
        shift = (2 * draw[3:5] - 1) * 2 * self.shift
        cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
        matrix = torch.stack([mirror * cos, -sin, shift[0], mirror * sin, cos, shift[1]], dim=1)
        return matrix.view(samples, 2, 3)

    def __call__(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Transform a batch.

        Args:
            images: Floats of shape (samples, channels, height, width).
            parameters: From `parameters`, shape (samples, 2, 3), on the same device.

        Returns:
            The transformed images, of the same shape.
        """
        return grid_sample(
            images,
            sampling_grid(parameters, images.shape[2], images.shape[3]),
            mode="bilinear",
            padding_mode=self.padding,
            align_corners=False,
        )


def sampling_grid(parameters: Tensor, height: int, width: int) -> Tensor:
    """The points at which `grid_sample` reads its input.

    Equal to `affine_grid(..., align_corners=False)`, but an affine map is a sum of a function of the column
    and a function of the row, so that one broadcast addition does it, several times as fast on a CPU.

    Args:
        parameters: Affine matrices of shape (samples, 2, 3).
        height: Rows of the image.
        width: Columns of the image.

    Returns:
        Points (x, y), shape (samples, height, width, 2).
    """
    x, y = _centres(width, parameters), _centres(height, parameters)
    by_column = x[None, :, None] * parameters[:, None, :, 0] + parameters[:, None, :, 2]
    by_row = y[None, :, None] * parameters[:, None, :, 1]
    return by_column[:, None, :, :] + by_row[:, :, None, :]


def _centres(pixels: int, like: Tensor) -> Tensor:
    positions = torch.arange(pixels, device=like.device, dtype=like.dtype)
    return (2 * positions + 1) / pixels - 1
