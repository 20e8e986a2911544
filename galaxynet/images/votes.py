"""Votes on images: a table of ids or paths with vote fractions, joined with the images that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.columns import Table
from galaxynet.catalogue.reading import read_table
from galaxynet.errors import DataError
from galaxynet.images.inputs import Inputs
from galaxynet.images.labels import key_column
from galaxynet.images.matching import InputIndex
from galaxynet.vote_tree import VoteTree, percentage_hint

Fractions = npt.NDArray[np.float64]

_ROUNDING = 1e-4
"""How far a published fraction may be outside 0 and 1, and a sum from what the tree demands."""
_SHARES = "Fractions are shares of all volunteers of a sample, not of those who were asked."


@dataclass(frozen=True)
class VotedImages:
    """What a table says of some images.

    Attributes:
        fractions: Fractions of all volunteers, shape (images, columns of the tree); NaN where unknown.
        missing: The ids or paths with votes that no image has.
        absent: Columns of the tree that the table lacks.
    """

    fractions: Fractions
    missing: tuple[str, ...]
    absent: tuple[str, ...]


def read_votes(path: Path, inputs: Inputs, tree: VoteTree, id_column: str = "") -> VotedImages:
    """Read a table of votes and join it with images.

    A cell names an image by its id or its path, as in tables of labels. Blank cells and missing columns are
    unknown fractions; a row without any is an image without votes.

    Args:
        path: The table: CSV, ECSV, FITS, VOTable or Parquet.
        inputs: The images.
        tree: The questions; the columns are named as its columns, in any case.
        id_column: The column of ids or paths; empty for the one whose cells name the most images.

    Raises:
        DataError: If the table cannot be read, has none of the columns or no votes, names none of the images
            or one of them twice, or has votes that do not fit the questions.
    """
    table = read_table(path)
    by_case = {name.casefold(): name for name in table.names}
    present = {column: by_case[key] for column in tree.columns if (key := column.casefold()) in by_case}
    if not present:
        raise DataError(
            f"{path} has none of the columns of votes, {tree.columns[0]} to {tree.columns[-1]}.",
            "A table of votes has a column for each answer, with its fraction of all volunteers.",
        )
    absent = tuple(column for column in tree.columns if column not in present)
    fractions = np.full((len(table), len(tree.columns)), np.nan)
    for index, column in enumerate(tree.columns):
        if column in present:
            fractions[:, index] = _numbers(table, present[column], path)
    index_of = InputIndex(inputs)
    column, keys = key_column(table, id_column, set(present.values()), index_of, path)
    check_votes(tree, fractions, [f"{path}, {key or f'row {row}'}" for row, key in enumerate(keys, start=1)])
    joined = np.full((len(inputs), len(tree.columns)), np.nan)
    row_of: dict[int, str] = {}
    missing: dict[str, None] = {}
    for key, values in zip(keys, fractions, strict=True):
        if not key or np.isnan(values).all():
            continue
        image = index_of.find(key, path)
        if image is None:
            missing[key] = None
        elif image in row_of:
            raise DataError(f"{path} has two rows of votes for {inputs.name(image)}.", "Remove one row.")
        else:
            row_of[image] = key
            joined[image] = values
    if not row_of:
        raise DataError(
            f"None of the {len(missing):,} rows with votes of {path} names one of the {len(inputs):,} "
            f"images: its column {column} has {_some(list(missing))}, and the images are "
            f"{_some([inputs.id(number) for number in range(min(len(inputs), 3))])}.",
            "Name the column of ids or paths with --id-column.",
        )
    return VotedImages(joined, tuple(missing), absent)


def check_votes(
    tree: VoteTree, fractions: Fractions, names: Sequence[str] = (), *, tolerance: float = _ROUNDING
) -> None:
    """Refuse fractions that cannot come from the questions; unknown ones, NaN, are not checked.

    Args:
        tree: The questions.
        fractions: Shape (n, columns).
        names: What each row is called in a message; its number if none are given.
        tolerance: How far a fraction may be outside 0 to 1, and a sum from what the tree demands.

    Raises:
        DataError: If a fraction is outside 0 to 1, or the answers of a question do not add up to the fraction
            that was asked.
    """

    def name(row: int) -> str:
        return names[row] if names else f"row {row + 1}"

    with np.errstate(invalid="ignore"):
        outside = np.argwhere((fractions < -tolerance) | (fractions > 1 + tolerance))
    if len(outside):
        row, column = outside[0].tolist()
        raise DataError(
            f"{name(row)}: {tree.columns[column]} is {fractions[row, column]:g}, not a fraction from 0 to 1.",
            percentage_hint(float(np.nanmax(fractions))),
        )
    for question, part, parent in zip(tree.questions, tree.slices, tree.parents, strict=True):
        total = fractions[:, part].sum(axis=1)
        expected = np.ones(len(fractions)) if parent is None else fractions[:, parent]
        wrong = np.flatnonzero(np.abs(total - expected) > tolerance)
        if len(wrong):
            row = int(wrong[0])
            raise DataError(
                f"{name(row)}: the answers of {question.name} add up to {total[row]:.4f}, "
                f"not to {question.asked_of or 'all'} = {expected[row]:.4f}.",
                _SHARES,
            )


def _numbers(table: Table, name: str, path: Path) -> Fractions:
    cells = table[name]
    if cells.dtype.kind in "fi":
        return cells.astype(np.float64)
    texts = [str(cell).strip() for cell in cells.tolist()]
    if not any(texts):
        return np.full(len(texts), np.nan)
    bad = next((text for text in texts if text and not _is_number(text)), texts[0])
    raise DataError(f"{path}: the column {name} has {bad[:40]!r}, which is not a number.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _some(names: Sequence[str], most: int = 2) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
