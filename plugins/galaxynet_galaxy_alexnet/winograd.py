"""A convolution that needs a quarter to a sixth of the multiplications, for training on a CPU.

Four fifths of a training step are spent in the 5x5 convolution, which PyTorch computes at nearly the peak
speed of a CPU; only fewer multiplications make it faster. Winograd's minimal filtering cuts an image into
tiles of 4 x 4 results, turns tiles and kernels into values at t x t points (t = 4 + kernel - 1), multiplies
point by point, and turns the products back: t^2 multiplications in place of 16 kernel^2, so 64 for 400 with
a 5x5 kernel and 36 for 144 with a 3x3 one. The result is that of the convolution, up to float32 rounding.

Sources: Lavin and Gray 2015, arXiv:1509.09308 (the algorithm); Barabasz et al. 2018, arXiv:1803.10986 (points
with small rounding errors).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

_TILE = 4
# Finite points by kernel; one more lies at infinity. Few, small and in pairs keeps the rounding errors low.
_POINTS: dict[int, tuple[float, ...]] = {3: (0, 1, -1, 2, -0.5), 5: (0, 1, -1, 2, -2, 0.5, -0.5)}


class WinogradConv2d(nn.Conv2d):
    """A convolution of stride 1 with "same" padding, quick to train on a CPU; parameters as of `nn.Conv2d`.

    While it trains on a CPU in full precision it uses Winograd's algorithm. Elsewhere (evaluation, a GPU,
    autocast, compilation and export) it is PyTorch's own convolution, which those know how to treat.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel_size: Side of the kernel, 3 or 5 pixels.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int) -> None:
        if kernel_size not in _POINTS:
            raise ValueError(f"kernel_size is {kernel_size}: it must be one of {sorted(_POINTS)}")
        super().__init__(in_channels, out_channels, kernel_size, padding="same")

    def forward(self, input: Tensor) -> Tensor:
        """Convolve (batch, channels, height, width); height and width stay."""
        if (
            self.training
            and input.device.type == "cpu"
            and input.dtype in (torch.float32, torch.float64)
            and not torch.is_autocast_enabled("cpu")
            and not torch.compiler.is_compiling()
        ):
            output: Tensor = _Winograd.apply(input, self.weight, self.bias)  # type: ignore[no-untyped-call]
            return output
        return super().forward(input)


