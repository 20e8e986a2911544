"""A ready-made data module for arrays of images."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from galaxynet.data.augmentation import Affine
from galaxynet.data.batches import ArrayStore, DeviceBatches, Normalization
from galaxynet.data.module import UNLABELLED, Baseline, DataModule
from galaxynet.data.splits import Rows, Split
from galaxynet.errors import DataError
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.plugin import ALSO, DataInfo
from galaxynet.terminal import note

_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class ArrayData:
    """A dataset as arrays.

    Attributes:
        images: uint8, shape (n, height, width, channels) or (n, height, width); it may be a memory map.
        targets: Shape (n, ...); for classes int64, -1 in rows that take no part. Numbers to be predicted
            are float32 of shape (n, columns), NaN where they are unknown; the last columns are class
            indices if `extra["also"]` names tables of classes.
        ids: The id of each row.
        split: The rows of each part; other rows are not used, except `unlabelled`.
        classes: Names of the classes, or empty.
        normalization: From stored values to network inputs.
        preprocessing: From an image file to stored values; None where the samples are not made of images.
        augmentation: Of the training part, if any.
        summary: For the record of a run; JSON types.
        extra: For `DataInfo.extra`; JSON types.
        notes: What the user should know about the data, one line each.
        unlabelled: Rows without a target that are trained on with the training part, see
            `galaxynet.data.unlabelled.add_unlabelled`.
        more: Further images of the same shape, whose rows follow those of `images`; `targets` and `ids` have
            them, too.
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
    unlabelled: Rows = field(default_factory=lambda: np.empty(0, np.int64))
    more: npt.NDArray[np.uint8] | None = None

    def digest(self) -> str:
        """Sixteen hex digits that identify these samples, labels and parts; also the pixels, if in memory.

        A memory map is not read for that; its file is named by what it was made from.
        """
        hasher = hashlib.sha256("\n".join(map(str, self.ids)).encode())
        images = (self.images,) if self.more is None else (self.images, self.more)
        pixels = [array for array in images if not isinstance(array, np.memmap)]
        unlabelled = [self.unlabelled] if len(self.unlabelled) else []
        for array in (self.targets, *self.split, *unlabelled, *pixels):
            hasher.update(np.ascontiguousarray(array).data)
        return hasher.hexdigest()[:16]


