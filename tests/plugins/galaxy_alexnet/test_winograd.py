from __future__ import annotations

import copy
import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from galaxynet_galaxy_alexnet.network import GalaxyAlexNetNetwork
from galaxynet_galaxy_alexnet.winograd import WinogradConv2d


def _gradients(layer: nn.Module, images: Tensor, weights: Tensor) -> list[Tensor]:
    """Output, gradient of the images, and gradients of the parameters, for a weighted sum of the output."""
    images = images.clone().requires_grad_()
    output = layer(images)
    return [output, *torch.autograd.grad((output * weights).sum(), [images, *layer.parameters()])]


@pytest.mark.promise("Measurements")
@settings(deadline=None, max_examples=60)
@given(
    kernel=st.sampled_from([3, 5]),
    height=st.integers(1, 14),
    width=st.integers(1, 14),
    channels=st.integers(1, 4),
    channels_last=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_training_computes_the_convolution_itself(
    kernel: int, height: int, width: int, channels: int, channels_last: bool, seed: int
) -> None:
    """The fast convolution equals the ordinary one for every size, and so do its gradients."""
    torch.manual_seed(seed)
    layer = WinogradConv2d(channels, 3, kernel).double()
    plain = nn.Conv2d(channels, 3, kernel, padding="same").double()
    plain.load_state_dict(layer.state_dict())
    layout = torch.channels_last if channels_last else torch.contiguous_format
    images = torch.randn(2, channels, height, width, dtype=torch.float64).contiguous(memory_format=layout)
    weights = torch.randn(2, 3, height, width, dtype=torch.float64)

    for ours, theirs in zip(
        _gradients(layer, images, weights), _gradients(plain, images, weights), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kernel", [3, 5])
def test_rounding_stays_far_below_what_training_notices(kernel: int) -> None:
    """In float32, with the network's channels, the root mean square error is below 1e-5 of the result."""
    torch.manual_seed(0)
    layer = WinogradConv2d(96, 64, kernel)
    exact = nn.Conv2d(96, 64, kernel, padding="same").double()
    exact.load_state_dict(layer.state_dict())
    images, weights = torch.randn(8, 96, 8, 8).relu(), torch.randn(8, 64, 8, 8)

    for ours, truth in zip(
        _gradients(layer, images, weights),
        _gradients(exact, images.double(), weights.double()),
        strict=True,
    ):
        assert (ours - truth).norm() < 1e-5 * truth.norm()


def test_evaluation_autocast_and_copies_use_the_ordinary_convolution_and_the_same_weights() -> None:
    """What was trained quickly is evaluated, copied, saved and opened as any other convolution."""
    torch.manual_seed(0)
    layer = WinogradConv2d(3, 4, 5)
    images = torch.randn(2, 3, 9, 8)
    plain = nn.Conv2d(3, 4, 5, padding="same")
    stream = io.BytesIO()
    torch.save(copy.deepcopy(layer).state_dict(), stream)
    stream.seek(0)
    plain.load_state_dict(torch.load(stream, weights_only=True))

    trained = layer(images)
    assert torch.equal(layer.eval()(images), plain(images))
    assert not torch.equal(trained, plain(images))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer.train()(images), plain(images))


def test_a_forward_pass_without_gradients_does_not_spoil_a_later_training() -> None:
    """Looking at a network in training mode under inference_mode first, and training it afterwards, works."""
    layer = WinogradConv2d(1, 1, 3)
    with torch.inference_mode():
        layer(torch.randn(1, 1, 4, 4))

    layer(torch.randn(1, 1, 4, 4)).sum().backward()

    assert layer.weight.grad is not None


def test_a_network_with_frozen_layers_trains() -> None:
    """Only the gradients that are asked for are made, and those are right."""
    torch.manual_seed(0)
    layer = WinogradConv2d(2, 3, 3)
    layer.weight.requires_grad_(False)

    layer(torch.randn(2, 2, 5, 5)).sum().backward()

    assert layer.weight.grad is None
    assert layer.bias is not None
    torch.testing.assert_close(layer.bias.grad, torch.full((3,), 50.0))


@pytest.mark.promise("Measurements")
def test_the_same_step_gives_the_same_weights_to_the_last_digit() -> None:
    """On a CPU a training can be repeated to the last digit."""

    def step() -> list[Tensor]:
        torch.manual_seed(1)
        network = GalaxyAlexNetNetwork((1, 60, 60), 5, extra_convs=1).to(memory_format=torch.channels_last)
        network(torch.randn(8, 1, 60, 60)).logsumexp(1).sum().backward()
        return [parameter.grad for parameter in network.parameters() if parameter.grad is not None]

    assert all(torch.equal(first, second) for first, second in zip(step(), step(), strict=True))


def test_a_kernel_without_known_points_is_refused() -> None:
    """An unsupported kernel size is refused; the error lists the supported ones."""
    with pytest.raises(ValueError, match=r"kernel_size is 7: it must be one of \[3, 5\]"):
        WinogradConv2d(1, 1, 7)