@cache
def _matrices(kernel: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """The three transforms of tiles, kernels and results: (t^2, t^2), (t^2, kernel^2) and (16, t^2).

    Multiplying two polynomials of 4 and `kernel` coefficients by their values at t points, and going back by
    the inverse of the Vandermonde matrix, is Toom and Cook's method; a correlation is its transpose. The
    two-dimensional transforms are Kronecker products of the one-dimensional ones.
    """
    count = _TILE + kernel - 1

    def values(coefficients: int) -> Any:
        matrix = np.vander([*_POINTS[kernel], 0], coefficients, increasing=True).astype(np.float64)
        matrix[-1] = np.eye(coefficients)[-1]  # the value at infinity is the last coefficient
        return matrix

    tiles, kernels, results = np.linalg.inv(values(count)).T, values(kernel), values(_TILE).T
    # Sharing the scale of each point between the two factors keeps both near one.
    scale = np.linalg.norm(tiles, axis=1, keepdims=True) ** 0.5
    tiles, kernels = tiles / scale, kernels * scale
    first, second, third = (torch.tensor(np.kron(m, m), dtype=dtype) for m in (tiles, kernels, results))
    return first, second, third


class _Winograd(Function):
    """Forward and backward, on channels-last tiles so that every copy moves whole runs of channels.

    Sizes in the comments: N images, C channels in, O channels out, T tiles in all, t^2 points.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        batch, channels, height, width = images.shape
        out, _, kernel, _ = weight.shape
        side, margin = _TILE + kernel - 1, kernel // 2
        down, across = -(-height // _TILE), -(-width // _TILE)
        to_tiles, to_kernels, to_results = _matrices(kernel, images.dtype)

        below, right = down * _TILE - height + margin, across * _TILE - width + margin
        padded = functional.pad(images.permute(0, 2, 3, 1), (0, 0, margin, right, margin, below)).contiguous()
        per_image, per_row, per_pixel, _ = padded.stride()
        overlapping = padded.as_strided(
            (side, side, batch, down, across, channels),
            (per_row, per_pixel, per_image, _TILE * per_row, _TILE * per_pixel, 1),
        )
        tiles = (to_tiles @ overlapping.reshape(side**2, -1)).view(side**2, -1, channels)  # (t^2, T, C)
        kernels = to_kernels @ weight.permute(2, 3, 0, 1).reshape(kernel**2, -1)
        kernels = kernels.view(side**2, out, channels)  # (t^2, O, C)
        products = torch.bmm(tiles, kernels.transpose(1, 2))  # (t^2, T, O)
        results = (to_results @ products.view(side**2, -1)).view(_TILE, _TILE, batch, down, across, out)
        results = results.permute(2, 3, 0, 4, 1, 5).reshape(batch, down * _TILE, across * _TILE, out)
        results = results[:, :height, :width]

        ctx.save_for_backward(tiles, kernels)
        ctx.shape, ctx.kernel, ctx.has_bias = images.shape, kernel, bias is not None
        return (results if bias is None else results + bias).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Every step of `forward` transposed, last to first."""
        tiles, kernels = ctx.saved_tensors
        batch, channels, height, width = ctx.shape
        out, kernel = gradient.shape[1], ctx.kernel
        side, margin = _TILE + kernel - 1, kernel // 2
        down, across = -(-height // _TILE), -(-width // _TILE)
        to_tiles, to_kernels, to_results = _matrices(kernel, gradient.dtype)

        results = gradient.permute(0, 2, 3, 1)  # (N, height, width, O)
        for_bias = results.sum((0, 1, 2)) if ctx.has_bias else None
        results = functional.pad(results, (0, 0, 0, across * _TILE - width, 0, down * _TILE - height))
        results = results.reshape(batch, down, _TILE, across, _TILE, out).permute(2, 4, 0, 1, 3, 5)
        products = (to_results.T @ results.reshape(_TILE**2, -1)).view(side**2, -1, out)  # (t^2, T, O)

        for_weight = None
        if ctx.needs_input_grad[1]:
            for_kernels = torch.bmm(products.transpose(1, 2), tiles)  # (t^2, O, C)
            for_weight = to_kernels.T @ for_kernels.view(side**2, -1)
            for_weight = for_weight.view(kernel, kernel, out, channels).permute(2, 3, 0, 1)

        for_images = None
        if ctx.needs_input_grad[0]:
            for_tiles = torch.bmm(products, kernels)  # (t^2, T, C)
            for_tiles = (to_tiles.T @ for_tiles.view(side**2, -1)).view(side, side, batch, down, across, -1)
            for_images = _add_overlapping(for_tiles)[:, margin : margin + height, margin : margin + width]
            for_images = for_images.permute(0, 3, 1, 2)
        return for_images, for_weight, for_bias


def _add_overlapping(tiles: Tensor) -> Tensor:
    """Add tiles (side, side, N, down, across, C), each _TILE pixels from the next, to images (N, h, w, C).

    A tile of side t reaches over the next one, not over the one after it, so blocks of _TILE pixels suffice.
    """
    side, _, batch, down, across, channels = tiles.shape
    total = tiles.new_zeros(batch, down + 1, _TILE, across + 1, _TILE, channels)
    for top in range(0, side, _TILE):
        for left in range(0, side, _TILE):
            part = tiles[top : top + _TILE, left : left + _TILE].permute(2, 3, 0, 4, 1, 5)
            rows, columns = part.shape[2], part.shape[4]
            row, column = top // _TILE, left // _TILE
            total[:, row : row + down, :rows, column : column + across, :columns] += part
    return total.reshape(batch, (down + 1) * _TILE, (across + 1) * _TILE, channels)
