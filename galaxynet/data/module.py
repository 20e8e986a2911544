"""What every dataset's data module offers to training, and a ready-made one for arrays of images."""

from __future__ import annotations

import abc
import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import numpy.typing as npt
import torch

from galaxynet.data.augmentation import Affine
from galaxynet.data.batches import ArrayStore, DeviceBatches, Normalization
from galaxynet.data.groups import GroupedBatches
from galaxynet.data.splits import Rows, Split
from galaxynet.errors import DataError
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.plugin import DataInfo
from galaxynet.terminal import note

_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Baseline:
    """What one scores by always answering the most frequent class of the training part.

    Attributes:
        label: That class.
        accuracy: Its share of the test part, 0 to 1.
        samples: Samples in the test part.
    """

    label: str
    accuracy: float
    samples: int


class DataModule(lightning.LightningDataModule, abc.ABC):
    """Base class of all datasets. It also serves a bare `lightning.Trainer`.

    Args:
        options: The dataset's options.
        data_dir: The folder of all datasets; this one's files lie in `data_dir/<name>/`.
        batch_size: Samples of one step, over all processes together.
        validation: Share of the training part that is held out for the selection of a model, 0 to below 1.
        seed: Determines the order and the augmentation of every epoch, not the split.

    Attributes:
        name: The dataset's name; each subclass sets it.
        folder: The folder of its files.
        updates_per_step: The most batches that training is given at once, see `Task.updates_per_step`.
    """

    name: str
    updates_per_step: int = 1

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
        """What a network has to know of the data. Available after `setup`, as all that follow."""

    @property
    @abc.abstractmethod
    def sizes(self) -> dict[str, int]:
        """Samples in `train`, `validation` and `test`."""

    @property
    @abc.abstractmethod
    def summary(self) -> dict[str, Any]:
        """Counts and settings that belong into the record of a run; JSON types."""

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
        """The label of each of `test_ids`; empty where there are none.

        Runs are compared only if they were tested on the same samples with the same labels.
        """
        return ()

    @property
    def baseline(self) -> Baseline | None:
        """The most frequent class as a classifier; None where there are no classes."""
        return None

    @property
    def preprocessing(self) -> Preprocessing | None:
        """From an image file to a network input, kept with a run so that it can be applied.

        None where the samples are not made of images.
        """
        return None

    @property
    def rank(self) -> int:
        """Number of this process among those of the trainer; 0 without one."""
        return self.trainer.global_rank if self.trainer else 0

    @property
    def processes(self) -> int:
        """How many processes the trainer has; 1 without one."""
        return self.trainer.world_size if self.trainer else 1

    @property
    def device(self) -> torch.device:
        """Where the trainer computes; the CPU without one."""
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    def epoch(self) -> int:
        """The epoch that the trainer is in; 0 without one."""
        return self.trainer.current_epoch if self.trainer else 0

    @property
    def group_size(self) -> int:
        """How many batches training is given at once."""
        return self.updates_per_step


