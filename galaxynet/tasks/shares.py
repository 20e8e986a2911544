"""Several processes compute what one would: each is weighted by its share of the batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightning
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor, distributed, nn

from galaxynet.data.groups import Group


def rank_and_size() -> tuple[int, int]:
    """The rank of this process and the number of processes; 0 and 1 without others."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def sample_count(batch: Any) -> int | None:
    """Samples in a batch, the length of its first tensor, or in a group of batches; None if it has none."""
    if isinstance(batch, Group):
        counts = [sample_count(part) for part in batch.batches]
        return None if None in counts else sum(count or 0 for count in counts)
    if isinstance(batch, Tensor):
        return len(batch) if batch.ndim else None
    parts = batch.values() if isinstance(batch, Mapping) else batch if isinstance(batch, tuple | list) else ()
    return next((count for count in map(sample_count, parts) if count is not None), None)


class BatchShares(Callback):
    """Weights the gradients of each process by its share of the samples of a batch.

    DDP averages the gradients of all processes equally, while each process takes the mean over its own
    samples. If their numbers of samples differ, that is not the gradient of the mean over the batch. The loss
    must be a mean over samples. `Task` adds this callback itself.

    The network's `batch_shares` are this process's shares of the batches of a group, between 0 and 1, and
    `batch_share` is that of the current batch.
    """

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Ask all processes how many samples they have."""
        counts = [sample_count(part) for part in (batch.batches if isinstance(batch, Group) else [batch])]
        # A batch that cannot be counted gets the same weight as any other, as in DDP.
        mine = torch.tensor(
            [1.0 if count is None else float(count) for count in counts], device=pl_module.device
        )
        total = mine.clone()
        distributed.all_reduce(total)
        pl_module.batch_shares = mine / total
        pl_module.batch_share = pl_module.batch_shares[0]

    def on_before_backward(
        self, trainer: Trainer, pl_module: lightning.LightningModule, loss: Tensor
    ) -> None:
        """Weight the gradients, not the loss, which is displayed and monitored unweighted."""
        share: Any = pl_module.batch_share
        weight = share * trainer.world_size
        loss.register_hook(lambda gradient: gradient * weight)  # type: ignore[no-untyped-call]


def skip_without_samples(step: Callable[..., Any], *, trains: bool) -> Callable[..., Any]:
    """Skip a training or evaluation step without samples.

    A batch may have fewer samples than there are processes. A mean over no samples is undefined, and made-up
    samples would enter metrics and batch statistics.

    Args:
        step: The `training_step`, `validation_step` or `test_step` of a task.
        trains: True for `training_step`. Without samples, its loss is zero with a zero gradient for each
            parameter, so that DDP stays in step.
    """

    @functools.wraps(step)
    def share(self: lightning.LightningModule, batch: Any, *args: Any, **kwargs: Any) -> Any:
        if sample_count(batch) != 0:
            return step(self, batch, *args, **kwargs)
        return zero_loss(self) if trains else None

    return share


def gather_columns(parts: Sequence[tuple[Tensor, ...]]) -> list[Tensor]:
    """Join what the processes kept of their batches, column by column.

    Args:
        parts: The columns of each batch of this process, on the CPU; none if it had no samples.
    """
    everything: list[Any] = [list(parts)]
    _, processes = rank_and_size()
    if processes > 1:
        everything = [None] * processes
        distributed.all_gather_object(everything, list(parts))
    kept = [part for parts in everything for part in parts]
    return [torch.cat(column) for column in zip(*kept, strict=True)]


def has_batch_statistics(network: nn.Module) -> bool:
    """True if a network is trained with batch statistics, which each process computes for its own share."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
    return any(isinstance(module, kinds) and module.training for module in network.modules())


def zero_loss(module: nn.Module) -> Tensor:
    """A loss of zero in which every parameter takes part, with a gradient of zero."""
    taking_part = [parameter.sum() * 0 for parameter in module.parameters() if parameter.requires_grad]
    return torch.stack(taking_part).sum()
