"""An average over an epoch with almost no cost per step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, distributed

from galaxynet.tasks.shares import rank_and_size


class EpochMean:
    """The mean of a quantity over all samples of an epoch, on all processes.

    Each step adds one multiplication and one addition on the device, and no transfer; calling `self.log` in
    each step takes longer than the whole step of a small network.
    """

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._samples = 0

    def add(self, mean: Tensor, samples: int) -> None:
        """Add a batch: its mean (a scalar) and its number of samples."""
        if self._sum is None:
            self._sum = torch.zeros((), device=mean.device)
        # A single operation: their number is what a step of a small network costs.
        self._sum.add_(mean.detach(), alpha=samples)
        self._samples += samples

    def running(self) -> float:
        """The mean so far on this process; NaN before the first batch. Waits for the device."""
        return math.nan if self._sum is None else float(self._sum) / self._samples

    def compute(self, device: torch.device) -> Tensor:
        """The mean over all samples of all processes; a scalar on `device`. Resets it.

        NaN if nothing was added, or anything added was NaN: an undefined loss must stay visible.
        """
        total, samples = self._reduce(device)
        mean: Tensor = total / samples
        return mean.float()

    def total(self, device: torch.device) -> Tensor:
        """The sum over all processes of every mean times its samples; a scalar on `device`. Resets it."""
        return self._reduce(device)[0].float()

    def reset(self) -> None:
        """Forget what was added."""
        self._sum, self._samples = None, 0

    def _reduce(self, device: torch.device) -> Tensor:
        """Sum and number of samples over all processes.

        A mean of the processes' means would give each process the same weight, however few samples it had.
        """
        # float32 counts exactly only up to 16.7 million; Apple GPUs have no float64, and a single process.
        exact = torch.float32 if device.type == "mps" else torch.float64
        reduced = torch.zeros(2, dtype=exact, device=device)
        if self._sum is not None:
            reduced[0], reduced[1] = self._sum, self._samples
        self.reset()
        if rank_and_size()[1] > 1:
            distributed.all_reduce(reduced)
        return reduced
