from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from galaxynet.errors import OptionError
from galaxynet.plugin import Activation
from galaxynet.tasks.activations import activation, activation_and_pooling

# Keras' definitions, written out.
_ALPHA, _SCALE = 1.6732632423543772, 1.0507009873554805
_FORMULAS = {
    "relu": lambda x: torch.where(x > 0, x, 0),
    "tanh": lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + torch.exp(-x)),
    "exponential": torch.exp,
    "elu": lambda x: torch.where(x > 0, x, torch.exp(x) - 1),
    "selu": lambda x: _SCALE * torch.where(x > 0, x, _ALPHA * (torch.exp(x) - 1)),
    "gelu": lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2,
    "silu": lambda x: x / (1 + torch.exp(-x)),
    "softplus": lambda x: torch.log(1 + torch.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "linear": lambda x: x,
}


@pytest.mark.parametrize("name", get_args(Activation))
def test_every_activation_is_the_function_that_keras_gives_that_name(name: Activation) -> None:
    """A network trained with `--act NAME` has the activation that a Keras user knows by that name."""
    x = torch.linspace(-6, 6, 241, dtype=torch.float64)

    torch.testing.assert_close(activation(name)(x), _FORMULAS[name](x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", get_args(Activation))
def test_the_order_of_pooling_changes_no_result(name: Activation) -> None:
    """Values and gradients are those of the activation before the pooling, whichever comes first."""
    x = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    results = []
    for modules in ((activation(name), nn.MaxPool2d(2)), activation_and_pooling(name, nn.MaxPool2d(2))):
        output = nn.Sequential(*modules)(x)
        (gradient,) = torch.autograd.grad(output.square().sum(), x)
        results.append((output, gradient))
    torch.testing.assert_close(*results, rtol=0, atol=1e-6)


def test_an_unknown_activation_is_refused_with_the_names_there_are() -> None:
    """The error for an unknown activation lists the known ones."""
    with pytest.raises(OptionError, match=r"no activation 'rleu'.* relu, tanh"):
        activation("rleu")  # type: ignore[arg-type]
