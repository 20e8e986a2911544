"""Datasets of four idx files (images and labels, for training and for the test), as MNIST introduced them."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from galaxynet import paths
from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.idx import read_idx
from galaxynet.data.splits import split
from galaxynet.errors import DataError
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.paths import absence

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

Part = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
"""Images and labels."""


class IdxOptions(Protocol):
    """The options that such a dataset must have."""

    @property
    def folder(self) -> Path | None:
        """A folder of the user's own idx files; None for the published ones."""


class IdxImages(ArrayDataModule):
    """Gray images in idx files, with the published division into training and test part.

    A network is given pixels from 0 to 1. The validation part is drawn from the training part, stratified by
    class and the same for every seed. A test sample's id is its number in the test file, `test-00042`; in a
    folder of your own the id also carries a checksum of the test part, so that runs on different images are
    not taken for comparable ones.

    Attributes:
        names: The class names of the labels 0, 1, ...; a subclass sets it. If the user's folder has more
            classes than that, they are named by their numbers.
    """

    names: ClassVar[tuple[str, ...]]
    options: IdxOptions

    def load(self) -> ArrayData:
        """Read the four files.

        Raises:
            DataError: If one is missing or damaged, or they do not fit together.
        """
        folder = self.options.folder
        source = self.folder if folder is None else paths.expanded(folder)
        hint = f"Fetch it with: galaxynet fetch {self.name}"
        if folder is not None:
            hint = f"It needs {TRAIN_IMAGES}, {TRAIN_LABELS}, {TEST_IMAGES} and {TEST_LABELS}, .gz or not."
        (train_images, train_labels), (test_images, test_labels) = read_parts(source, hint)
        targets = np.concatenate([train_labels, test_labels]).astype(np.int64)
        classes = self.names
        if int(targets.max()) >= len(classes):
            classes = tuple(map(str, range(int(targets.max()) + 1)))
        mark = "" if folder is None else f"{zlib.crc32(test_labels.data, zlib.crc32(test_images.data)):08x}-"
        ids = [f"train-{number:05d}" for number in range(len(train_images))]
        ids += [f"test-{mark}{number:05d}" for number in range(len(test_images))]
        rows = np.arange(len(targets), dtype=np.int64)
        return ArrayData(
            images=np.concatenate([train_images, test_images]),
            targets=targets,
            ids=ids,
            split=split(
                rows, ids, targets, test=rows[len(train_images) :], validation=self.validation, seed=0
            ),
            classes=classes,
            preprocessing=Preprocessing(*train_images.shape[1:]),
            summary={"training_images": len(train_images), "test_images": len(test_images)},
        )


def read_part(folder: Path, images: str, labels: str, hint: str) -> Part:
    """Images of shape (n, height, width) and labels of shape (n,) of one part.

    Args:
        folder: The folder of the files: `NAME.gz`, `NAME`, or with a dot before `idx`, as in some copies.
        images: Name of the images' file, without `.gz`.
        labels: The same for the labels.
        hint: The way out if a file is missing.

    Raises:
        DataError: If a file is missing, damaged or empty, or there is not one label for each image.
    """
    pictures = read_idx(_find(folder, images, hint), axes=3)
    classes = read_idx(_find(folder, labels, hint), axes=1)
    if len(pictures) != len(classes):
        raise DataError(
            f"{folder} has {len(pictures):,} images in {images} and {len(classes):,} labels in {labels}.",
            "They must belong together.",
        )
    if not pictures.size:
        raise DataError(f"{folder / images} has no images in it.")
    return pictures, classes


def read_parts(folder: Path, hint: str) -> tuple[Part, Part]:
    """The training part and the test part.

    Raises:
        DataError: As `read_part`, and if their images differ in size.
    """
    train = read_part(folder, TRAIN_IMAGES, TRAIN_LABELS, hint)
    test = read_part(folder, TEST_IMAGES, TEST_LABELS, hint)
    if train[0].shape[1:] != test[0].shape[1:]:
        raise DataError(
            f"In {folder} the training images have {_size(train[0])} pixels, "
            f"the test images {_size(test[0])}."
        )
    return train, test


def describe(folder: Path) -> list[str]:
    """Describe the fetched files: the `check` of a `DatasetSpec`.

    Args:
        folder: The dataset's folder.

    Raises:
        DataError: As `read_parts`.
    """
    hint = f"Fetch it with: galaxynet fetch {folder.name}"
    (train, _), (test, _) = read_parts(folder, hint)
    return [f"{len(train):,} training images and {len(test):,} test images of {_size(train)} pixels"]


def _find(folder: Path, name: str, hint: str) -> Path:
    dotted = re.sub("-(?=idx)", ".", name)
    for candidate in (f"{name}.gz", name, f"{dotted}.gz", dotted):
        if (folder / candidate).is_file():
            return folder / candidate
    path = folder / f"{name}.gz"
    raise DataError(f"The file {path} {absence(path)}.", hint)


def _size(images: npt.NDArray[np.uint8]) -> str:
    return f"{images.shape[2]} x {images.shape[1]}"
