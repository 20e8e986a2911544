"""Divide labelled samples into parts, and report classes that cannot take part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.data.splits import Rows, Split, split
from galaxynet.errors import DataError


@dataclass(frozen=True)
class Division:
    """Labelled samples in their parts.

    Attributes:
        targets: Index of the class of every sample, -1 for those that take no part; or what else is learnt.
        classes: Names of the classes; none where something else is learnt.
        parts: Rows of the samples in each part.
        counts: For the record of a run; JSON types.
        notes: What the user should know, one line each.
    """

    targets: npt.NDArray[Any]
    classes: tuple[str, ...]
    parts: Split
    counts: dict[str, Any]
    notes: tuple[str, ...]


def divide(
    ids: Sequence[int | str],
    targets: npt.NDArray[np.int64],
    classes: tuple[str, ...],
    *,
    test: float | Rows,
    validation: float,
    seed: int,
    validation_from: Rows | None = None,
    keep_classes: bool = False,
    noun: tuple[str, str] = ("image", "images"),
) -> Division:
    """Divide labelled samples into training, validation and test part.

    If `test` is a share, classes with a single sample are left out, because they cannot be in both the
    training and the test part. If it is rows, exactly these are tested and all classes take part: a network
    is wrong about a class that it was never shown, and its accuracy has to include that.

    Args:
        ids: The id of every sample.
        targets: Index of the class of every sample; -1 for those without a label.
        classes: Names of the classes.
        test: The share of the test part, in (0, 1), or its rows.
        validation: The share of the training part that is held out, in [0, 1).
        seed: Selects the division.
        validation_from: The rows that the validation part is drawn from; None for all.
        keep_classes: Keep the classes that no sample has.
        noun: What a sample is called in messages: one, and several.

    Raises:
        DataError: If the training part has fewer than two classes, or too few rows can be validated on.
    """
    rows = np.flatnonzero(targets >= 0).astype(np.int64)
    counts: dict[str, Any] = {}
    notes: list[str] = []
    if isinstance(test, float):
        rows, alone = _without_singles(rows, targets, classes)
        counts["classes_left_out"] = alone
        if alone:
            notes.append(
                f"left out, having a single {noun[0]} where two are needed, one to learn from and one to "
                f"test: {', '.join(alone)}"
            )
    parts = split(
        rows,
        ids,
        targets,
        test=test,
        validation=validation,
        seed=seed,
        validation_from=validation_from,
    )
    notes += _check_classes(parts, targets, classes, noun)
    taking_part = np.full(len(targets), -1, dtype=np.int64)
    taking_part[rows] = targets[rows]
    if not keep_classes:
        taking_part, classes = _compact(taking_part, classes)
    sizes = np.bincount(taking_part[rows], minlength=len(classes)).tolist()
    counts["classes"] = {name: int(count) for name, count in zip(classes, sizes, strict=True)}
    return Division(taking_part, classes, parts, counts, tuple(notes))


def _without_singles(
    rows: Rows, targets: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[Rows, list[str]]:
    """The rows of classes that have at least two, and the names of the classes that have one."""
    counts = np.bincount(targets[rows], minlength=len(classes))
    return rows[counts[targets[rows]] > 1], [classes[c] for c in np.flatnonzero(counts == 1)]


def _check_classes(
    parts: Split, targets: npt.NDArray[np.int64], classes: tuple[str, ...], noun: tuple[str, str]
) -> list[str]:
    """Refuse a training part with fewer than two classes; note classes that only the test part has."""
    taught = set(targets[np.concatenate([parts.train, parts.validation])].tolist())
    if len(taught) < 2:
        content = f"{noun[1]} of one class only, {classes[taught.pop()]}" if taught else f"no {noun[1]}"
        raise DataError(
            f"There is nothing to learn: the training part has {content}.",
            f"Two classes with two labelled {noun[1]} each are the least; see --labels and --test-ids.",
        )
    untaught = [int(c) for c in np.unique(targets[parts.test]) if c not in taught]
    if not untaught:
        return []
    names = ", ".join(classes[c] for c in untaught)
    count = int(np.isin(targets[parts.test], untaught).sum())
    return [
        f"{count:,} test {noun[1]} are of a class that the training part lacks and count as wrong: {names}"
    ]


def _compact(
    targets: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Drop the classes that no sample has."""
    used = np.unique(targets[targets >= 0])
    index = np.full(len(classes) + 1, -1, dtype=np.int64)  # the last one serves -1
    index[used] = np.arange(len(used))
    return index[targets], tuple(classes[c] for c in used.tolist())
