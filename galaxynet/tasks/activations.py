"""Activation functions by their Keras names, so that networks and flags share one vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor, nn

from galaxynet.errors import OptionError
from galaxynet.plugin import Activation

__all__ = ["Exponential", "activation"]


class Exponential(nn.Module):
    """`exp(x)`, elementwise. It is unbounded: deep networks with it soon overflow float32."""

    def forward(self, inputs: Tensor) -> Tensor:
        """`exp(inputs)`, of the same shape."""
        return torch.exp(inputs)


# All with the default parameters of Keras, which are also torch's (elu: alpha 1; gelu:
# the exact form with erf, not the approximation by tanh; softplus: beta 1).
_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "exponential": Exponential,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "linear": nn.Identity,
}


def activation(name: Activation) -> nn.Module:
    """A new module that applies an activation function elementwise.

    Args:
        name: One of the names in `galaxynet.plugin.Activation`; they mean what they mean in Keras.

    Raises:
        OptionError: If there is no activation of that name.
    """
    try:
        make = _ACTIVATIONS[name]
    except KeyError:
        names = ", ".join(get_args(Activation))
        raise OptionError(f"there is no activation {name!r}.", f"Choose one of {names}.") from None
    return make()
