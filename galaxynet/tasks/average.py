"""An average over an epoch that costs next to nothing per step."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchmetrics import MeanMetric


class EpochMean:
    """The mean of a quantity over all samples of an epoch.

    A step adds one multiplication and one addition on the device and transfers nothing; `self.log` per
    step costs more than the whole step of a small network. torchmetrics reduces it over the processes.
    """

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._samples = 0

    def add(self, mean: Tensor, samples: int) -> None:
        """Count a batch by its mean (a scalar) and its number of samples."""
        if self._sum is None:
            self._sum = torch.zeros((), device=mean.device)
        # One operation: what a step of a small network costs is the number of operations.
        self._sum.add_(mean.detach(), alpha=samples)
        self._samples += samples

    def running(self) -> float:
        """The mean so far on this process; NaN before the first batch. Waits for the device."""
        return math.nan if self._sum is None else float(self._sum) / self._samples

    def compute(self, device: torch.device) -> Tensor:
        """The mean over all processes; a scalar on `device`. Starts anew afterwards."""
        # Without NaN handling by torchmetrics: an undefined loss has to stay visible.
        mean = MeanMetric(nan_strategy="disable").to(device)
        if self._sum is not None:
            mean.update(self._sum / self._samples, self._samples)
        self.reset()
        value: Tensor = mean.compute()
        return value

    def reset(self) -> None:
        """Forget what was added."""
        self._sum, self._samples = None, 0
