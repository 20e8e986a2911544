"""Weights as 16-bit floats."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_LARGEST_ERROR = 1e-3


def to_half(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors on the CPU, those that can be as float16.

    float16 has 11 bits of mantissa and bfloat16 8, so it rounds eight times as finely, and trained weights
    are far from the ends of its range. Scalars and vectors (biases, and what normalisation keeps) stay as
    they are: they are few, and a variance may leave that range. So does a tensor that would change by more
    than a thousandth of its norm: one with values above 65,504, or with nothing but tiny values.
    """
    return {name: _rounded(tensor.detach().cpu()).contiguous() for name, tensor in tensors.items()}


def _rounded(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point() or tensor.ndim < 2:
        return tensor
    half = tensor.to(torch.float16)
    change = (half.double() - tensor.double()).norm()
    # Written so that a change that is not a number keeps the tensor, too.
    return half if change <= _LARGEST_ERROR * tensor.double().norm() else tensor
