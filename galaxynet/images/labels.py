"""Labels of images: a table of ids or paths with labels, joined with the images that it names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt

from galaxynet.catalogue.columns import Table, clean_text
from galaxynet.catalogue.reading import read_table
from galaxynet.errors import DataError
from galaxynet.images.input_search import ID_COLUMN, PATH_COLUMNS
from galaxynet.images.inputs import Inputs
from galaxynet.images.matching import InputIndex

LABEL_COLUMNS = ("label", "labels", "class")
"""Columns that are taken for labels, in this order, in any case."""

_LARGEST_EXACT = 2**53
"""From here on, a float64 does not hold every whole number."""
_NAMED = 8


@dataclass(frozen=True)
class LabelColumns:
    """Which columns of a table of labels mean something.

    Attributes:
        label: The column of labels; empty for the first of `LABEL_COLUMNS` that there is.
        id: The column of ids or paths; empty for the one whose cells name the most images.
    """

    label: str = ""
    id: str = ""


DEFAULT = LabelColumns()
"""The usual names."""


@dataclass(frozen=True)
class Labels:
    """What a table says of some images.

    Attributes:
        labels: The label of each image; empty for those without one.
        missing: The labelled ids or paths of the table that no image has, as they are written there.
        column: The column of ids or paths.
    """

    labels: tuple[str, ...]
    missing: tuple[str, ...]
    column: str

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """Numbers of the images with a label, ascending."""
        return tuple(index for index, label in enumerate(self.labels) if label)

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels that occur, in alphabetical order."""
        return tuple(sorted({label for label in self.labels if label}))


def read_labels(path: Path, inputs: Inputs, columns: LabelColumns = DEFAULT) -> Labels:
    """Read a table of labels and join it with images.

    A cell names an image by its id, or by its path: the folders may differ and the suffix may be another or
    missing, as long as one image fits best. A row with an empty label is an image without one.

    Args:
        path: The table: CSV, ECSV, FITS, VOTable or Parquet.
        inputs: The images.
        columns: Which of its columns mean something.

    Raises:
        DataError: If the table cannot be read, lacks a column, names none of the images, names several by
            one cell, or gives one image two labels.
    """
    table = read_table(path)
    if not len(table):
        raise DataError(f"{path} has no rows.")
    label_column = _label_column(table, columns.label, path)
    labels = _label_texts(table[label_column], path, label_column)
    if not any(labels):
        raise DataError(
            f"The column {label_column} of {path} has no labels.", "Name another with --label-column."
        )
    index = InputIndex(inputs)
    column, keys = key_column(table, columns.id, {label_column}, index, path)
    labelled: list[str] = [""] * len(inputs)
    missing: dict[str, None] = {}
    for key, label in zip(keys, labels, strict=True):
        if not key or not label:
            continue
        row = index.find(key, path)
        if row is None:
            missing[key] = None
        elif labelled[row] and labelled[row] != label:
            raise DataError(
                f"{path} labels {inputs.name(row)} both {labelled[row]!r} and {label!r}.", "Remove one row."
            )
        else:
            labelled[row] = label
    if not any(labelled):
        raise DataError(
            f"None of the {len(missing):,} labelled rows of {path} names one of the {len(inputs):,} images: "
            f"its column {column} has {_some(list(missing), 2)}, and the images are {_first_ids(inputs)}.",
            "Name the column of ids or paths with --id-column.",
        )
    return Labels(tuple(labelled), tuple(missing), column)


def read_names(path: Path, inputs: Inputs) -> tuple[list[int], int]:
    """The images that a table names, by ids or paths in any of its columns.

    Returns:
        Their numbers, ascending, and how many other names the table has.

    Raises:
        DataError: If the table cannot be read, names none of the images, or names several by one cell.
    """
    table = read_table(path)
    index = InputIndex(inputs)
    column, keys = key_column(table, "", set(), index, path)
    rows = {key: index.find(key, path) for key in keys if key}
    rows_named = sorted({row for row in rows.values() if row is not None})
    if not rows_named:
        raise DataError(
            f"{path} names none of the {len(inputs):,} labelled images: its column {column} has "
            f"{_some(list(rows), 2)}, and the images are {_first_ids(inputs)}.",
            "It needs a column of ids or paths.",
        )
    return rows_named, sum(row is None for row in rows.values())


