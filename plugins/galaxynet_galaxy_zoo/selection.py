"""Which galaxies take part, those with an image and a label, and in which part each of them is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.data.classes import Division, divide
from galaxynet.data.splits import Rows, split
from galaxynet.errors import DataError
from galaxynet.images.votes import check_votes
from galaxynet_galaxy_zoo.labels import Labels, plurality
from galaxynet_galaxy_zoo.tables import Votes, read_ids
from galaxynet_galaxy_zoo.tree import TREE
from galaxynet_galaxy_zoo.votes import COLUMNS

TOLERANCE = 0.01
"""How far sums of votes may be off in training: a table may be rounded to two or three decimals."""


def select(
    ids: Sequence[int | str],
    labels: Labels,
    *,
    test: float | Path,
    validation: float,
    seed: int,
    validation_from: Path | None = None,
) -> Division:
    """Join images and labels by GalaxyID and divide them.

    Args:
        ids: The GalaxyID of every image.
        labels: The class of some galaxies.
        test: The share of the test part, in (0, 1), or a CSV file with the ids of its galaxies, as far as
            they have an image and a label.
        validation: The share of the training part that is held out, in [0, 1).
        seed: Selects the division.
        validation_from: A CSV file with the ids of the galaxies that the validation part is drawn from.

    Raises:
        DataError: If no label has an image, no test galaxy has both, the training part has fewer than two
            classes, or too few galaxies can be validated on.
    """
    numbers = np.array(ids, dtype=np.int64)
    targets = np.array([labels.of.get(int(number), -1) for number in numbers], dtype=np.int64)
    rows = np.flatnonzero(targets >= 0).astype(np.int64)
    if not len(rows):
        raise _without_images(len(labels.of), labels.origin, len(ids))
    counts: dict[str, Any] = {
        "labelled": len(rows),
        "without_label": len(ids) - len(rows),
        "without_image": len(labels.of) - len(rows),
    }
    notes = [
        f"{len(rows):,} galaxies have image and label ({counts['without_label']:,} images have no label, "
        f"{counts['without_image']:,} labels no image)"
    ]
    tested = _tested(test, rows, numbers, "label", counts, notes)
    division = divide(
        ids,
        targets,
        labels.classes,
        test=tested,
        validation=validation,
        seed=seed,
        validation_from=_validated(validation_from, rows, numbers, "label", validation, counts, notes),
        keep_classes=labels.fixed,
        noun=("galaxy", "galaxies"),
    )
    return dataclasses.replace(
        division, counts={**counts, **division.counts}, notes=(*notes, *division.notes)
    )


def select_votes(
    ids: Sequence[int | str],
    votes: Votes,
    origin: str,
    *,
    test: float | Path,
    validation: float,
    seed: int,
    validation_from: Path | None = None,
    also: Mapping[str, Labels] = MappingProxyType({}),
) -> Division:
    """Join images and votes by GalaxyID and divide them; strata are the plurality answers.

    Galaxies without votes take part if a table of `also` has a label for them. Their strata are the classes
    of the first such table.

    Args:
        ids: The GalaxyID of every image.
        votes: The votes of some galaxies.
        origin: Where the votes come from, for messages.
        test: As in `select`.
        validation: The share of the training part that is held out, in [0, 1).
        seed: Selects the division.
        validation_from: As in `select`.
        also: Classes that are learnt beside the votes, by the name of their table. The targets have a column
            for each, with the index of the class, after those of the votes.

    Raises:
        DataError: If the votes do not add up as the questions demand, no row of votes or of a table has an
            image, no test galaxy has both, the training part is empty, a part has no votes, or too few
            galaxies can be validated on.
    """
    names = [f"Galaxy {galaxy}" for galaxy in votes.ids]
    check_votes(TREE, votes.fractions, names, tolerance=TOLERANCE)
    given = np.flatnonzero((~np.isnan(votes.fractions)).any(axis=1))
    row_of = {votes.ids[row]: row for row in given.tolist()}
    numbers = np.array(ids, dtype=np.int64)
    places = np.array([row_of.get(int(number), -1) for number in numbers], dtype=np.int64)
    rows = np.flatnonzero(places >= 0).astype(np.int64)
    if not len(rows):
        raise _without_images(len(row_of), origin, len(ids))
    targets = np.full((len(ids), len(COLUMNS) + len(also)), np.nan, dtype=np.float32)
    targets[rows, : len(COLUMNS)] = votes.fractions[places[rows]]
    unknown = np.isnan(targets[rows, : len(COLUMNS)])
    counts: dict[str, Any] = {
        "with_votes": len(rows),
        "without_votes": len(ids) - len(rows),
        "without_image": len(row_of) - len(rows),
        "unknown_fractions": int(unknown.sum()),
    }
    notes = [
        f"{len(rows):,} galaxies have image and votes ({counts['without_votes']:,} images have no votes, "
        f"{counts['without_image']:,} rows of votes no image)"
    ]
    if unknown.any():
        notes.append(
            f"{int(unknown.any(axis=1).sum()):,} of them lack answers: {counts['unknown_fractions']:,} of "
            f"{unknown.size:,} vote fractions are unknown and left out of loss and metrics"
        )
    of = plurality(votes).of
    strata = np.array([of.get(int(number), -1) for number in numbers], dtype=np.int64)
    taking_part = places >= 0
    for index, (name, table) in enumerate(also.items()):
        labels = np.array([table.of.get(int(number), -1) for number in numbers], dtype=np.int64)
        known = labels >= 0
        if not known.any():
            raise _without_images(len(table.of), table.origin, len(ids))
        targets[known, len(COLUMNS) + index] = labels[known]
        new = known & ~taking_part
        # Strata of their own, so that each part has its share of the galaxies without votes.
        strata[new] = labels[new] + strata.max() + 1
        taking_part |= known
        sizes = np.bincount(labels[known], minlength=len(table.classes)).tolist()
        counts[f"also_{name}"] = dict(zip(table.classes, sizes, strict=True))
        notes.append(
            f"{int(known.sum()):,} galaxies have image and {name} label, "
            f"{int((known & (places < 0)).sum()):,} of them no votes"
        )
    if also:
        rows = np.flatnonzero(taking_part).astype(np.int64)
    what = "votes or label" if also else "votes"
    tested = _tested(test, rows, numbers, what, counts, notes)
    parts = split(
        rows,
        ids,
        strata,
        test=tested,
        validation=validation,
        seed=seed,
        validation_from=_validated(validation_from, rows, numbers, what, validation, counts, notes),
    )
    if not len(parts.train):
        raise DataError("There is nothing to learn: the training part is empty.", "See --test-ids.")
    for part, members in parts._asdict().items():
        if len(members) and not (places[members] >= 0).any():
            raise DataError(
                f"None of the {len(members):,} galaxies of the {part} part has votes.",
                "Choose other parts with --test-ids, --test-fraction and --validation.",
            )
    return Division(targets, (), parts, counts, tuple(notes))


def _without_images(galaxies: int, origin: str, images: int) -> DataError:
    return DataError(
        f"None of the {galaxies:,} galaxies of {origin} has an image; there are {images:,} images.",
        "GalaxyID has to be the name of the image: 100008 for 100008.jpg.",
    )


def _tested(
    test: float | Path,
    rows: Rows,
    numbers: npt.NDArray[np.int64],
    what: str,
    counts: dict[str, Any],
    notes: list[str],
) -> float | Rows:
    """The share of the test part, or its rows; adds to counts and notes which of a file are missing."""
    if not isinstance(test, Path):
        return test
    expected = read_ids(test)
    tested: Rows = rows[np.isin(numbers[rows], expected)]
    article = "a " if what == "label" else ""
    if not len(tested):
        raise DataError(f"None of the {len(expected):,} galaxies of {test} has an image and {article}{what}.")
    counts["test_ids_missing"] = len(expected) - len(tested)
    if counts["test_ids_missing"]:
        notes.append(
            f"{counts['test_ids_missing']:,} of the {len(expected):,} galaxies of {test.name} have no "
            f"image or no {what}: the test part has {len(tested):,}"
        )
    return tested


def _validated(
    path: Path | None,
    rows: Rows,
    numbers: npt.NDArray[np.int64],
    what: str,
    validation: float,
    counts: dict[str, Any],
    notes: list[str],
) -> Rows | None:
    """The rows that the validation part is drawn from; adds to counts and notes how many they are."""
    if path is None:
        return None
    if not validation:
        raise DataError(
            "--validation-from says what to draw a validation part from, and --validation 0 asks for none.",
            "Leave one of them out.",
        )
    expected = read_ids(path)
    candidates: Rows = rows[np.isin(numbers[rows], expected)]
    if not len(candidates):
        article = "a " if what == "label" else ""
        raise DataError(f"None of the {len(expected):,} galaxies of {path} has an image and {article}{what}.")
    counts["validation_ids"] = len(candidates)
    notes.append(
        f"the validation part is drawn from {path.name}: {len(candidates):,} of its {len(expected):,} "
        f"galaxies have image and {what}; those of the test part are left out"
    )
    return candidates
