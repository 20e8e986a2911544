"""Your images and their classes as batches: images, labels and parts brought together."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxynet.catalogue.reading import read_table, table_reader
from galaxynet.data.array_cache import ARRAYS
from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.augmentation import Affine
from galaxynet.data.batches import Normalization
from galaxynet.data.classes import divide
from galaxynet.data.splits import Rows
from galaxynet.data.unlabelled import add_unlabelled
from galaxynet.errors import UsageError
from galaxynet.images.fits import FitsOptions
from galaxynet.images.input_search import TableColumns, find_inputs
from galaxynet.images.inputs import Inputs
from galaxynet.images.labels import LabelColumns, images_named, read_labels, read_names
from galaxynet.images.matching import distinct_ids
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.phrases import count
from galaxynet_images import SPEC
from galaxynet_images.arrays import load_images
from galaxynet_images.options import ImagesOptions

_NAMED = 5
_WORDS = {
    "BLANK_PIXELS": "with blank pixels, which are taken as sky",
    "NOT_SQUARE": "not square: the central part is used",
    "GRAY": "gray, where colour is asked for",
    "ENLARGED": "smaller than --size: enlarged",
}
"""What is said of images with a bit of `galaxynet.images.flags.Flag`."""


class ImagesData(ArrayDataModule):
    """Images of any kind with labels.

    A network is given each channel less its mean, in units of its standard deviation, both over the training
    part.
    """

    name = SPEC.name
    options: ImagesOptions

    def load(self) -> ArrayData:
        """Read images and labels and divide them; the first time, the images are prepared.

        Raises:
            UsageError: If images or labels are not named.
            DataError: If they are missing or damaged, or do not fit together.
        """
        options = self.options
        if options.images is None or options.labels is None:
            raise UsageError(
                "The dataset images needs images and a table of their labels.",
                "Name them with: --images FOLDER --labels TABLE",
            )
        inputs = _inputs(options)
        columns = LabelColumns(options.label_column or "", options.id_column or "")
        labels = read_labels(options.labels, inputs, columns)
        labelled = inputs.take(labels.rows)
        ids = distinct_ids(labelled)
        view = _view(options, self.pretrained)
        origin = f"{options.images} {options.labels}"
        images = load_images(labelled, ids, self.folder / ARRAYS, view, origin)
        number = {name: index for index, name in enumerate(labels.classes)}
        class_of = {
            identifier: number[labels.labels[row]] for identifier, row in zip(ids, labels.rows, strict=True)
        }
        targets = np.array([class_of[str(identifier)] for identifier in images.ids], np.int64)
        counts: dict[str, Any] = {
            "images": len(images.ids),
            "images_left_out": len(images.skipped),
            "labelled": len(labels.rows),
            "without_label": len(inputs) - len(labels.rows),
            "without_image": len(labels.missing),
            "pixels": images.extra["pixels"],
        }
        notes = [
            *inputs.notes,
            f"{count(len(labels.rows), 'image')} labelled, by the column {labels.column} of "
            f"{options.labels.name}; {count(len(inputs) - len(labels.rows), 'image')} without a label, "
            f"{count(len(labels.missing), 'label')} without an image",
            *_left_out(images.skipped),
            *_flagged(images.extra["flags"]),
        ]
        test: float | Rows = options.test_fraction
        if options.test_ids is not None:
            test, note = _test_rows(options.test_ids, labelled, ids, images.ids, counts)
            notes += note
        division = divide(
            images.ids,
            targets,
            labels.classes,
            test=test,
            validation=self.validation,
            seed=options.split_seed,
        )
        normalization = Normalization.measured(images.rows, division.parts.train)
        data = ArrayData(
            images=images.rows,
            targets=division.targets,
            ids=images.ids,
            split=division.parts,
            classes=division.classes,
            normalization=normalization,
            preprocessing=dataclasses.replace(view, frame=images.extra["frame"]),
            augmentation=Affine() if options.augment else None,
            summary={**counts, **division.counts},
            notes=(*notes, *division.notes),
        )
        if not self.with_unlabelled:
            return data
        return self._with_unlabelled(data, inputs, set(labels.rows))

    def _with_unlabelled(self, data: ArrayData, inputs: Inputs, labelled: Collection[int]) -> ArrayData:
        """Add the images that neither the labels nor the test ids name."""
        options = self.options
        tested = set() if options.test_ids is None else images_named(options.test_ids, inputs)
        rows = [row for row in range(len(inputs)) if row not in labelled and row not in tested]
        if not rows:
            return data
        others = inputs.take(rows)
        assert data.preprocessing is not None
        # Cut as the labelled images, whose array is the one of trainings without these.
        more = load_images(
            others,
            distinct_ids(others),
            self.folder / ARRAYS,
            data.preprocessing,
            f"{options.images} {options.labels} without a label",
        )
        counts = {"unlabelled_left_out": len(more.skipped), "unlabelled_pixels": more.extra["pixels"]}
        data = dataclasses.replace(
            data, summary={**data.summary, **counts}, notes=(*data.notes, *_left_out(more.skipped))
        )
        start = len(data.images)
        return add_unlabelled(
            data, np.arange(start, start + len(more.ids)), more=more.rows, more_ids=more.ids
        )


def _inputs(options: ImagesOptions) -> Inputs:
    path, id_column = options.images, options.id_column or ""
    assert path is not None
    is_table = table_reader(path) is not None and path.is_file()
    if id_column and not (is_table and id_column in read_table(path).names):
        id_column = ""  # it is of the table of labels
    return find_inputs([str(path)], TableColumns(path=options.path_column or "", id=id_column))


def _view(options: ImagesOptions, pretrained: Preprocessing | None) -> Preprocessing:
    stretch = "" if options.stretch == "auto" else options.stretch
    fits = FitsOptions.parse(options.hdu or "", options.bands or "", stretch)
    crop = options.crop or 0
    # The crop of pretrained weights is a share of the frames that they were trained on.
    frame = pretrained.frame if pretrained is not None and pretrained.crop == crop else 0
    return Preprocessing(options.size, options.size, options.channels, frame, crop, fits=fits)


def _test_rows(
    path: Path,
    labelled: Inputs,
    ids: Sequence[str],
    usable: Sequence[int | str],
    counts: dict[str, Any],
) -> tuple[Rows, list[str]]:
    """The rows of the test images that a table names, and what to say of the others."""
    named, other = read_names(path, labelled)
    row_of = {identifier: row for row, identifier in enumerate(usable)}
    rows = [row_of[ids[index]] for index in named if ids[index] in row_of]
    missing = len(named) + other - len(rows)
    counts["test_ids_missing"] = missing
    note = (
        f"{missing:,} of the {len(named) + other:,} images of {path.name} have no usable image or no label: "
        f"the test part has {len(rows):,}"
    )
    return np.array(rows, np.int64), [note] if missing else []


def _left_out(skipped: Mapping[str, str]) -> list[str]:
    lines = [f"left out {name}: {reason}" for name, reason in list(skipped.items())[:_NAMED]]
    if len(skipped) > _NAMED:
        lines.append(f"left out {len(skipped) - _NAMED:,} more images that cannot be used")
    return lines


def _flagged(flags: Mapping[str, int]) -> list[str]:
    return [f"{count(number, 'image')} {_WORDS[name]}" for name, number in flags.items() if name in _WORDS]
