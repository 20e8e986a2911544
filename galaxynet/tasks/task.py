"""The common base of tasks: the network, its optimiser, and losses averaged over an epoch."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import lightning
import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer

from galaxynet.catalogue.columns import Column
from galaxynet.data.module import DataModule
from galaxynet.errors import UsageError
from galaxynet.plugin import DataInfo, OptimizerOptions, Options
from galaxynet.tasks.average import EpochMean
from galaxynet.tasks.layers import select_modules
from galaxynet.tasks.optimizers import build_optimizer, build_scheduler, parameter_groups
from galaxynet.tasks.shares import BatchShares, skip_without_samples
from galaxynet.tasks.teaching import SHARE, Teacher, mean_answers
from galaxynet.tasks.updates import update_count, updating
from galaxynet.tasks.views import views_of


class Task(lightning.LightningModule):
    """Base of `Classifier` and the other tasks: an ordinary LightningModule around an `nn.Module`.

    Args:
        network: The network; its `forward` takes a batch of inputs.
        options: The model's options. `OptimizerOptions` define optimiser and schedule.
        data_info: The data that the network is built for; saved with the weights.

    Attributes:
        task: The task, by which comparisons group runs: `classification`, `reconstruction`, `language`, or
            your own name.
        metric: The metric that runs are compared by, without `train/`, `val/` or `test/`.
        higher_is_better: Whether a larger value of the metric is better.
        precisions: The supported number formats, as `--precision` names them.
        updates_per_step: The largest number of weight updates in one training step of Lightning's. More than
            one makes networks faster whose update takes a few milliseconds, and changes no result. Such a
            network has one optimiser, its schedule advances after each update, and `self.log` in its
            `training_step` needs a `batch_size`.
        averages_views: Whether the mean of the network's outputs for mirrored and rotated images is a
            better output for the image: of logits it is, of images it is not.
        views: How many views of an image the output is the mean of; in training there is always one.
        can_be_taught: Whether `answers` and `divergence` are there, so that it can teach and be taught.
        teachers: Trained networks whose answers it also learns.
        train_loss: The epoch's training loss, to which `training_step` adds.
        evaluation_loss: The same for validation and test.
        temperature: The divisor of logits when the network is applied, fitted on the validation part; None if
            none was fitted.
        frozen_parameters: Parameters that `freeze_modules` froze.
        layer_decay: Factor of the learning rate from a block of layers to the one before it; 1 for the same
            rate everywhere.
        has_layer_rates: Whether the optimiser has the learning rates that `layer_decay` asks for.
        batch_share: This process's share of the samples of the training batch; None with one process.
        batch_shares: The same for each batch of a group.
    """

    task: ClassVar[str]
    metric: ClassVar[str]
    higher_is_better: ClassVar[bool]
    precisions: ClassVar[tuple[str, ...]] = ("float32", "bf16", "fp16")
    averages_views: ClassVar[bool] = False
    can_be_taught: ClassVar[bool] = False
    teachers: tuple[Teacher, ...] = ()
    updates_per_step: int = 1
    views: int = 1
    temperature: float | None = None
    frozen_parameters: int = 0
    layer_decay: float = 1.0
    has_layer_rates: bool = False
    batch_share: Tensor | None = None
    batch_shares: Tensor | None = None

    def __init__(self, network: nn.Module, options: Options, data_info: DataInfo) -> None:
        super().__init__()
        self.network = network
        self.options = options
        self.data_info = data_info
        # Only JSON types, so that a checkpoint opens with weights_only=True and executes no code.
        self.save_hyperparameters(
            {"options": options.to_dict(), "data_info": data_info.to_dict()}, logger=False
        )
        self._groups_updates = False
        self._frozen: list[nn.Module] = []
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
                # Cached, because Lightning asks for it at every step.
                step.__signature__ = inspect.signature(step)
                setattr(cls, name, step)

    def group_updates(self, data: DataModule) -> None:
        """Group as many updates per training step as the network allows; call it before training.

        Args:
            data: The training data.
        """
        if self.updates_per_step > 1:
            self.automatic_optimization = False
            self._groups_updates = True
            data.updates_per_step = self.updates_per_step

    def freeze_modules(self, prefixes: Sequence[str]) -> None:
        """Keep modules of the network as they are: no gradients, no updates, no new batch statistics.

        Args:
            prefixes: Names of modules of `network`; see `galaxynet.tasks.layers.select_modules`.

        Raises:
            UsageError: If there is no such module, or nothing would be left to train.
        """
        self._frozen = select_modules(self.network, prefixes)
        frozen = {p for module in self._frozen for p in module.parameters() if p.requires_grad}
        for parameter in frozen:
            parameter.requires_grad_(False)
        self.frozen_parameters = sum(parameter.numel() for parameter in frozen)
        if prefixes and not any(parameter.requires_grad for parameter in self.network.parameters()):
            raise UsageError(
                f"--freeze {' '.join(prefixes)}: that is the whole network, and nothing is left to train.",
                "Leave out the last layers.",
            )
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set the training mode; frozen modules stay in evaluation mode."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        """The network's output; outside training, its mean over `views` of the inputs."""
        if self.training or self.views == 1:
            output: Tensor = self.network(inputs)
            return output
        # One after the other: together, they would need several times the memory.
        outputs = [self.network(view).float() for view in views_of(inputs, self.views)]
        return torch.stack(outputs).mean(0)

    def answers(self, logits: Tensor) -> Tensor:
        """What the network teaches another of its kind: probabilities, of shape (n, ...)."""
        raise NotImplementedError(f"{type(self).__name__} can be taught and has no answers().")

    def divergence(self, logits: Tensor, answers: Tensor) -> Tensor:
        """How far the network is from such answers: a mean over samples, zero where it gives the same."""
        raise NotImplementedError(f"{type(self).__name__} can be taught and has no divergence().")

    def taught(self, loss: Tensor, logits: Tensor, inputs: Tensor) -> Tensor:
        """The loss of a training batch, with the divergence from what the teachers answer, if there are any.

        Half of it is the loss by the known targets and half the divergence, each a mean over all samples of
        the batch. A sample without a target adds nothing to the first and as much as any other to the
        second, so it weighs half as much as one with a target, in every batch.

        Args:
            loss: The loss by the known targets, a mean over all samples of the batch.
            logits: The network's outputs.
            inputs: The batch that they are for.
        """
        if not self.teachers:
            return loss
        answers = mean_answers(self.teachers, inputs)
        return (1 - SHARE) * loss + SHARE * self.divergence(logits, answers)

    def check_views(self, views: int) -> None:
        """Ensure that the network can average over a number of views.

        Raises:
            UsageError: If it cannot.
        """
        if views == 1:
            return
        if not self.averages_views:
            raise UsageError(
                f"--views {views}: a network for {self.task} has no output to average over views.",
                "Leave it out.",
            )
        if len(self.data_info.input_shape) != 3:
            raise UsageError(f"--views {views}: {self.data_info.dataset} holds no images.", "Leave it out.")
        _, height, width = self.data_info.input_shape
        if views == 8 and height != width:
            raise UsageError(
                f"--views 8 turns images by 90 degrees, and these are not square ({width} x {height}).",
                "Use --views 4.",
            )

    def output_columns(self) -> tuple[Column, ...]:
        """The columns of the network's output, in order; empty if it cannot be applied to images.

        When this is called, `temperature` shows whether its probabilities are calibrated.
        """
        return ()

    def outputs(self, inputs: Tensor) -> Mapping[str, Tensor | Sequence[str]]:
        """The cells of `output_columns` for a batch of inputs, by column; text as Python strings.

        Args:
            inputs: Normalised samples, as in `Batch`.
        """
        raise NotImplementedError(f"{type(self).__name__} declares output columns and has no outputs().")

    def configure_callbacks(self) -> list[Callback]:
        """With several processes, the callback that weights each by its share of a batch."""
        return [BatchShares()] if self.trainer.num_devices * self.trainer.num_nodes > 1 else []

    def of_batch(self, mean: Tensor) -> Tensor:
        """This process's part of the mean over the whole training batch, from the mean over its own samples.

        The parts of all processes add up to that mean.
        """
        return mean if self.batch_share is None else mean * self.batch_share

    def configure_optimizers(self) -> OptimizerLRScheduler:
        if not isinstance(self.options, OptimizerOptions):
            raise TypeError(
                f"{type(self).__name__} has options without an optimiser: inherit from OptimizerOptions, "
                "or write configure_optimizers."
            )
        return self.optimize_with(self.options)

    def optimize_with(self, options: OptimizerOptions) -> OptimizerLRScheduler:
        """Optimiser and schedule from the given options; the schedule spans the whole training."""
        # A fused optimiser unscales the gradients too late to clip them, which Lightning refuses.
        fused = not self._clips or self.trainer.precision == "32-true"
        self.has_layer_rates = self.layer_decay != 1
        groups = parameter_groups(self.network, options.lr, self.layer_decay)
        optimizer = build_optimizer(groups, options, fused=fused)
        scheduler = build_scheduler(optimizer, options, update_count(self.trainer))
        if scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip the gradients of grouped updates, since Lightning does not."""
        # A network with its own manual optimisation clips gradients itself.
        if self._groups_updates and self._clips:
            self.configure_gradient_clipping(optimizer)

    @property
    def _clips(self) -> bool:
        inherited = lightning.LightningModule.configure_gradient_clipping
        return type(self).configure_gradient_clipping is not inherited

    def learning_rate(self) -> float:
        """The current learning rate of the first parameter group, which holds the output layer."""
        optimizers: Any = self.optimizers(use_pl_optimizer=False)
        first = optimizers[0] if isinstance(optimizers, list) else optimizers
        return float(first.param_groups[0]["lr"])

    def on_train_epoch_start(self) -> None:
        self.train_loss.reset()

    def on_train_epoch_end(self) -> None:
        self.log("train/loss", self.train_loss.compute(self.device))
        self.log("lr", self.learning_rate())

    def on_validation_epoch_end(self) -> None:
        self.log("val/loss", self.evaluation_loss.compute(self.device))

    def on_test_epoch_end(self) -> None:
        self.log("test/loss", self.evaluation_loss.compute(self.device))
