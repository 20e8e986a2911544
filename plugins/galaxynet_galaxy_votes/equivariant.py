"""A backbone that gives the same features for an image, turned by quarters or mirrored.

Convolutions over the group p4m, as in Cohen and Welling 2016 (arXiv:1602.07576). A *field* is 8 channels,
one for each of the four quarter turns of the image and of its mirror image. If an image is turned or
mirrored, each field turns with it, and its channels change places. Means over the pixels do not change, nor
do the mean and the maximum over the channels of a field.

A layer has 8 times fewer parameters than a plain one with as many channels, and takes as long.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from galaxynet.errors import UsageError
from galaxynet_galaxy_votes.options import BackboneOptions

ORDER = 8
"""Positions of a square: four quarter turns, each of the image and of its mirror image."""
_TURNS = 4


class EquivariantBackbone(nn.Module):
    """From images to features that do not depend on how the image lies.

    In evaluation mode the features are the same to rounding, if the sides of the images can be divided by the
    stride of the stem and then halved at each further stage without a rest. Otherwise a row of pixels is left
    out on one side.

    Args:
        channels: Channels of an image.
        options: Width, which is 8 times the number of fields, depth and stride of the stem.
        stages: Stages, each but the first of half the size and with twice the fields.

    Attributes:
        features: The number of features of an image.

    Raises:
        UsageError: If the width is no multiple of 8.
    """

    def __init__(self, channels: int, options: BackboneOptions, stages: int) -> None:
        super().__init__()
        fields, rest = divmod(options.width, ORDER)
        if rest:
            near = " or ".join(str(ORDER * number) for number in (fields, fields + 1) if number)
            raise UsageError(
                f"--width {options.width} is no multiple of {ORDER}, as --equivariant needs it.",
                f"Give --width {near}, or --no-equivariant.",
            )
        self.stem = nn.Sequential(
            Lifting(channels, fields, options.stem_stride), FieldNorm(fields), nn.ReLU()
        )
        blocks: list[nn.Module] = []
        before = fields
        for stage in range(stages):
            after = fields * 2**stage
            for number in range(options.depth):
                blocks.append(FieldBlock(before, after, halve=stage > 0 and number == 0))
                before = after
        self.stages = nn.Sequential(*blocks)
        self.features = 2 * before

    def forward(self, images: Tensor) -> Tensor:
        """Features of shape (batch, features) of images of shape (batch, channels, height, width)."""
        # Each step computes the filters: it is the images whose layout all layers follow, not the weights.
        images = images.contiguous(memory_format=torch.channels_last)
        fields = self.stages(self.stem(images)).mean(dim=(2, 3)).unflatten(1, (-1, ORDER))
        return torch.cat([fields.mean(2), fields.amax(2)], dim=1)


class Lifting(nn.Module):
    """A convolution from the channels of an image to fields: each filter in its eight positions.

    Args:
        channels: Channels of the image.
        fields: Fields of the output.
        stride: The filters are larger than it by 2, so that they lie alike at opposite edges.
    """

    def __init__(self, channels: int, fields: int, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(fields, channels, stride + 2, stride + 2))
        nn.init.kaiming_normal_(self.weight, mode="fan_in", nonlinearity="relu")
        self.stride = stride

    def forward(self, images: Tensor) -> Tensor:
        """Fields of shape (batch, 8 fields, height, width) of images."""
        filters = torch.stack([_moved(self.weight, position) for position in range(ORDER)], dim=1)
        return functional.conv2d(images, filters.flatten(0, 1), stride=self.stride, padding=1)


class FieldConv(nn.Module):
    """A convolution from fields to fields, without a bias.

    Args:
        before: Fields of the input.
        after: Fields of the output.
        size: Side of the filters, odd; the image keeps its size.
    """

    def __init__(self, before: int, after: int, size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(after, before * ORDER, size, size))
        # Kaiming's, for the channels of all positions: mode="fan_out".
        nn.init.normal_(self.weight, std=(2 / (after * ORDER * size * size)) ** 0.5)
        self.padding = size // 2
        order = [[_product(_inverse(position), h) for h in range(ORDER)] for position in range(ORDER)]
        self.order: Tensor
        self.register_buffer("order", torch.tensor(order), persistent=False)

    def forward(self, fields: Tensor) -> Tensor:
        """Fields of shape (batch, 8 after, height, width)."""
        after, channels, height, width = self.weight.shape
        weight = self.weight.view(after, channels // ORDER, ORDER, height, width)
        moved = [_moved(weight.index_select(2, self.order[position]), position) for position in range(ORDER)]
        filters = torch.stack(moved, dim=1).flatten(2, 3).flatten(0, 1)
        return functional.conv2d(fields, filters, padding=self.padding)


class FieldNorm(nn.BatchNorm2d):
    """Batch normalisation with one scale, one shift and, in evaluation, one mean and variance for each field.

    In training, each channel has statistics of its own, which differ little if images are turned at random.

    Args:
        fields: Fields of input and output.
    """

    def __init__(self, fields: int) -> None:
        super().__init__(fields * ORDER, affine=False)
        self.scale = nn.Parameter(torch.ones(fields))
        self.shift = nn.Parameter(torch.zeros(fields))

    def forward(self, input: Tensor) -> Tensor:
        """Fields of the same shape."""
        mean, variance = self.running_mean, self.running_var
        assert mean is not None
        assert variance is not None
        if not self.training:
            means = mean.view(-1, ORDER)
            spread = variance.view(-1, ORDER).mean(1) + means.var(1, unbiased=False)
            mean, variance = _repeated(means.mean(1)), _repeated(spread)
        scale, shift = _repeated(self.scale), _repeated(self.shift)
        momentum = self.momentum or 0.0
        return functional.batch_norm(input, mean, variance, scale, shift, self.training, momentum, self.eps)


class FieldBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, as in the plain network.

    Args:
        before: Fields of its input.
        after: Fields of its output.
        halve: Begin with means of 2 x 2 pixels. A stride would pick pixels that lie differently once the
            image is turned.
    """

    def __init__(self, before: int, after: int, *, halve: bool) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2) if halve else nn.Identity()
        last = FieldNorm(after)
        self.body = nn.Sequential(
            FieldConv(before, after, 3), FieldNorm(after), nn.ReLU(), FieldConv(after, after, 3), last
        )
        self.shortcut: nn.Module = nn.Identity()
        if before != after:
            self.shortcut = nn.Sequential(FieldConv(before, after, 1), FieldNorm(after))
        # A block begins as its shortcut (Goyal et al. 2017, arXiv:1706.02677, section 5.1).
        nn.init.zeros_(last.scale)

    def forward(self, fields: Tensor) -> Tensor:
        """Transform (batch, 8 before, height, width) to (batch, 8 after, ...), halved if the block halves."""
        fields = self.pool(fields)
        return functional.relu(self.body(fields) + self.shortcut(fields))


def _moved(filters: Tensor, position: int) -> Tensor:
    """Filters of shape (..., height, width), mirrored from position 4 on, and then turned."""
    if position >= _TURNS:
        filters = filters.flip(-1)
    return torch.rot90(filters, position % _TURNS, dims=(-2, -1))


def _product(first: int, second: int) -> int:
    """The position of a square that is moved to `second` and then as `first` says."""
    mirrored = (first >= _TURNS) != (second >= _TURNS)
    turned = first - second if first >= _TURNS else first + second
    return turned % _TURNS + _TURNS * mirrored


def _inverse(position: int) -> int:
    return next(other for other in range(ORDER) if _product(position, other) == 0)


def _repeated(values: Tensor) -> Tensor:
    """The value of each field for each of its channels."""
    return values.repeat_interleave(ORDER)
