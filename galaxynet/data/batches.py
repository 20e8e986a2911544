"""Batches from one array on the device: no workers, no Python code per sample.

A batch is an index into a uint8 array; it is normalised and augmented as a batch, where the array is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from galaxynet.data.augmentation import Affine
from galaxynet.data.splits import Rows, hash_position

DEVICE_SHARE = 0.5
"""An array that takes more than this part of the device's free memory stays in the host's memory."""

_MEASURED = 2048


class Batch(NamedTuple):
    """The samples of one step.

    Attributes:
        inputs: Normalised samples, float32, shape (samples, channels, height, width) for images.
        targets: The targets, of shape (samples,) for classes.
        indices: The rows of the samples in the dataset, int64, shape (samples,).
    """

    inputs: Tensor
    targets: Tensor
    indices: Tensor


@dataclass(frozen=True)
class Normalization:
    """Maps pixel values to network inputs: `(value - mean) / std`, channel by channel.

    Attributes:
        mean: Subtracted, in units of the stored values (0 to 255).
        std: Divided by, in the same units.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (255.0,)

    @classmethod
    def measured(cls, images: npt.NDArray[np.uint8], rows: Rows) -> Normalization:
        """The mean and standard deviation of each channel, from up to 2,048 evenly spaced images.

        Args:
            images: uint8, shape (n, height, width, channels).
            rows: The images to measure; at least one.
        """
        pixels = images[rows[:: max(1, len(rows) // _MEASURED)]].reshape(-1, images.shape[3])
        # Sums of integers are exact, so the result is the same on every machine.
        total = pixels.sum(axis=0, dtype=np.int64)
        squares = np.square(pixels, dtype=np.uint16).sum(axis=0, dtype=np.int64)
        mean = total / len(pixels)
        std = np.sqrt(np.maximum(squares / len(pixels) - mean**2, 1.0))
        return cls(tuple(mean.tolist()), tuple(std.tolist()))

    def on(self, device: torch.device) -> Callable[[Tensor], Tensor]:
        """A function that normalises images of shape (samples, channels, height, width) to float32."""
        # Created once, not for every batch: a copy to a GPU makes the host wait.
        mean = torch.tensor(self.mean, device=device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=device).view(1, -1, 1, 1)
        if not any(self.mean):
            return lambda images: images.float().div_(std)
        return lambda images: images.float().sub_(mean).div_(std)


class ArrayStore:
    """Samples and targets of a dataset, on the device if they fit and else in the host's memory.

    Args:
        images: uint8, shape (n, height, width, channels), or (n, height, width) for one channel; it may be
            a memory map.
        targets: Of any type, first axis n.
        device: The device of the batches.
        more: Further images, whose rows follow those of `images`; their targets are in `targets`.
    """

    def __init__(
        self,
        images: npt.NDArray[np.uint8],
        targets: npt.NDArray[np.generic],
        device: torch.device,
        more: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        self.device = device
        arrays = [images] if more is None else [images, more]
        size = sum(array.nbytes for array in arrays)
        self.resident = device.type == "cpu" or size <= DEVICE_SHARE * _free_memory(device)
        # On the CPU the memory map itself is the array: it is read once, and processes share its pages.
        tensors = [torch.from_numpy(array if array.ndim == 4 else array[..., None]) for array in arrays]
        self.images, *self.more = [t.to(device) for t in tensors] if self.resident else tensors
        self.targets = torch.from_numpy(targets).to(device)

    def gather(self, rows: Tensor) -> Tensor:
        """The images of some rows as they are stored, on the device, shape (k, channels, height, width)."""
        if self.resident:
            gathered = self._select(rows)
        else:
            gathered = self._select(rows.cpu())
            if self.device.type == "cuda":
                # From pinned memory, the copy overlaps with the computation of the previous batch.
                gathered = gathered.pin_memory()
            gathered = gathered.to(self.device, non_blocking=True)
        return gathered.permute(0, 3, 1, 2)  # channels last in memory, which is fast for convolutions

    def _select(self, rows: Tensor) -> Tensor:
        """A copy of whole images; indexing with [] goes pixel by pixel."""
        if not self.more:
            return self.images.index_select(0, rows)
        further = rows >= len(self.images)
        selected = self.images.new_empty(len(rows), *self.images.shape[1:])
        selected[~further] = self.images.index_select(0, rows[~further])
        selected[further] = self.more[0].index_select(0, rows[further] - len(self.images))
        return selected


def _free_memory(device: torch.device) -> float:
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    return float("inf")  # devices that share the host's memory


class DeviceBatches:
    """The batches of one part of a dataset, for one process.

    Iterating gives the batches of one epoch. Their order and augmentation depend on the seed and the number
    of the epoch and on nothing else: a resumed training sees what an uninterrupted one would have seen, and
    several processes together see what a single one would, batch by batch. Process `k` of `n` has the
    samples `k`, `k + n`, ... of each batch. A batch with fewer than two samples for each process is shared
    by the first of them, and the others have an empty one.

    The batches of an epoch differ by at most one sample. A rest of a few samples at the end would be a step
    like any other and, with batch normalisation, harm all of the network.

    Args:
        store: The arrays.
        rows: The rows of this part.
        batch_size: Most samples in a batch of all processes together.
        normalization: Applied to every batch.
        augmentation: Applied to every batch, if given.
        shuffle: Draw a new order for each epoch.
        seed: Determines order and augmentation, with the epoch.
        epoch: Returns the number of the epoch; called when an iteration begins.
        rank: Number of this process.
        processes: How many processes share the batches.
    """

    def __init__(
        self,
        store: ArrayStore,
        rows: Rows,
        batch_size: int,
        *,
        normalization: Normalization,
        augmentation: Affine | None = None,
        shuffle: bool = False,
        seed: int = 0,
        epoch: Callable[[], int] = lambda: 0,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.store = store
        self.rows = torch.from_numpy(rows)
        count = -(-len(rows) // batch_size)
        bounds = [number * len(rows) // count for number in range(count)] + [len(rows)]
        self.bounds = list(itertools.pairwise(bounds))
        self.normalization = normalization
        self.augmentation = augmentation
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = epoch
        self.rank = rank
        self.processes = processes

    def __len__(self) -> int:
        """Batches in an epoch; the same for every process."""
        return len(self.bounds)

    def __iter__(self) -> Iterator[Batch]:
        """The batches of the current epoch."""
        device = self.store.device
        # The generator has 32 bits of state to seed; hashing spreads neighbouring seeds and epochs over them.
        generator = torch.Generator().manual_seed(hash_position(str(self.seed), self.epoch()) & 0xFFFFFFFF)
        rows = self.rows
        if self.shuffle:
            rows = rows[torch.randperm(len(rows), generator=generator)]
        rows = rows.to(device)
        parameters = None
        if self.augmentation is not None:
            # Drawn for the whole epoch at once: one copy to the device, and no matter how it is divided.
            parameters = self.augmentation.parameters(len(rows), generator).to(device)
        normalize = self.normalization.on(device)
        for start, end in self.bounds:
            mine = self._share(start, end)
            indices = rows[mine]
            inputs = normalize(self.store.gather(indices))
            if self.augmentation is not None and parameters is not None and len(indices):
                inputs = self.augmentation(inputs, parameters[mine])
            yield Batch(inputs, self.store.targets[indices], indices)

    def _share(self, start: int, end: int) -> slice:
        """This process's samples of the batch from `start` to `end`."""
        # At least two each: batch normalisation cannot do with one value per channel.
        sharing = min(self.processes, max(1, (end - start) // 2))
        return slice(start + self.rank, end, sharing) if self.rank < sharing else slice(0)
