"""What all tasks have in common: the network, its optimiser, and losses averaged over an epoch."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import lightning
from lightning.pytorch import Callback
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer

from galaxynet.catalogue.columns import Column
from galaxynet.data.module import DataModule
from galaxynet.plugin import DataInfo, OptimizerOptions, Options
from galaxynet.tasks.average import EpochMean
from galaxynet.tasks.optimizers import build_optimizer, build_scheduler
from galaxynet.tasks.shares import BatchShares, skip_without_samples
from galaxynet.tasks.updates import update_count, updating


class Task(lightning.LightningModule):
    """Base of `Classifier` and the other tasks: an ordinary LightningModule around an `nn.Module`.

    Args:
        network: The network; its `forward` takes a batch of inputs.
        options: The model's options. An `OptimizerOptions` gives optimiser and schedule by itself.
        data_info: What the network was built for; kept with the weights.

    Attributes:
        task: What runs are grouped by in comparisons: `classification`, `reconstruction`, `language`, or a
            name of your own.
        metric: The metric that runs are compared by, without `train/`, `val/` or `test/`.
        higher_is_better: Whether a larger value of the metric is better.
        precisions: The number formats that it computes in, as `--precision` names them.
        updates_per_step: The most updates of the weights that a training step of Lightning's holds. More than
            one makes a network quick whose update takes a few milliseconds, and changes no result. Such a
            network has one optimiser, and its schedule moves after each update; `self.log` in its
            `training_step` needs a `batch_size`.
        train_loss: The epoch's training loss, to which `training_step` adds.
        evaluation_loss: The same of validation and test.
        temperature: What logits are divided by where the network is applied, fitted to the validation part;
            None where none was fitted.
        batch_share: This process's share of the samples of the training batch; None with one process.
        batch_shares: The same of each batch of a group.
    """

    task: ClassVar[str]
    metric: ClassVar[str]
    higher_is_better: ClassVar[bool]
    precisions: ClassVar[tuple[str, ...]] = ("float32", "bf16", "fp16")
    updates_per_step: int = 1
    temperature: float | None = None
    batch_share: Tensor | None = None
    batch_shares: Tensor | None = None

    def __init__(self, network: nn.Module, options: Options, data_info: DataInfo) -> None:
        super().__init__()
        self.network = network
        self.options = options
        self.data_info = data_info
        # JSON types alone, so that a checkpoint opens with weights_only=True and runs no code of anybody's.
        self.save_hyperparameters(
            {"options": options.to_dict(), "data_info": data_info.to_dict()}, logger=False
        )
        self._groups_updates = False
        self.train_loss = EpochMean()
        self.evaluation_loss = EpochMean()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("training_step", "validation_step", "test_step"):
            if name in cls.__dict__:
                trains = name == "training_step"
                step: Any = skip_without_samples(cls.__dict__[name], trains=trains)
                if trains:
                    step = updating(step)
                # Lightning asks for it at every step; kept here, it need not be worked out each time.
                step.__signature__ = inspect.signature(step)
                setattr(cls, name, step)

    def group_updates(self, data: DataModule) -> None:
        """Let a training step hold as many updates as the network allows; to be called before training.

        Args:
            data: What it is trained on.
        """
        if self.updates_per_step > 1:
            self.automatic_optimization = False
            self._groups_updates = True
            data.updates_per_step = self.updates_per_step

    def forward(self, inputs: Tensor) -> Tensor:
        """The network's output for a batch of inputs."""
        output: Tensor = self.network(inputs)
        return output

    def output_columns(self) -> tuple[Column, ...]:
        """The columns that applying the network gives, in order; empty if it cannot be applied to images.

        Whether its probabilities are calibrated, `temperature` tells when this is called.
        """
        return ()

    def outputs(self, inputs: Tensor) -> Mapping[str, Tensor | Sequence[str]]:
        """The cells of `output_columns` for a batch of inputs, by column; text as Python strings.

        Args:
            inputs: Normalised samples, as in `Batch`.
        """
        raise NotImplementedError(f"{type(self).__name__} declares output columns and has no outputs().")

    def configure_callbacks(self) -> list[Callback]:
        """With several processes, the weighting of each by its share of a batch."""
        return [BatchShares()] if self.trainer.num_devices * self.trainer.num_nodes > 1 else []

    def of_batch(self, mean: Tensor) -> Tensor:
        """A mean over this process's samples as its part of the mean over the whole training batch.

        The parts of all processes add up to that mean.
        """
        return mean if self.batch_share is None else mean * self.batch_share

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Optimiser and schedule from the options."""
        if not isinstance(self.options, OptimizerOptions):
            raise TypeError(
                f"{type(self).__name__} has options without an optimiser: inherit from OptimizerOptions, "
                "or write configure_optimizers."
            )
        return self.optimize_with(self.options)

    def optimize_with(self, options: OptimizerOptions) -> OptimizerLRScheduler:
        """Optimiser and schedule from some options, the schedule over all updates of the training."""
        clips = (
            type(self).configure_gradient_clipping
            is not lightning.LightningModule.configure_gradient_clipping
        )
        # A fused optimiser unscales gradients itself, too late to clip them; Lightning refuses that.
        fused = not clips or self.trainer.precision == "32-true"
        optimizer = build_optimizer(self.network.parameters(), options, fused=fused)
        scheduler = build_scheduler(optimizer, options, update_count(self.trainer))
        if scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip the gradients in grouped updates, where Lightning leaves it to the network."""
        # A network that optimises by hand, as it likes, also clips by hand.
        if self._groups_updates:
            self.configure_gradient_clipping(optimizer)

    def learning_rate(self) -> float:
        """The present learning rate of the first parameter group."""
        optimizers: Any = self.optimizers(use_pl_optimizer=False)
        first = optimizers[0] if isinstance(optimizers, list) else optimizers
        return float(first.param_groups[0]["lr"])

    def on_train_epoch_start(self) -> None:
        """Begin a new average."""
        self.train_loss.reset()

    def on_train_epoch_end(self) -> None:
        """Log the epoch's training loss and learning rate."""
        self.log("train/loss", self.train_loss.compute(self.device))
        self.log("lr", self.learning_rate())

    def on_validation_epoch_end(self) -> None:
        """Log the validation loss."""
        self.log("val/loss", self.evaluation_loss.compute(self.device))

    def on_test_epoch_end(self) -> None:
        """Log the test loss."""
        self.log("test/loss", self.evaluation_loss.compute(self.device))
