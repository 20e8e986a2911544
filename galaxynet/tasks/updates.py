"""Several weight updates in one training step, for networks with short steps.

Lightning counts each training step, looks up every hook and times it. If a step takes less than a
millisecond, that is a good part of its time. So a training step can process a group of batches and update the
weights once for each, by manual optimisation. The updates are the same as with automatic optimisation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import lightning
import torch
from torch import Tensor

from galaxynet.data.groups import Group, GroupedBatches


def updating(training_step: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a training step so that, given a group of batches, it runs for each and updates the weights.

    Given a group, the wrapped step returns the loss of each batch before its update, shape (batches,); given
    a batch, it is unchanged.

    Args:
        training_step: The `training_step` of a task. It returns the loss, a scalar, or a mapping that has
            it as `loss`.
    """

    @functools.wraps(training_step)
    def step(self: lightning.LightningModule, batch: Any, *index: int) -> Any:
        if not isinstance(batch, Group):
            return training_step(self, batch, *index)
        return _run_updates(self, training_step, batch, with_index=bool(index))

    return step


def _run_updates(task: Any, training_step: Callable[..., Any], group: Group, *, with_index: bool) -> Tensor:
    optimizer, schedule = task.optimizers(), task.lr_schedulers()
    # As in Lightning: otherwise the gradients would be in bf16 where the forward pass was in float32.
    kind = task.device.type
    autocasts = torch.is_autocast_enabled(kind)
    outside_autocast = torch.autocast(kind, enabled=False) if autocasts else nullcontext()
    losses = []
    for number, batch in enumerate(group.batches):
        if task.batch_shares is not None:
            task.batch_share = task.batch_shares[number]
        output = training_step(task, batch, *([group.first + number] if with_index else []))
        loss: Tensor = output["loss"] if isinstance(output, Mapping) else output
        optimizer.zero_grad()
        with outside_autocast:
            task.manual_backward(loss)
            optimizer.step()
        if schedule is not None:
            schedule.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def update_count(trainer: lightning.Trainer) -> int:
    """Number of weight updates in the whole training."""
    steps = int(trainer.estimated_stepping_batches)
    loader = trainer.train_dataloader
    return steps // len(loader) * loader.updates if isinstance(loader, GroupedBatches) else steps
