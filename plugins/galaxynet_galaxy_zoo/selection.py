"""Which galaxies take part, those with an image and a label, and in which part each of them is."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxynet.data.classes import Division, divide
from galaxynet.errors import DataError
from galaxynet_galaxy_zoo.labels import Labels
from galaxynet_galaxy_zoo.tables import read_ids


def select(
    ids: Sequence[int | str],
    labels: Labels,
    *,
    test: float | Path,
    validation: float,
    seed: int,
) -> Division:
    """Join images and labels by GalaxyID and divide them.

    Args:
        ids: The GalaxyID of every image.
        labels: The class of some galaxies.
        test: The share of the test part, in (0, 1), or a CSV file with the ids of its galaxies, as far as
            they have an image and a label.
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
    tested: Any = test
    if isinstance(test, Path):
        expected = read_ids(test)
        tested = rows[np.isin(numbers[rows], expected)]
        if not len(tested):
            raise DataError(f"None of the {len(expected):,} galaxies of {test} has an image and a label.")
        counts["test_ids_missing"] = len(expected) - len(tested)
        if counts["test_ids_missing"]:
            notes.append(
                f"{counts['test_ids_missing']:,} of the {len(expected):,} galaxies of {test.name} have no "
                f"image or no label: the test part has {len(tested):,}"
            )
    division = divide(
        ids,
        targets,
        labels.classes,
        test=tested,
        validation=validation,
        seed=seed,
        keep_classes=labels.fixed,
        noun=("galaxy", "galaxies"),
    )
    return dataclasses.replace(
        division, counts={**counts, **division.counts}, notes=(*notes, *division.notes)
    )
