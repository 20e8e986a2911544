"""Batches from an array on the device."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from galaxynet.data.augmentation import Affine
from galaxynet.data.batches import ArrayStore, DeviceBatches, Normalization

IMAGES = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
TARGETS = np.arange(50, dtype=np.int64) % 5
ROWS = np.arange(3, 47, dtype=np.int64)


def batches(
    rank: int = 0, processes: int = 1, epoch: int = 0, seed: int = 0, **settings: object
) -> DeviceBatches:
    store = ArrayStore(IMAGES, TARGETS, torch.device("cpu"))
    given_settings = {"normalization": Normalization(), "shuffle": True, **settings}
    return DeviceBatches(
        store, ROWS, 8, seed=seed, epoch=lambda: epoch, rank=rank, processes=processes, **given_settings
    )  # type: ignore[arg-type]


def order(loader: DeviceBatches) -> list[int]:
    return [index for batch in loader for index in batch.indices.tolist()]


def test_an_epoch_shows_every_sample_once() -> None:
    """No sample is left out or shown twice."""
    loader = batches()
    assert sorted(order(loader)) == ROWS.tolist()
    assert len(loader) == len(list(loader)) == 6


def test_inputs_targets_and_indices_belong_together() -> None:
    """Each image comes with its own target, channels first, normalised channel by channel."""
    loader = batches(normalization=Normalization((10.0, 20.0, 30.0), (2.0, 4.0, 5.0)))
    for batch in loader:
        for image, target, row in zip(*batch, strict=True):
            expected = (IMAGES[row].transpose(2, 0, 1) - [[[10]], [[20]], [[30]]]) / [[[2]], [[4]], [[5]]]
            assert np.allclose(image.numpy(), expected, atol=1e-5)
            assert target == TARGETS[row]


def test_color_batches_are_channels_last_in_memory() -> None:
    """Convolutions get colour images in the layout they are fastest in, without a copy."""
    batch = next(iter(batches()))
    assert batch.inputs.shape[1:] == (3, 8, 8)
    assert batch.inputs.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.promise("Measurements")
def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    """The order of samples follows from seed and epoch alone, in a resumed process too."""
    uninterrupted = [order(batches(epoch=epoch)) for epoch in range(5)]
    assert order(batches(epoch=3)) == uninterrupted[3]
    assert len({tuple(epoch) for epoch in uninterrupted}) == 5
    assert order(batches(epoch=3, seed=1)) != uninterrupted[3]


@pytest.mark.promise("Measurements")
def test_the_augmentation_follows_from_seed_and_epoch_alone() -> None:
    """A resumed training repeats the pixels of an uninterrupted one, and no epoch repeats another."""
    again = [torch.cat([batch.inputs for batch in batches(epoch=4, augmentation=Affine())]) for _ in range(2)]
    other = torch.cat([batch.inputs for batch in batches(epoch=5, augmentation=Affine(), shuffle=False)])
    plain = torch.cat([batch.inputs for batch in batches(epoch=5, shuffle=False)])
    assert torch.equal(*again)
    assert not torch.allclose(other, plain, atol=0.1)


@pytest.mark.promise("Measurements")
def test_the_state_of_the_global_generator_does_not_matter() -> None:
    """Other users of the random number generator do not change the batches."""
    torch.manual_seed(1)
    first = order(batches(augmentation=Affine()))
    state = torch.get_rng_state()
    torch.manual_seed(2)
    assert order(batches(augmentation=Affine())) == first
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)


@given(st.integers(0, 60), st.integers(1, 30), st.integers(1, 9))
def test_processes_share_every_batch(samples: int, batch_size: int, processes: int) -> None:
    """The batches are the same for any number of processes, of even sizes, and leave no sample out."""

    def shares(processes: int) -> list[list[list[int]]]:
        store = ArrayStore(IMAGES, TARGETS, torch.device("cpu"))
        loaders = [
            DeviceBatches(
                store,
                np.arange(samples, dtype=np.int64) % len(IMAGES),
                batch_size,
                normalization=Normalization(),
                rank=rank,
                processes=processes,
            )
            for rank in range(processes)
        ]
        return [[batch.indices.tolist() for batch in loader] for loader in loaders]

    (alone,) = shares(1)
    together = zip(*shares(processes), strict=True)
    assert len(alone) == -(-samples // batch_size)
    sizes = [len(batch) for batch in alone] or [0]
    assert max(sizes) <= min(sizes) + 1
    assert max(sizes) <= batch_size
    joined = [[row for share in batch for row in share] for batch in together]
    assert [sorted(batch) for batch in joined] == [sorted(batch) for batch in alone]


@pytest.mark.parametrize("processes", [2, 3, 5])
def test_processes_together_see_what_one_alone_sees(processes: int) -> None:
    """Two processes take the same steps as one, on the same pixels: only the work is divided."""
    shares = [list(batches(rank, processes, augmentation=Affine())) for rank in range(processes)]
    assert len({len(share) for share in shares}) == 1
    alone = {
        int(row): image
        for batch in batches(augmentation=Affine())
        for image, row in zip(batch.inputs, batch.indices, strict=True)
    }
    seen = [
        (int(row), image)
        for share in shares
        for batch in share
        for image, row in zip(batch.inputs, batch.indices, strict=True)
    ]
    assert sorted(row for row, _ in seen) == ROWS.tolist()
    # A batch of another size is summed in another order, so the last bits may differ.
    assert all(torch.allclose(alone[row], image, atol=1e-5) for row, image in seen)


def test_an_array_too_large_for_the_device_gives_the_same_batches() -> None:
    """Where the array does not fit, batches are gathered from the host's memory and are the same."""
    store = ArrayStore(IMAGES, TARGETS, torch.device("cpu"))
    resident = store.gather(torch.tensor([3, 1, 4]))
    store.resident = False
    assert torch.equal(store.gather(torch.tensor([3, 1, 4])), resident)


def test_gray_images_may_come_without_an_axis_for_channels() -> None:
    """Arrays of shape (n, height, width), as MNIST's, give batches with one channel."""
    store = ArrayStore(IMAGES[..., 0].copy(), TARGETS, torch.device("cpu"))
    assert store.gather(torch.tensor([5])).shape == (1, 1, 8, 8)
