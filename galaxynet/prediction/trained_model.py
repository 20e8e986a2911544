"""A trained network, to be applied in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from galaxynet.catalogue.columns import Table
from galaxynet.evaluation.prior import PriorSource
from galaxynet.prediction.in_memory import Image, predict_images
from galaxynet.prediction.network import Accelerator, Precision
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.runs import Run
from galaxynet.tasks import Task
from galaxynet.tasks.views import Views


@dataclass(frozen=True)
class TrainedModel:
    """A trained network.

    Attributes:
        run: The run that trained it.
        task: The network with its loss and metrics, a LightningModule in evaluation mode.
    """

    run: Run
    task: Task

    def predict(
        self,
        images: Sequence[Image] | str | Path,
        *,
        accelerator: Accelerator = "auto",
        precision: Precision = "float32",
        batch_size: int = 256,
        gallery: str | Path | None = None,
        sets: float | None = None,
        views: Views | None = None,
        intervals: bool = False,
        prior: PriorSource | None = None,
    ) -> Table:
        """Apply the network to images.

        Args:
            images: Paths and arrays (uint8, shape (height, width) or (height, width, 3) in the order RGB), or
                a folder, zip archive, list or table as `galaxynet predict` takes it.
            accelerator: What to compute on.
            precision: Number format of the forward pass.
            batch_size: Images at once.
            gallery: A page of pictures to write (`.html`), as `galaxynet predict --gallery` does; one that
                exists is replaced.
            sets: Add a column `set` with classes that hold the true one with this probability, between 0 and
                1; None for no such column.
            views: Mirrored and rotated views of an image to average over; None for as many as the run was
                tested with, the only number for which its probabilities are calibrated.
            intervals: Add columns with the ends of 90 % intervals of vote fractions.
            prior: Shift a classifier's probabilities from the shares of the classes in the training to these:
                `uniform`, a table as `galaxynet predict --prior` takes it, or the share of each class.

        Returns:
            A row for each image, in order. One that cannot be used has NaN in all numbers, an empty label
            and the cause in `reason`.

        Raises:
            RunError: If the network does not read images.
            UsageError: If the run keeps nothing to make such sets or intervals from, or to shift the
                probabilities by.
        """
        network = applied_network(
            self.run,
            accelerator=accelerator,
            precision=precision,
            batch_size=batch_size,
            sets=sets,
            views=views,
            intervals=intervals,
            prior=prior,
        )
        return predict_images(self.run, network, images, gallery=None if gallery is None else Path(gallery))

    @property
    def network(self) -> nn.Module:
        """The network itself, in evaluation mode; it maps a batch of inputs to outputs."""
        return self.task.network
