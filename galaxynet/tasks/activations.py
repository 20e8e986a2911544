"""Activation functions by their Keras names, so that networks and flags share one vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor, nn

from galaxynet.errors import OptionError
from galaxynet.plugin import Activation

__all__ = ["Exponential", "activation", "activation_and_pooling"]


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

_FALLING = ("gelu", "silu")
"""Activation functions that fall somewhere."""


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


def activation_and_pooling(name: Activation, pooling: nn.Module) -> tuple[nn.Module, nn.Module]:
    """An activation and the max pooling that follows it, in the order that is faster.

    The largest value of a window stays the largest under a function that never falls. Such a function comes
    second, and is computed for the pooled values alone.

    Args:
        name: The activation function.
        pooling: A max pooling, which does not depend on the size of the values.

    Returns:
        Both modules, in the order to apply them.

    Raises:
        OptionError: If there is no activation of that name.
    """
    function = activation(name)
    return (function, pooling) if name in _FALLING else (pooling, function)