class ArrayDataModule(DataModule):
    """A dataset of uint8 images with one target each, which a subclass returns from `load`."""

    def __init__(
        self, options: Any, *, data_dir: Path, batch_size: int = 64, validation: float = 0.1, seed: int = 0
    ) -> None:
        super().__init__(options, data_dir=data_dir, batch_size=batch_size, validation=validation, seed=seed)
        self._data: ArrayData | None = None
        self._store: ArrayStore | None = None

    @abc.abstractmethod
    def load(self) -> ArrayData:
        """Read the dataset; what is slow to read is prepared first.

        Raises:
            DataError: If the files are missing or cannot be used.
        """

    def prepare_data(self) -> None:
        """Prepare what is slow to read, and print the notes. Immediate the second time."""
        if self._data is None:
            self._data = self._load()
            for line in self._data.notes:
                note(line)

    def setup(self, stage: str | None = None) -> None:
        """Open the prepared data. Immediate the second time."""
        if self._data is None:
            self._data = self._load()

    def _load(self) -> ArrayData:
        data = self.load()
        if self.pretrained is None:
            return data
        mean, std = self.pretrained.mean, self.pretrained.std
        stated = {"mean": list(mean), "std": list(std)} if "mean" in data.extra else {}
        return replace(data, normalization=Normalization(mean, std), extra={**data.extra, **stated})

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
        """What a network needs to know about the data."""
        shape = self.data.images.shape
        height, width = shape[1:3]
        channels = shape[3] if len(shape) == 4 else 1
        return DataInfo(self.name, (channels, height, width), self.data.classes, self.data.extra)

    @property
    def sizes(self) -> dict[str, int]:
        """Samples in each part, and the images without a label that are trained on, if there are any."""
        sizes = {part: len(rows) for part, rows in self.data.split._asdict().items()}
        unlabelled = len(self.data.unlabelled)
        return {**sizes, UNLABELLED: unlabelled} if unlabelled else sizes

    @property
    def summary(self) -> dict[str, Any]:
        """Counts for the record of a run, and a digest: a run is resumed only on the same data."""
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
        """The class of each of `test_ids`, by name; a digest of its numbers where these are predicted."""
        data = self.data
        if data.classes:
            return [data.classes[data.targets[row]] for row in data.split.test]
        if _are_numbers(data.targets):
            return [hashlib.sha256(data.targets[row].tobytes()).hexdigest()[:16] for row in data.split.test]
        return []

    @property
    def class_counts(self) -> list[int]:
        """Samples of the training part in each class."""
        data = self.data
        if not data.classes:
            return []
        counts: list[int] = np.bincount(data.targets[data.split.train], minlength=len(data.classes)).tolist()
        return counts

    @property
    def baseline(self) -> Baseline | None:
        """The most frequent class of the training part, or the mean row of numbers, on the test part."""
        data = self.data
        if not len(data.split.test):
            return None
        if not data.classes:
            return _mean_row(data) if _are_numbers(data.targets) else None
        most = int(np.argmax(self.class_counts))
        share = float(np.mean(data.targets[data.split.test] == most))
        return Baseline(data.classes[most], share, len(data.split.test))

    @property
    def label_baselines(self) -> dict[str, Baseline]:
        """The most frequent class of the training part's labels in each table, on the test part's."""
        data, baselines = self.data, {}
        for index, (name, classes) in enumerate(self.info.also.items()):
            labels = data.targets[:, index - len(self.info.also)]
            counts = np.bincount(_known(labels[data.split.train]), minlength=len(classes))
            tested, most = _known(labels[data.split.test]), int(counts.argmax())
            if len(tested):
                baselines[name] = Baseline(classes[most], float(np.mean(tested == most)), len(tested))
        return baselines

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
            self._store = ArrayStore(self.data.images, self.data.targets, device, more=self.data.more)
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
        """Training batches, in a new order for each epoch, augmented if requested.

        They have the images without a label, too, among the others.
        """
        data = self.data
        # Mixed, so that the statistics of batch normalisation are those of all.
        rows = np.concatenate([data.split.train, data.unlabelled])
        return self.batches(rows, self.batch_size, shuffle=True, augmentation=data.augmentation)

    def val_dataloader(self) -> DeviceBatches | list[DeviceBatches]:
        """Validation batches, or an empty list if nothing is held out."""
        rows = self.data.split.validation
        return self.batches(rows, self._evaluation_batch) if len(rows) else []

    def test_dataloader(self) -> DeviceBatches:
        """Test batches, in dataset order."""
        return self.batches(self.data.split.test, self._evaluation_batch)

    @property
    def _evaluation_batch(self) -> int:
        # There is no training on it, so its size only affects the speed.
        return max(self.batch_size, _EVALUATION_BATCH)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Return a batch unchanged: it is on the device already."""
        return batch

    def __getstate__(self) -> dict[str, Any]:
        """Exclude the arrays when the module is sent to another process, where `setup` opens them."""
        return {**self.__dict__, "_data": None, "_store": None}


def _are_numbers(targets: npt.NDArray[Any]) -> bool:
    return targets.ndim == 2 and targets.dtype.kind == "f"


def _mean_row(data: ArrayData) -> Baseline | None:
    """The root mean square error of the training part's mean of each column; unknown numbers do not count."""
    targets = data.targets[:, : data.targets.shape[1] - len(data.extra.get(ALSO, {}))]
    known = ~np.isnan(targets)
    train, test = data.split.train, data.split.test
    if not known[test].any():
        return None
    filled = np.where(known, targets, 0.0).astype(np.float64)
    mean = filled[train].sum(axis=0) / np.maximum(known[train].sum(axis=0), 1)
    errors = (filled[test] - mean)[known[test]]
    error = float(np.sqrt(np.mean(errors**2)))
    samples = int(known[test].any(axis=1).sum())
    return Baseline("the mean row", error, samples, metric="rmse", row=tuple(mean.tolist()))


def _known(labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    known: npt.NDArray[np.int64] = labels[~np.isnan(labels)].astype(np.int64)
    return known
