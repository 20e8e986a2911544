"""Which galaxies take part, those with an image and a label, and in which part each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.data.splits import Rows, Split, split
from galaxynet.errors import DataError
from galaxynet_galaxy_zoo.labels import Labels
from galaxynet_galaxy_zoo.tables import read_ids


@dataclass(frozen=True)
class Selection:
    """The galaxies that take part.

    Attributes:
        targets: Index of the class of every image; -1 for those that take no part.
        classes: Names of the classes.
        parts: Rows of the images in each part.
        counts: For the record of a run; JSON types.
        notes: What a person should know; a line each.
    """

    targets: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    parts: Split
    counts: dict[str, Any]
    notes: tuple[str, ...]


def select(
    ids: Sequence[int | str],
    labels: Labels,
    *,
    test: float | Path,
    validation: float,
    seed: int,
) -> Selection:
    """Join images and labels by GalaxyID and divide them.

    With a share as `test`, a class of a single galaxy takes no part, because it cannot be in both the
    training and the test part. With a file, exactly the galaxies that it names are tested, as far as they
    have an image and a label, and all classes take part: a network is wrong about a class that it was never
    shown, and that belongs into its figure.

    Args:
        ids: The GalaxyID of every image.
        labels: The class of some galaxies.
        test: The share of the test part, in (0, 1), or a CSV file with the ids of its galaxies.
        validation: The share of the training part that is held out, in [0, 1).
        seed: Selects the division.

    Raises:
        DataError: If no label has an image, no test galaxy has both, or the training part has fewer than two
            classes.
    """
    numbers = np.array(ids, dtype=np.int64)
    targets = np.array([labels.of.get(int(number), -1) for number in numbers], dtype=np.int64)
    rows = np.flatnonzero(targets >= 0).astype(np.int64)
    if not len(rows):
        raise DataError(
            f"None of the {len(labels.of):,} galaxies of {labels.origin} has an image; "
            f"there are {len(ids):,} images.",
            "GalaxyID has to be the name of the image: 100008 for 100008.jpg.",
        )
    counts: dict[str, Any] = {
        "labelled": len(rows),
        "without_label": len(ids) - len(rows),
        "without_image": len(labels.of) - len(rows),
    }
    notes = [
        f"{len(rows):,} galaxies have image and label ({counts['without_label']:,} images have no label, "
        f"{counts['without_image']:,} labels no image)"
    ]
    if isinstance(test, Path):
        wanted = read_ids(test)
        tested = rows[np.isin(numbers[rows], wanted)]
        if not len(tested):
            raise DataError(f"None of the {len(wanted):,} galaxies of {test} has an image and a label.")
        counts["test_ids_missing"] = len(wanted) - len(tested)
        if counts["test_ids_missing"]:
            notes.append(
                f"{counts['test_ids_missing']:,} of the {len(wanted):,} galaxies of {test.name} have no "
                f"image or no label: the test part has {len(tested):,}"
            )
        parts = split(rows, ids, targets, test=tested, validation=validation, seed=seed)
    else:
        rows, alone = _without_singles(rows, targets, labels.classes)
        counts["classes_left_out"] = alone
        if alone:
            notes.append(
                f"left out, having a single galaxy where two are needed, one to learn from and one to test: "
                f"{', '.join(alone)}"
            )
        parts = split(rows, ids, targets, test=test, validation=validation, seed=seed)
    notes += _check_classes(parts, targets, labels)
    taking_part = np.full(len(targets), -1, dtype=np.int64)
    taking_part[rows] = targets[rows]
    taking_part, classes = _compact(taking_part, labels)
    counts["classes"] = {
        name: int(count)
        for name, count in zip(
            classes, np.bincount(taking_part[rows], minlength=len(classes)).tolist(), strict=True
        )
    }
    return Selection(taking_part, classes, parts, counts, tuple(notes))


def _without_singles(
    rows: Rows, targets: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[Rows, list[str]]:
    """The rows of classes that have at least two, and the names of the classes that have one."""
    counts = np.bincount(targets[rows], minlength=len(classes))
    return rows[counts[targets[rows]] > 1], [classes[c] for c in np.flatnonzero(counts == 1)]


def _check_classes(parts: Split, targets: npt.NDArray[np.int64], labels: Labels) -> list[str]:
    """Refuse a training part that teaches nothing; tell of classes that are tested and not taught."""
    taught = set(targets[np.concatenate([parts.train, parts.validation])].tolist())
    if len(taught) < 2:
        found = f"galaxies of one class only, {labels.classes[taught.pop()]}" if taught else "no galaxies"
        raise DataError(
            f"There is nothing to learn: the training part has {found}.",
            "Two classes with two labelled galaxies each are the least; see --labels and --test-ids.",
        )
    untaught = [int(c) for c in np.unique(targets[parts.test]) if c not in taught]
    if not untaught:
        return []
    names = ", ".join(labels.classes[c] for c in untaught)
    count = int(np.isin(targets[parts.test], untaught).sum())
    return [
        f"{count:,} test galaxies are of a class that the training part lacks and count as wrong: {names}"
    ]


def _compact(targets: npt.NDArray[np.int64], labels: Labels) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Drop the classes that no galaxy has, unless they belong to a rule."""
    if labels.fixed:
        return targets, labels.classes
    used = np.unique(targets[targets >= 0])
    place = np.full(len(labels.classes) + 1, -1, dtype=np.int64)  # the last one serves -1
    place[used] = np.arange(len(used))
    return place[targets], tuple(labels.classes[c] for c in used.tolist())
