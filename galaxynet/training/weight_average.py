"""`--ema`: an exponential moving average of the weights, which is validated, tested and kept."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

AVERAGED = "galaxynet_trained_weights"
"""The key of the weights that training continues with, in a checkpoint whose `state_dict` is the average."""


class WeightAverage(Callback):
    """Keeps a moving average of the weights and puts it in their place whenever the network is judged.

    After each update, `average = d * average + (1 - d) * weights` with `d = min(decay, (1 + n) / (10 + n))`
    after `n` updates: without that bound, the average of a short training would be mostly initial weights.
    Floating-point buffers are averaged too. The statistics of batch normalisation then belong to the averaged
    weights rather than to those of the last batches.

    From the validation of an epoch until the next one begins, the network has the averaged weights. So both
    checkpoints of the epoch hold them, and the weights to continue with are kept beside them.

    Lightning's `WeightAveraging` averages once per training step, which can be several updates, and leaves
    the weights of a checkpoint without optimiser state as they are.

    Source: B. Polyak and A. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J.
    Control Optim. 30 (1992) 838. The bound is that of TensorFlow's `ExponentialMovingAverage`.

    Args:
        decay: The largest share of the old average in the new one, between 0 and 1.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._other: list[Tensor] = []
        self._in_use = False
        self._loaded: dict[str, Any] = {}

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take the weights to continue with; those of the network are the average."""
        if trainer.training:
            if AVERAGED not in checkpoint:
                raise ValueError("it has no average of the weights")
            self._loaded = checkpoint[AVERAGED]

    def on_train_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Begin with the weights as they are, and average after each update."""
        # Not earlier: Lightning has moved the weights to their device by now.
        own = _tensors(pl_module)
        self._other = [tensor.detach().clone() for tensor in own]
        if self._loaded:
            for tensor, kept in zip(self._other, self._loaded["weights"], strict=True):
                tensor.copy_(kept)
            self.updates, self._in_use, self._loaded = int(self._loaded["updates"]), True, {}

        def average(*_: Any) -> None:
            decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
            update: Any = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
            update(self._other, _tensors(pl_module), self.updates)
            self.updates += 1

        # A step of Lightning's can be several updates. Of several optimisers, the last completes one.
        trainer.optimizers[-1].register_step_post_hook(average)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Train the weights."""
        self._use(pl_module, average=False)

    def on_validation_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Validate the average."""
        self._use(pl_module, average=True)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Keep the average where nothing is validated."""
        self._use(pl_module, average=True)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Keep what training continues with."""
        checkpoint[AVERAGED] = {"weights": self._other, "updates": self.updates}

    def _use(self, module: lightning.LightningModule, *, average: bool) -> None:
        if average == self._in_use:
            return
        with torch.no_grad():
            for own, other in zip(_tensors(module), self._other, strict=True):
                kept = own.clone()
                own.copy_(other)
                other.copy_(kept)
        self._in_use = average


def _tensors(module: lightning.LightningModule) -> list[Tensor]:
    """Weights and floating-point buffers; counters stay those of the training."""
    tensors = (*module.parameters(), *module.buffers())
    return [tensor for tensor in tensors if tensor.is_floating_point()]
