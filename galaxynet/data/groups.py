"""Groups of batches, so that one training step can run several updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import torch
from lightning.fabric.utilities import move_data_to_device


class Group:
    """Consecutive batches, one for each update of a training step.

    It is neither a tuple nor a list, so Lightning treats it as one batch and does not look inside.

    Args:
        batches: The batches, in order; at least one.
        first: The index in the epoch of the first of them.
    """

    def __init__(self, batches: list[Any], first: int) -> None:
        self.batches = batches
        self.first = first

    def to(self, device: torch.device, **kwargs: Any) -> Group:
        """The group with its batches on a device; Lightning calls this."""
        return Group([move_data_to_device(batch, device) for batch in self.batches], self.first)


class GroupedBatches:
    """A loader that yields the batches of another one in groups, in the same order.

    Args:
        loader: The loader; it has a length.
        size: Batches in a group; the last group of an epoch may have fewer.
    """

    def __init__(self, loader: Any, size: int) -> None:
        self.loader = loader
        self.size = size

    @property
    def updates(self) -> int:
        """Batches in an epoch."""
        return len(self.loader)

    def __len__(self) -> int:
        """Groups in an epoch."""
        return -(-self.updates // self.size)

    def __iter__(self) -> Iterator[Group]:
        """The groups of the current epoch."""
        batches: Iterable[Any] = iter(self.loader)
        first = 0
        while group := list(islice(batches, self.size)):
            yield Group(group, first)
            first += len(group)
