from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from galaxynet_galaxy_alexnet.network import (
    GalaxyAlexNetNetwork,
    HalvingMaxPool2d,
    StridedConv2d,
    same_padding,
)


@pytest.mark.parametrize(
    ("channels", "extra_convs", "parameters"),
    [(3, 3, 5_376_878), (1, 3, 5_353_646), (1, 0, 2_261_806), (1, 1, 3_665_454)],
)
def test_the_network_has_the_parameters_of_the_report(
    channels: int, extra_convs: int, parameters: int
) -> None:
    """The published network, with its printed 5,376,878 parameters, is the one that is trained."""
    network = GalaxyAlexNetNetwork((channels, 60, 60), 5, extra_convs=extra_convs)

    assert sum(weights.numel() for weights in network.parameters()) == parameters


def test_the_layers_have_the_shapes_of_the_report() -> None:
    """Layer by layer, an image shrinks as in the report's figure 6."""
    network = GalaxyAlexNetNetwork((3, 60, 60), 5, extra_convs=3)
    shapes = []
    for layer in [*network.features, *network.classifier]:
        if isinstance(layer, nn.Conv2d | HalvingMaxPool2d | nn.Flatten | nn.Linear):
            layer.register_forward_hook(lambda _layer, _input, output: shapes.append(tuple(output.shape[1:])))

    network(torch.zeros(2, 3, 60, 60))

    assert shapes == [
        (96, 15, 15),
        (96, 8, 8),
        (265, 8, 8),
        (265, 4, 4),
        (384, 4, 4),
        (384, 4, 4),
        (256, 4, 4),
        (256, 2, 2),
        (1024,),
        (1024,),
        (512,),
        (5,),
    ]


@pytest.mark.parametrize("extra_convs", [0, 1, 3])
@pytest.mark.parametrize("size", [(1, 1), (33, 64), (60, 47), (129, 8)])
def test_images_of_any_size_are_classified(size: tuple[int, int], extra_convs: int) -> None:
    """An image need be neither square nor of 60 pixels."""
    network = GalaxyAlexNetNetwork((1, *size), 7, extra_convs=extra_convs)

    assert network(torch.zeros(2, 1, *size)).shape == (2, 7)


def test_the_activation_option_reaches_the_convolutions_and_not_the_dense_layers() -> None:
    """`--act` changes what the report changed: the convolutions alone."""
    network = GalaxyAlexNetNetwork((1, 60, 60), 5, act="tanh", extra_convs=1)

    assert sum(isinstance(layer, nn.Tanh) for layer in network.features) == 3
    assert not any(isinstance(layer, nn.ReLU) for layer in network.features)
    assert sum(isinstance(layer, nn.ReLU) for layer in network.classifier) == 2
    assert isinstance(network.classifier[-1], nn.Linear)


def test_weights_start_as_in_keras() -> None:
    """A training begins where the report's did: Glorot's uniform weights, zero biases."""
    torch.manual_seed(0)
    network = GalaxyAlexNetNetwork((1, 60, 60), 5)

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.bias is not None
            assert not layer.bias.any()
            area = layer.weight[0, 0].numel() if isinstance(layer, nn.Conv2d) else 1
            bound = (6 / (area * (layer.weight.shape[0] + layer.weight.shape[1]))) ** 0.5
            assert 0.98 * bound < layer.weight.abs().max() <= bound
            assert abs(layer.weight.std() / (bound / 3**0.5) - 1) < 0.05


def _keras_windows(image: np.ndarray, kernel: int, stride: int, fill: float) -> np.ndarray:
    """All windows of a (height, width) image under Keras' "same" rule, (ceil(h/s), ceil(w/s), k, k)."""
    pads = []
    for size in image.shape:
        # https://www.tensorflow.org/api_docs/python/tf/nn: notes on padding
        total = max(kernel - stride, 0) if size % stride == 0 else max(kernel - size % stride, 0)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(image, pads, constant_values=fill)
    windows = sliding_window_view(padded, (kernel, kernel))[::stride, ::stride]
    assert windows.shape[:2] == tuple(-(-size // stride) for size in image.shape)
    return windows


_SIDES = st.integers(1, 70)


@settings(deadline=None, max_examples=60)
@given(height=_SIDES, width=_SIDES, seed=st.integers(0, 1000))
def test_pooling_pads_as_keras_does(height: int, width: int, seed: int) -> None:
    """Whatever the image's size, pooling is Keras' own, and padding never beats a negative value."""
    image = np.random.default_rng(seed).normal(-2, 1, (height, width))

    pooled = HalvingMaxPool2d()(torch.from_numpy(image)[None, None])[0, 0].numpy()

    np.testing.assert_array_equal(pooled, _keras_windows(image, 3, 2, -np.inf).max((2, 3)))


@settings(deadline=None, max_examples=60)
@given(height=_SIDES, width=_SIDES, seed=st.integers(0, 1000))
def test_the_first_convolution_pads_as_keras_does(height: int, width: int, seed: int) -> None:
    """Whatever the image's size, the strided convolution is Keras' own: the odd zero goes last."""
    image = np.random.default_rng(seed).normal(size=(height, width))
    torch.manual_seed(seed)
    layer = StridedConv2d(1, 2, kernel_size=11, stride=4).double()

    with torch.no_grad():
        convolved = layer(torch.from_numpy(image)[None, None])[0].numpy()

    assert layer.bias is not None
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = np.einsum("yxij,oij->oyx", _keras_windows(image, 11, 4, 0.0), weight[:, 0])
    np.testing.assert_allclose(convolved, expected + bias[:, None, None], rtol=1e-10, atol=1e-10)


def test_the_report_s_padding_at_60_pixels() -> None:
    """At the published size the padding is 3 and 4 at the first convolution, 1 and 1, then 0 and 1."""
    assert same_padding(60, kernel=11, stride=4) == (3, 4)
    assert [same_padding(size, kernel=3, stride=2) for size in (15, 8, 4)] == [(1, 1), (0, 1), (0, 1)]