def _in_groups(train_dataloader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let a data module's `train_dataloader` give its batches in groups where that was asked for."""

    @functools.wraps(train_dataloader)
    def grouped(self: DataModule) -> Any:
        # Until here is returned, none are grouped: a subclass may take the loader of its base and change it.
        most, self.updates_per_step = self.updates_per_step, 1
        try:
            loader = train_dataloader(self)
        finally:
            self.updates_per_step = most
        return GroupedBatches(loader, self.group_size) if most > 1 else loader

    return grouped


@dataclass(frozen=True)
class ArrayData:
    """A dataset as arrays.

    Attributes:
        images: uint8, shape (n, height, width, channels) or (n, height, width); it may be a memory map.
        targets: Shape (n, ...); for classes int64, -1 in rows that take no part.
        ids: The id of each row.
        split: The rows of each part; rows in no part are not used.
        classes: Names of the classes, or empty.
        normalization: From stored values to network inputs.
        preprocessing: From an image file to stored values; None where the samples are not made of images.
        augmentation: Of the training part, if any.
        summary: For the record of a run; JSON types.
        extra: For `DataInfo.extra`; JSON types.
        notes: What a person should know about these data; a line each.
    """

    images: npt.NDArray[np.uint8]
    targets: npt.NDArray[Any]
    ids: Sequence[int | str]
    split: Split
    classes: tuple[str, ...] = ()
    normalization: Normalization = field(default_factory=Normalization)
    preprocessing: Preprocessing | None = None
    augmentation: Affine | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def digest(self) -> str:
        """Sixteen hex digits that tell these samples, labels and parts from others; pixels in memory, too.

        A memory map is not read to its end for that; its file is named by what it was made from.
        """
        found = hashlib.sha256("\n".join(map(str, self.ids)).encode())
        pixels = () if isinstance(self.images, np.memmap) else (self.images,)
        for array in (self.targets, *self.split, *pixels):
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()[:16]


class ArrayDataModule(DataModule):
    """A dataset of uint8 images with a target each: a subclass says in `load` what they are."""

    def __init__(
        self, options: Any, *, data_dir: Path, batch_size: int = 64, validation: float = 0.1, seed: int = 0
    ) -> None:
        super().__init__(options, data_dir=data_dir, batch_size=batch_size, validation=validation, seed=seed)
        self._data: ArrayData | None = None
        self._store: ArrayStore | None = None

    @abc.abstractmethod
    def load(self) -> ArrayData:
        """Read the dataset, preparing first whatever is slow to read.

        Raises:
            DataError: If the files are missing or cannot be used.
        """

    def prepare_data(self) -> None:
        """Prepare what is slow to read, and say what a person should know. Immediate the second time."""
        if self._data is None:
            self._data = self.load()
            for line in self._data.notes:
                note(line)

    def setup(self, stage: str | None = None) -> None:
        """Open the prepared data. Immediate the second time."""
        if self._data is None:
            self._data = self.load()

    @property
    def data(self) -> ArrayData:
        """The arrays.

        Raises:
            DataError: Before `setup`.
        """
        if self._data is None:
            raise DataError(f"The data of {self.name} are not open.", "Call setup() first.")
        return self._data

    @property
    def info(self) -> DataInfo:
        """What a network has to know of the data."""
        shape = self.data.images.shape
        height, width = shape[1:3]
        channels = shape[3] if len(shape) == 4 else 1
        return DataInfo(self.name, (channels, height, width), self.data.classes, self.data.extra)

    @property
    def sizes(self) -> dict[str, int]:
        """Samples in each part."""
        return {part: len(rows) for part, rows in self.data.split._asdict().items()}

    @property
    def summary(self) -> dict[str, Any]:
        """Counts for the record of a run, and a digest: a run goes on with the same data alone."""
        return {**self.data.summary, "digest": self.data.digest()}

    @property
    def ids(self) -> Sequence[int | str]:
        """The id of every row; `Batch.indices` are rows."""
        return self.data.ids

    @property
    def test_ids(self) -> list[int | str]:
        """The ids of the test part."""
        return [self.data.ids[row] for row in self.data.split.test]

    @property
    def test_labels(self) -> list[int | str]:
        """The class of each of `test_ids`, by name."""
        data = self.data
        return [data.classes[data.targets[row]] for row in data.split.test] if data.classes else []

    @property
    def baseline(self) -> Baseline | None:
        """The most frequent class of the training part and its share of the test part."""
        data = self.data
        if not data.classes or not len(data.split.test):
            return None
        counts = np.bincount(data.targets[data.split.train], minlength=len(data.classes))
        most = int(counts.argmax())
        share = float(np.mean(data.targets[data.split.test] == most))
        return Baseline(data.classes[most], share, len(data.split.test))

    @property
    def preprocessing(self) -> Preprocessing | None:
        """The dataset's preprocessing, with its normalisation."""
        data = self.data
        if data.preprocessing is None:
            return None
        normalization = data.normalization
        return replace(data.preprocessing, mean=normalization.mean, std=normalization.std)

    def batches(
        self, rows: Rows, batch_size: int, *, shuffle: bool = False, augmentation: Affine | None = None
    ) -> DeviceBatches:
        """The batches of some rows, on the trainer's device, for this process."""
        device = self.device
        if self._store is None or self._store.device != device:
            self._store = ArrayStore(self.data.images, self.data.targets, device)
        return DeviceBatches(
            self._store,
            rows,
            batch_size,
            normalization=self.data.normalization,
            augmentation=augmentation,
            shuffle=shuffle,
            seed=self.seed,
            epoch=self.epoch,
            rank=self.rank,
            processes=self.processes,
        )

    def train_dataloader(self) -> DeviceBatches:
        """Training batches in an order of their own for each epoch, augmented if that was asked for."""
        return self.batches(
            self.data.split.train, self.batch_size, shuffle=True, augmentation=self.data.augmentation
        )

    def val_dataloader(self) -> DeviceBatches | list[DeviceBatches]:
        """Validation batches, or an empty list if nothing is held out."""
        rows = self.data.split.validation
        return self.batches(rows, self._evaluation_batch) if len(rows) else []

    def test_dataloader(self) -> DeviceBatches:
        """Test batches, in the order of the dataset."""
        return self.batches(self.data.split.test, self._evaluation_batch)

    @property
    def _evaluation_batch(self) -> int:
        # Nothing is learnt from it, so its size matters only for the speed.
        return max(self.batch_size, _EVALUATION_BATCH)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Leave a batch as it is: it lies on the device already."""
        return batch

    def __getstate__(self) -> dict[str, Any]:
        """Leave the arrays behind when the module is sent to another process; `setup` opens them there."""
        return {**self.__dict__, "_data": None, "_store": None}
