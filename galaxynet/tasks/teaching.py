"""Trained networks that teach another: what they answer to its training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from galaxynet.data.batches import Normalization

SHARE = 0.5
"""Weight in the loss of what teachers answer; the rest is that of the known targets."""


class AnsweringTask(Protocol):
    """What a `Task` must have to teach."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def to(self, device: torch.device) -> Self:
        """Move it."""
        ...

    def __call__(self, inputs: Tensor) -> Any:
        """Its logits."""
        ...

    def answers(self, logits: Tensor) -> Tensor:
        """What it teaches."""
        ...


@dataclass
class Teacher:
    """A trained network that teaches another, which must not become one of its modules.

    Attributes:
        task: The network, in evaluation mode. It does not learn.
        own: How its inputs are normalised; None for as the student's.
        student: How the student's inputs are normalised.
    """

    task: AnsweringTask
    own: Normalization | None = None
    student: Normalization | None = None

    def answers(self, inputs: Tensor) -> Tensor:
        """What the network answers, see `Task.answers`.

        Args:
            inputs: The student's inputs.
        """
        if self.task.device != inputs.device:
            self.task = self.task.to(inputs.device)
        with torch.no_grad():
            return self.task.answers(self.task(self._normalized(inputs)))

    def _normalized(self, inputs: Tensor) -> Tensor:
        own, student = self.own, self.student
        if own is None or student is None or own == student:
            return inputs
        mean, std, own_mean, own_std = (
            inputs.new_tensor(values).view(1, -1, 1, 1)
            for values in (student.mean, student.std, own.mean, own.std)
        )
        return (inputs * std + mean - own_mean) / own_std


def mean_answers(teachers: Sequence[Teacher], inputs: Tensor) -> Tensor:
    """The mean of what several teachers answer."""
    return torch.stack([teacher.answers(inputs) for teacher in teachers]).mean(0)
