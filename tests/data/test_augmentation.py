"""Rotations, flips, shifts and zooms of a batch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import affine_grid

from galaxynet.data.augmentation import Affine, sampling_grid

STILL = {"rotation": 0.0, "flip": False, "shift": 0.0, "zoom": 0.0}


def blob(side: int, width: float, x: float = 0.0, y: float = 0.0) -> Tensor:
    """A round Gaussian, its centre in pixels from the middle of the image; shape (1, 1, side, side)."""
    at = torch.arange(side) - (side - 1) / 2
    return torch.exp(-((at[None, :] - x) ** 2 + (at[:, None] - y) ** 2) / (2 * width**2))[None, None]


def drawn(augmentation: Affine, samples: int, seed: int = 0) -> Tensor:
    return augmentation.parameters(samples, torch.Generator().manual_seed(seed))


def test_rotation_by_any_angle_keeps_a_round_blob_in_the_centre() -> None:
    """Rotation turns about the middle of the image and changes nothing that is round."""
    turn = Affine(shift=0, zoom=0)
    image = blob(60, 8)
    turned = turn(image.expand(64, -1, -1, -1), drawn(turn, 64))
    at = torch.arange(60) - 29.5
    inside = at[None, :] ** 2 + at[:, None] ** 2 < 29**2  # the circle that never leaves the frame
    assert ((turned - image).abs() * inside).max() < 0.02


def test_flips_and_quarter_turns_are_exact() -> None:
    """A mirrored image is the image mirrored, pixel by pixel."""
    image = torch.rand(1, 3, 60, 60)
    mirror = torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]])
    quarter = torch.tensor([[[0.0, -1, 0], [1, 0, 0]]])
    assert torch.allclose(Affine()(image, mirror), image.flip(3), atol=1e-5)
    assert torch.allclose(Affine()(image, quarter), image.rot90(1, (2, 3)), atol=1e-4)


def test_half_of_the_samples_are_mirrored() -> None:
    """The determinant of a transformation tells a mirror image; about half of them are one."""
    negative = (torch.linalg.det(drawn(Affine(), 4000)[:, :, :2]) < 0).float().mean()
    assert abs(float(negative) - 0.5) < 0.03


def test_angles_are_spread_over_the_whole_circle() -> None:
    """No direction is preferred: each twelfth of the circle gets about a twelfth of the angles."""
    matrices = drawn(Affine(flip=False), 12_000)
    angles = torch.atan2(matrices[:, 1, 0], matrices[:, 0, 0])
    counts = torch.histc(angles, bins=12, min=-math.pi, max=math.pi)
    assert counts.min() > 850
    assert counts.max() < 1150


def test_shift_and_zoom_stay_within_what_was_asked() -> None:
    """A galaxy stays in the frame: the shift and the scale have the bounds of the options."""
    matrices = drawn(Affine(shift=0.05, zoom=0.2), 5000)
    assert 0.095 < float(matrices[:, :, 2].abs().max()) <= 0.1  # 5 % of a side that is 2 long
    scale = torch.linalg.det(matrices[:, :, :2]).abs().sqrt()
    assert 1 / 1.2 - 1e-5 <= float(scale.min()) < 0.84
    assert 1.19 < float(scale.max()) <= 1.2 + 1e-5


def test_a_shift_moves_by_pixels() -> None:
    """The transformation's offsets are shares of the image's side, along the axes they claim."""
    matrix = torch.tensor([[[1.0, 0, 2 * 6 / 60], [0, 1, -2 * 3 / 60]]])
    moved = Affine()(blob(60, 3), matrix)
    assert torch.allclose(moved, blob(60, 3, x=-6, y=3), atol=1e-3)


def test_brightness_is_kept() -> None:
    """Over many draws, the mean of a galaxy on a dark sky stays the same to a few per cent."""
    image = blob(60, 6).expand(256, -1, -1, -1)
    augment = Affine(zoom=0.0)
    changed = augment(image, drawn(augment, 256))
    assert float(changed.mean() / image.mean()) == pytest.approx(1, abs=0.02)


def test_no_black_corners_appear() -> None:
    """What a rotation uncovers is filled with the sky beside it."""
    augment = Affine()
    sky = torch.full((32, 1, 60, 60), 0.7)
    assert torch.allclose(augment(sky, drawn(augment, 32)), sky, atol=1e-5)


def test_the_grid_is_that_of_torch() -> None:
    """The quick grid equals `affine_grid`, for frames that are not square too."""
    matrices = drawn(Affine(), 5)
    theirs = affine_grid(matrices, [5, 1, 20, 31], align_corners=False)
    assert torch.allclose(sampling_grid(matrices, 20, 31), theirs, atol=1e-6)


def test_nothing_asked_is_nothing_done() -> None:
    """With all its bounds at zero the augmentation returns the image."""
    still = Affine(**STILL)  # type: ignore[arg-type]
    image = torch.rand(4, 1, 28, 28)
    assert torch.allclose(still(image, drawn(still, 4)), image, atol=1e-5)


def test_draws_follow_the_generator_alone() -> None:
    """The same generator state gives the same transformations, another one others."""
    assert torch.equal(drawn(Affine(), 8, 1), drawn(Affine(), 8, 1))
    assert not torch.equal(drawn(Affine(), 8, 1), drawn(Affine(), 8, 2))