def images_named(path: Path, inputs: Inputs) -> set[int]:
    """All images that a cell of a table's column of ids or paths may mean, several for one cell if need be.

    Raises:
        DataError: If the table cannot be read, or has no such column.
    """
    table = read_table(path)
    index = InputIndex(inputs)
    _, keys = key_column(table, "", set(), index, path)
    return {row for key in set(keys) if key for row in index.candidates(key)}


def find_column(table: Table, names: Sequence[str]) -> str | None:
    """The first column of one of these names, in any case; None if there is none."""
    by_case = {column.casefold(): column for column in table.names}
    return next((by_case[name.casefold()] for name in names if name.casefold() in by_case), None)


def _label_column(table: Table, name: str, path: Path) -> str:
    column = find_column(table, (name,) if name else LABEL_COLUMNS)
    if column is None:
        raise DataError(
            f"{path} has no column {name or LABEL_COLUMNS[0]}: it has {_some(table.names)}.",
            "Name the column of labels with --label-column.",
        )
    return column


def _label_texts(cells: npt.NDArray[Any], path: Path, column: str) -> list[str]:
    if cells.dtype.kind == "f" and any(cell == cell and not cell.is_integer() for cell in cells.tolist()):
        raise DataError(
            f"The column {column} of {path} holds decimal numbers, which are not labels.",
            "Labels are texts or whole numbers; name their column with --label-column.",
        )
    return cell_texts(cells)


def key_column(
    table: Table, name: str, others: Collection[str], index: InputIndex, path: Path
) -> tuple[str, list[str]]:
    """The column of ids or paths, and its cells.

    Args:
        table: The table.
        name: The column; empty for the one whose cells name the most images.
        others: Columns that mean something else.
        index: The images.
        path: The table's file, for messages.

    Raises:
        DataError: If there is no such column, or its cells have lost digits.
    """
    if name:
        by_case = {column.casefold(): column for column in table.names}
        column = name if name in table.names else by_case.get(name.casefold(), "")
        if not column:
            raise DataError(f"--id-column {name}: {path} has no such column; it has {_some(table.names)}.")
        return column, _exact_texts(table[column], path, column)
    usual = (ID_COLUMN, *PATH_COLUMNS)
    candidates = [column for column in table.names if column not in others]
    candidates.sort(key=lambda n: usual.index(n.casefold()) if n.casefold() in usual else len(usual))
    best, best_keys, most = "", [], -1
    for column in candidates:
        keys = cell_texts(table[column])
        matches = sum(bool(index.candidates(key)) for key in set(keys) if key)
        if matches > most:
            best, best_keys, most = column, keys, matches
    if not best:
        raise DataError(
            f"{path} has no column of ids or paths.", "Add a column id with the names of the images."
        )
    _exact_texts(table[best], path, best)
    return best, best_keys


def _exact_texts(cells: npt.NDArray[Any], path: Path, column: str) -> list[str]:
    if cells.dtype.kind == "f" and any(abs(cell) > _LARGEST_EXACT for cell in cells.tolist()):
        raise DataError(
            f"The column {column} of {path} holds numbers that have lost their last digits.",
            "Save the ids as text.",
        )
    return cell_texts(cells)


def cell_texts(cells: npt.NDArray[Any]) -> list[str]:
    """Cells as ids and labels are written: whole numbers without a point, nothing for a missing one."""
    if cells.dtype.kind == "f":
        return [
            "" if cell != cell else f"{cell:.0f}" if cell.is_integer() else str(cell)
            for cell in cells.tolist()
        ]
    if cells.dtype.kind == "b":
        return [str(cell).lower() for cell in cells.tolist()]
    return [clean_text(str(cell).strip()) for cell in cells.tolist()]


def _first_ids(inputs: Inputs) -> str:
    return _some([inputs.id(index) for index in range(min(len(inputs), 3))], 2)


def _some(names: Sequence[str], most: int = _NAMED) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
