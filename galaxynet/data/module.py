"""The base class of data modules."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch

from galaxynet.data.groups import GroupedBatches
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.plugin import DataInfo

UNLABELLED = "unlabelled"
"""The name, beside those of the parts, of the images without a label that are trained on."""


@dataclass(frozen=True)
class Baseline:
    """The score of always giving the same answer, which is taken from the training part.

    Attributes:
        label: That answer: the most frequent class, or the mean row of numbers.
        accuracy: What it scores on the test part: its share for a class, else the value of `metric`.
        samples: Samples in the test part.
        metric: The metric; it is shown beside runs that are compared by it.
        row: The mean row; empty for a class.
    """

    label: str
    accuracy: float
    samples: int
    metric: str = "accuracy"
    row: tuple[float, ...] = ()


class DataModule(lightning.LightningDataModule, abc.ABC):
    """Base class of all datasets. Also works with a plain `lightning.Trainer`.

    Args:
        options: The dataset's options.
        data_dir: The folder of all datasets; this one's files are in `data_dir/<name>/`.
        batch_size: Samples per step, over all processes together.
        validation: Share of the training part that is held out for model selection, 0 to below 1.
        seed: Determines the order and the augmentation of every epoch, not the split.

    Attributes:
        name: The dataset's name; each subclass sets it.
        folder: The folder of its files.
        updates_per_step: The largest number of batches in a group, see `Task.updates_per_step`.
        pretrained: The preprocessing of the weights that a training begins with, whose means and deviations
            are then used; None to measure them. It is set before `setup`.
        with_unlabelled: Whether training batches have images without a label, too, which `--unlabelled` asks
            for. It is set before `setup`, and only where teachers answer for them.
    """

    name: str
    updates_per_step: int = 1
    pretrained: Preprocessing | None = None
    with_unlabelled: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "train_dataloader" in cls.__dict__:
            cls.train_dataloader = _in_groups(cls.__dict__["train_dataloader"])  # type: ignore[method-assign, assignment]

    def __init__(
        self, options: Any, *, data_dir: Path, batch_size: int = 64, validation: float = 0.1, seed: int = 0
    ) -> None:
        super().__init__()
        self.options = options
        self.data_dir = data_dir
        self.folder = data_dir / self.name
        self.batch_size = batch_size
        self.validation = validation
        self.seed = seed

    @property
    @abc.abstractmethod
    def info(self) -> DataInfo:
        """What a network needs to know about the data. Like all properties below, available after `setup`."""

    @property
    @abc.abstractmethod
    def sizes(self) -> dict[str, int]:
        """Samples in `train`, `validation` and `test`.

        With images without a label, their number as `unlabelled`, which `train` does not include.
        """

    @property
    def epoch_samples(self) -> int:
        """Samples of an epoch: the training part and the images without a label."""
        sizes = self.sizes
        return sizes["train"] + sizes.get(UNLABELLED, 0)

    @property
    @abc.abstractmethod
    def summary(self) -> dict[str, Any]:
        """Counts and settings for the record of a run; JSON types."""

    @property
    @abc.abstractmethod
    def ids(self) -> Sequence[int | str]:
        """The id of every row; `Batch.indices` are rows."""

    @property
    @abc.abstractmethod
    def test_ids(self) -> Sequence[int | str]:
        """The ids of the test part."""

    @property
    def test_labels(self) -> Sequence[int | str]:
        """The label of each of `test_ids`; empty if the data have no labels.

        Runs are compared only if they were tested on the same samples with the same labels.
        """
        return ()

    @property
    def test_agreement(self) -> Sequence[float]:
        """Share of the people asked who gave each of `test_ids` its label, 0 to 1; empty where unknown."""
        return ()

    @property
    def class_counts(self) -> Sequence[int]:
        """Samples of the training part in each of `info.classes`; empty without classes, or if unknown."""
        return ()

    @property
    def baseline(self) -> Baseline | None:
        """The score of always giving the same answer; None if no such answer is known."""
        return None

    @property
    def label_baselines(self) -> Mapping[str, Baseline]:
        """The same for each table of classes that is learnt beside vote fractions; empty without any."""
        return {}

    @property
    def preprocessing(self) -> Preprocessing | None:
        """From an image file to a network input, kept with a run so that it can be applied.

        None if the samples are not made from images.
        """
        return None

    @property
    def rank(self) -> int:
        """Rank of this process in the trainer; 0 without one."""
        return self.trainer.global_rank if self.trainer else 0

    @property
    def processes(self) -> int:
        """Number of processes of the trainer; 1 without one."""
        return self.trainer.world_size if self.trainer else 1

    @property
    def device(self) -> torch.device:
        """The trainer's device; the CPU without one."""
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    def epoch(self) -> int:
        """The trainer's current epoch; 0 without one."""
        return self.trainer.current_epoch if self.trainer else 0

    @property
    def group_size(self) -> int:
        """Number of batches in a group."""
        return self.updates_per_step


def _in_groups(train_dataloader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a data module's `train_dataloader` group its batches if requested."""

    @functools.wraps(train_dataloader)
    def grouped(self: DataModule) -> Any:
        # Not grouped inside the call: a subclass may modify the loader of its base.
        most, self.updates_per_step = self.updates_per_step, 1
        try:
            loader = train_dataloader(self)
        finally:
            self.updates_per_step = most
        return GroupedBatches(loader, self.group_size) if most > 1 else loader

    return grouped
