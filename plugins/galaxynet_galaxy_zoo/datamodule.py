"""Galaxies and their classes or votes as batches: images, labels and parts brought together."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from galaxynet.data.array_cache import ARRAYS
from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.augmentation import Affine
from galaxynet.data.batches import Normalization
from galaxynet.data.unlabelled import add_unlabelled
from galaxynet.errors import DataError
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.paths import expanded
from galaxynet.plugin import ALSO
from galaxynet_galaxy_zoo import GALAXY_ZOO, SOLUTIONS, TEST_IMAGES, TRAINING_IMAGES
from galaxynet_galaxy_zoo.archives import load_images
from galaxynet_galaxy_zoo.files import need
from galaxynet_galaxy_zoo.labels import RULES, Labels, read_labels
from galaxynet_galaxy_zoo.options import VOTES, GalaxyZooOptions
from galaxynet_galaxy_zoo.selection import select, select_votes
from galaxynet_galaxy_zoo.tables import Votes, read_ids, read_votes
from galaxynet_galaxy_zoo.tree import TREE

FRAME_RADII = 8.48
"""Side of the survey's cutouts in radii of the galaxy: 424 pixels of 0.02 Petrosian 90 % radii.

Source: Willett et al. 2013, MNRAS 435, 2835, section 2.
"""

_NAMED = 5


class GalaxyZooData(ArrayDataModule):
    """The real galaxies.

    A network is given each channel less its mean, in units of its standard deviation, both over the training
    part: a whole frame is nearly black and a crop is not, and so both come at the same scale.
    """

    name = GALAXY_ZOO.name
    options: GalaxyZooOptions
    _agreement: Mapping[int, float] = MappingProxyType({})

    def load(self) -> ArrayData:
        """Read images and labels and divide them; the first time, the images are prepared.

        Raises:
            DataError: If files are missing or damaged, or do not fit together.
        """
        options = self.options
        source = need(self.folder, TRAINING_IMAGES)
        parts: dict[str, Any] = {
            "test": options.test_ids or options.test_fraction,
            "validation": self.validation,
            "validation_from": options.validation_from,
            "seed": options.split_seed,
        }
        # Read before the images are prepared, which takes a while: a mistake in a table shows at once.
        targets = self._votes() if options.labels == VOTES else self._labels()
        also = {name: read_labels(path, fewest=2) for name, path in sorted(options.also_tables.items())}
        if isinstance(targets, Labels):
            self._agreement = targets.agreement
        view = Preprocessing(
            options.size, options.size, options.channels, crop=options.crop or 0, frame_radii=FRAME_RADII
        )
        images = load_images(source, self.folder / ARRAYS, view)
        extra: dict[str, Any] = {"class_ucd": "src.morph.type"}
        if isinstance(targets, Votes):
            origin = str(options.votes or SOLUTIONS.name)
            division = select_votes(images.ids, targets, origin, also=also, **parts)
            extra |= {"fraction_ucd": "src.morph", "vote_tree": TREE.to_dict()}
            if also:
                extra[ALSO] = {name: list(labels.classes) for name, labels in also.items()}
        else:
            division = select(images.ids, targets, **parts)
        normalization = Normalization.measured(images.rows, division.parts.train)
        data = ArrayData(
            images=images.rows,
            targets=division.targets,
            ids=images.ids,
            split=division.parts,
            classes=division.classes,
            normalization=normalization,
            preprocessing=dataclasses.replace(view, frame=images.extra["width"]),
            augmentation=Affine() if options.augment else None,
            summary={
                "images": len(images.ids),
                "images_left_out": len(images.skipped),
                **division.counts,
            },
            extra={
                "size": options.size,
                "channels": options.channels,
                "crop": options.crop,
                "width": images.extra["width"],
                "mean": list(normalization.mean),
                "std": list(normalization.std),
                **extra,
            },
            notes=(*_left_out(images.skipped), *division.notes),
        )
        if not self.with_unlabelled:
            return data
        labelled = targets.of if isinstance(targets, Labels) else _with_targets(data)
        return self._with_unlabelled(data, labelled, view)

    def _with_unlabelled(self, data: ArrayData, labelled: Collection[int], view: Preprocessing) -> ArrayData:
        """Add the galaxies without a label, of both archives, that the test ids do not name."""
        test_ids = self.options.test_ids
        known = {*labelled, *(() if test_ids is None else read_ids(test_ids))}
        rows = [row for row, galaxy in enumerate(data.ids) if galaxy not in known]
        archive = self.folder / TEST_IMAGES.name
        if not archive.is_file():
            if self.name == GALAXY_ZOO.name:
                fetch = f"galaxynet fetch {self.name} --with {TEST_IMAGES.group}"
                absent = f"the challenge's test images, which have no votes, can be had with: {fetch}"
                data = dataclasses.replace(data, notes=(*data.notes, absent))
            return add_unlabelled(data, np.array(rows, np.int64))
        more = load_images(archive, self.folder / ARRAYS, view)
        if more.extra["width"] != data.extra["width"]:
            raise DataError(
                f"The images of {archive} are {more.extra['width']} pixels wide, and those of "
                f"{TRAINING_IMAGES.name} {data.extra['width']}.",
                "Remove it, or leave out --unlabelled.",
            )
        known.update(map(int, data.ids))
        start = len(data.ids)
        rows += [start + row for row, galaxy in enumerate(more.ids) if galaxy not in known]
        data = dataclasses.replace(data, notes=(*data.notes, *_left_out(more.skipped)))
        return add_unlabelled(data, np.array(rows, np.int64), more=more.rows, more_ids=more.ids)

    @property
    def test_agreement(self) -> list[float]:
        """Share of the volunteers who gave each test galaxy the answer that its class is named after."""
        known = self._agreement
        return [known.get(int(id_), float("nan")) for id_ in self.test_ids] if known else []

    def _labels(self) -> Labels:
        rule = RULES.get(self.options.labels)
        if rule is not None:
            return rule(self._votes())
        path = expanded(Path(self.options.labels))
        if not path.exists():
            raise DataError(
                f"--labels {self.options.labels}: there is no such file.",
                f"It takes {', '.join(RULES)}, {VOTES}, or a CSV file with the columns GalaxyID and label.",
            )
        return read_labels(path)

    def _votes(self) -> Votes:
        path = self.options.votes
        if path is None:
            return read_votes(need(self.folder, SOLUTIONS))
        return read_votes(path, partial=True)


def _with_targets(data: ArrayData) -> set[int]:
    """The galaxies that have any votes, or a label beside votes."""
    known = np.flatnonzero(~np.isnan(data.targets).all(axis=1))
    return {int(data.ids[row]) for row in known.tolist()}


def _left_out(skipped: Mapping[str, str]) -> list[str]:
    lines = [f"left out {name}: {reason}" for name, reason in list(skipped.items())[:_NAMED]]
    if len(skipped) > _NAMED:
        lines.append(f"left out {len(skipped) - _NAMED:,} more images that cannot be used")
    return lines
