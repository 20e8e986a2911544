"""Reconstruction: autoencoders, which reproduce their input from a code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from galaxynet.catalogue.columns import Column
from galaxynet.data.batches import Batch
from galaxynet.plugin import DataInfo, Options
from galaxynet.tasks.average import EpochMean
from galaxynet.tasks.shares import gather_columns
from galaxynet.tasks.task import Task

KEPT = 64
"""Test samples whose reconstruction is kept for figures: the first ones of the test part."""

_WHITE = 255.0


class Reconstructions(NamedTuple):
    """Test samples and their reconstructions.

    Attributes:
        indices: Rows of the samples in the dataset, int64 of shape (n,).
        targets: The targets that came with them (classes, where the dataset has them), shape (n, ...).
        originals: The samples in units of the stored pixels, 0 to 255, float32, shape (n, *input_shape).
        decodings: Their reconstructions, in the same units and shape; unbounded.
    """

    indices: Tensor
    targets: Tensor
    originals: Tensor
    decodings: Tensor


class Reconstructor(Task):
    """A network that maps a batch of samples to a batch of the same shape.

    The loss is the mean squared error in the units of the network's input. The metric `mse` is the same in
    units of the stored pixels (0 to 255), so that all runs on a dataset can be compared. `train/epoch_sum` is
    what tutorials print as "loss": the mean squared error of each batch, added up over the batches of an
    epoch; it grows with the number of batches. It is in pixel units too.

    Args:
        network: Maps inputs of shape (n, *input_shape) to outputs of the same shape.
        options: The model's options.
        data_info: Shape of a sample.
        scale: The input value of the brightest pixel; datasets use 1.
    """

    task = "reconstruction"
    metric = "mse"
    higher_is_better = False

    def __init__(self, network: nn.Module, options: Options, data_info: DataInfo, scale: float = 1.0) -> None:
        super().__init__(network, options, data_info)
        self.scale = scale
        self.batch_losses = EpochMean()
        self._kept: list[Reconstructions] = []

    @property
    def to_pixels(self) -> float:
        """Factor from the network's units to those of the stored pixels."""
        return _WHITE / self.scale

    def scaled(self, inputs: Tensor) -> Tensor:
        """The samples in the network's units."""
        return inputs if self.scale == 1 else inputs * self.scale

    def loss(self, outputs: Tensor, originals: Tensor) -> Tensor:
        """Mean squared error over samples and pixels, in the network's units. A scalar."""
        return functional.mse_loss(outputs.float(), originals)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        originals = self.scaled(batch.inputs)
        loss = self.loss(self(originals), originals)
        self.train_loss.add(loss, len(originals))
        self.batch_losses.add(self.of_batch(loss), 1)
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        originals = self.scaled(batch.inputs)
        self.evaluation_loss.add(self.loss(self(originals), originals), len(originals))

    def test_step(self, batch: Batch, index: int) -> None:
        """Count the loss of one batch of the test part, and keep the first reconstructions."""
        originals = self.scaled(batch.inputs)
        outputs = self(originals)
        self.evaluation_loss.add(self.loss(outputs, originals), len(originals))
        missing = KEPT - sum(len(kept.indices) for kept in self._kept)
        if missing > 0:
            factor = self.to_pixels
            parts = (batch.indices, batch.targets, factor * originals, factor * outputs.float())
            self._kept.append(Reconstructions(*(part[:missing].cpu() for part in parts)))

    def output_columns(self) -> tuple[Column, ...]:
        """The mean squared error of each reconstruction."""
        description = "mean squared error of the reconstruction, in squares of pixel values of 0 to 255"
        return (Column("mse", "float32", "", "stat.fit.residual", description),)

    def outputs(self, inputs: Tensor) -> Mapping[str, Tensor | Sequence[str]]:
        """The mean squared error of each reconstruction, in pixel units."""
        originals = self.scaled(inputs)
        error = functional.mse_loss(self(originals).float(), originals, reduction="none")
        return {"mse": self.to_pixels**2 * error.flatten(1).mean(1)}

    def predict_step(self, batch: Batch, index: int) -> Tensor:
        """The reconstructions of one batch, in the network's units."""
        outputs: Tensor = self(self.scaled(batch.inputs))
        return outputs

    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()
        self.batch_losses.reset()

    def on_train_epoch_end(self) -> None:
        loss = self.train_loss.compute(self.device)
        factor = self.to_pixels**2
        self.log("train/loss", loss)
        self.log("train/mse", factor * loss)
        self.log("train/epoch_sum", factor * self.batch_losses.total(self.device))
        self.log("lr", self.learning_rate())

    def on_validation_epoch_end(self) -> None:
        self._log_evaluation("val")

    def on_test_epoch_start(self) -> None:
        """Discard the reconstructions of an earlier test."""
        self._kept = []

    def on_test_epoch_end(self) -> None:
        self._log_evaluation("test")

    def reconstructions(self) -> Reconstructions:
        """The first reconstructions of the last test, ordered by row.

        They are the same samples for any number of processes.
        """
        joined = Reconstructions(*gather_columns(self._kept))
        order = joined.indices.argsort()[:KEPT]
        return Reconstructions(*(column[order] for column in joined))

    def _log_evaluation(self, part: str) -> None:
        loss = self.evaluation_loss.compute(self.device)
        self.log(f"{part}/loss", loss)
        self.log(f"{part}/mse", self.to_pixels**2 * loss)
