"""The backbone that sees the same in turned and mirrored images."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from galaxynet.errors import UsageError
from galaxynet_galaxy_votes import GalaxyVotesOptions
from galaxynet_galaxy_votes.equivariant import FieldNorm
from galaxynet_galaxy_votes.model import GalaxyNetwork


def network(size: int = 32, **options: int) -> GalaxyNetwork:
    """A small network whose weights are all random, with the statistics of a batch."""
    torch.manual_seed(0)
    result = GalaxyNetwork((3, size, size), 5, GalaxyVotesOptions(**options))
    for module in result.modules():
        if isinstance(module, FieldNorm):
            nn.init.uniform_(module.scale, 0.5, 1.5)
            nn.init.normal_(module.shift)
            module.momentum = 1.0
    nn.init.normal_(result.head.weight)
    result(torch.randn(8, 3, size, size))
    return result


def positions(images: Tensor) -> list[Tensor]:
    """The images in all eight positions of a square."""
    mirrored = images.flip(-1)
    return [torch.rot90(kind, turns, (-2, -1)) for kind in (images, mirrored) for turns in range(4)]


@pytest.mark.parametrize(("size", "stride"), [(32, 1), (32, 2), (48, 3), (64, 4)])
def test_turned_and_mirrored_images_give_the_same(size: int, stride: int) -> None:
    """An image gives the same logits in all its eight positions, so views add nothing."""
    result = network(size, width=8, stem_stride=stride, depth=2).eval()
    images = torch.randn(2, 3, size, size)
    logits = [result(moved) for moved in positions(images)]
    assert logits[0].std() > 0.1
    for other in logits[1:]:
        torch.testing.assert_close(other, logits[0], rtol=1e-4, atol=1e-4)


def test_another_image_gives_something_else() -> None:
    """Changing places of pixels other than by turning and mirroring is seen: a transposed half, for one."""
    result = network(width=8).eval()
    images = torch.randn(2, 3, 32, 32)
    changed = images.clone()
    changed[..., :16, :16] = images[..., :16, :16].transpose(-2, -1)
    assert (result(changed) - result(images)).abs().max() > 0.1


def test_training_treats_positions_alike() -> None:
    """Trained on a batch or on the same batch turned by a quarter, the weights change in the same way."""
    gradients = []
    images = torch.randn(4, 3, 32, 32)
    for batch in (images, torch.rot90(images, 1, (-2, -1))):
        result = network(width=8).train()
        result(batch).square().sum().backward()
        gradients.append([p.grad for p in result.parameters()])
        assert all(gradient.abs().sum() > 0 for gradient in gradients[-1])
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(second, first, rtol=1e-3, atol=1e-3 * float(first.abs().max()))


def test_it_has_an_eighth_of_the_parameters() -> None:
    """As many channels as the plain network need an eighth of its weights in the convolutions."""
    counts = [
        sum(
            parameter.numel()
            for parameter in GalaxyNetwork(
                (3, 96, 96), 37, GalaxyVotesOptions(equivariant=equivariant)
            ).backbone.parameters()
        )
        for equivariant in (False, True)
    ]
    assert counts[1] == pytest.approx(counts[0] / 8, rel=0.02)


def test_a_width_that_makes_no_fields_is_refused() -> None:
    """A width that is no multiple of eight is refused, with the nearest that are not."""
    with pytest.raises(UsageError, match="no multiple of 8") as caught:
        network(width=20)
    assert "--width 16 or 24" in str(caught.value.hint)
    with pytest.raises(UsageError, match="no multiple of 8") as caught:
        network(width=4)
    assert "--width 8, or" in str(caught.value.hint)


def test_images_too_small_are_refused() -> None:
    """An image of which the last stage would see a single pixel is refused, with the smallest size."""
    with pytest.raises(UsageError, match="too small") as caught:
        network(31, width=8)
    assert "at least 32 pixels" in str(caught.value.hint)
    assert network(32, width=8).train()(torch.zeros(1, 3, 32, 32)).shape == (1, 5)
    assert network(35, width=8).eval()(torch.zeros(1, 3, 35, 40)).shape == (1, 5)


def test_layers_keep_the_channels_of_a_pixel_together() -> None:
    """A step is 1.3 times as fast so; augmented images come with their channels apart."""
    images = torch.zeros(2, 3, 32, 32)
    assert not images.is_contiguous(memory_format=torch.channels_last)
    layouts: list[bool] = []
    result = network(width=8).train()
    for block in result.backbone.stages.children():
        block.register_forward_hook(
            lambda _, __, fields: layouts.append(fields.is_contiguous(memory_format=torch.channels_last))
        )
    result(images)
    assert layouts == [True] * 4
