"""CSV files as tables: types, units and parameters from the metadata beside them, or from the cells."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import csv_text, untrusted
from galaxynet.catalogue.columns import Block, Column, Kind, Parameter, Table, clean_text, make_table
from galaxynet.catalogue.csv_reading import read_rows
from galaxynet.catalogue.text_formats import metadata_path
from galaxynet.errors import DataError

_LARGEST_METADATA = 16 * untrusted.MIB
_CSVW: dict[str, Kind] = {
    "string": "string",
    "boolean": "bool",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
}
_POSITIONS = {
    "ra": ("deg", "pos.eq.ra;meta.main"),
    "dec": ("deg", "pos.eq.dec;meta.main"),
}
"""Columns that a CSV cannot say more of."""


def read_csv(path: Path) -> Table:
    """Read a CSV. The file beside it says of what types its columns are; without one, the cells do.

    Raises:
        DataError: If it is empty or damaged, or has two columns of one name.
    """
    rows = read_rows(path)
    described, parameters, description = _csv_metadata(path)
    header = [
        _name(name, described) or f"column{number}" for number, name in enumerate(next(rows, []), start=1)
    ]
    if not header or len(set(header)) < len(header):
        repeated = next((name for name in header if header.count(name) > 1), "")
        raise DataError(
            f"{path} has two columns called {repeated}." if repeated else f"{path} is empty.",
            "Rename one of them." if repeated else "",
        )
    cells: list[list[str]] = [[] for _ in header]
    for row in rows:
        for texts, cell in zip(cells, row, strict=True):
            texts.append(cell)
    columns, values = [], {}
    for name, texts in zip(header, cells, strict=True):
        column = described.get(name)
        if column is None:
            kind, array = _typed(texts)
            unit, ucd = _POSITIONS.get(name.casefold(), ("", "")) if kind.startswith("float") else ("", "")
            column = Column(name, kind, unit, ucd)
        else:
            array = _as(column.type, texts, guarded=True)
        columns.append(column)
        values[name] = array
    return make_table(columns, values, parameters, description)


def csv_blocks(path: Path, rows: int) -> tuple[Table, Iterator[Block]] | None:
    """A file's columns as an empty table, and its rows some at a time.

    Args:
        path: The file.
        rows: The most rows of a block.

    Returns:
        None if the file beside it does not tell the types of the columns.

    Raises:
        DataError: If it is empty or damaged.
    """
    described, parameters, description = _csv_metadata(path)
    lines = read_rows(path)
    names = [_name(name, described) for name in next(lines, [])]
    if not names or sorted(names) != sorted(described):
        return None
    columns = [described[name] for name in names]
    table = make_table(columns, empty_cells(columns), parameters, description)
    return table, blocks_of_cells(path, columns, lines, rows, guarded=True)


def _name(name: str, described: Mapping[str, Column]) -> str:
    """The name of a column, which may be guarded as cells are."""
    return name if name in described or csv_text.unguard(name) not in described else csv_text.unguard(name)


def empty_cells(columns: Sequence[Column]) -> dict[str, npt.NDArray[Any]]:
    """The cells of no rows."""
    return {column.name: np.empty(0, column.dtype) for column in columns}


def blocks_of_cells(
    path: Path, columns: Sequence[Column], lines: Iterator[list[str]], rows: int, *, guarded: bool = False
) -> Iterator[Block]:
    """Rows of text as blocks of the columns' types.

    Args:
        path: The file, for messages.
        columns: The columns.
        lines: The rows, each with a cell for every column.
        rows: The most rows of a block.
        guarded: Whether text is guarded against spreadsheets.

    Raises:
        DataError: If a row has fewer or more cells, or a cell is not of its column's type.
    """
    while some := list(itertools.islice(lines, rows)):
        if any(len(row) != len(columns) for row in some):
            raise DataError(f"{path} has a row without a cell for each column.", "It is damaged.")
        yield {
            column.name: _as(column.type, [row[at] for row in some], guarded=guarded)
            for at, column in enumerate(columns)
        }


def _csv_metadata(path: Path) -> tuple[dict[str, Column], list[Parameter], str]:
    """What the file beside a CSV says of it; nothing if it is missing or damaged."""
    try:
        metadata = untrusted.parse_json(untrusted.read_text(metadata_path(path), _LARGEST_METADATA))
        columns = {
            entry["name"]: Column(
                entry["name"],
                _CSVW[entry["datatype"]],
                entry.get("unit", ""),
                entry.get("ucd", ""),
                entry.get("dc:description", ""),
            )
            for entry in metadata["tableSchema"]["columns"]
        }
        parameters = [
            Parameter(entry["name"], entry["value"], entry.get("ucd", ""), entry.get("description", ""))
            for entry in metadata.get("parameters", ())
        ]
        return columns, parameters, str(metadata.get("dc:description", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, [], ""


def _typed(texts: Sequence[str]) -> tuple[Kind, npt.NDArray[Any]]:
    """The narrowest type that holds all cells of a CSV: whole numbers, numbers, or text."""
    stripped = [text.strip() for text in texts]
    present = [text for text in stripped if text]
    # 007 and +1 are names, and no integer type holds twenty digits.
    if present and len(present) == len(stripped) and all(_is_whole(text) for text in present):
        return "int64", np.array([int(text) for text in present], np.int64)
    if present and not any(_is_padded(text) for text in present):
        try:
            return "float64", np.array([float(text) if text else math.nan for text in stripped], np.float64)
        except ValueError:
            pass
    return "string", np.array([clean_text(text) for text in texts], dtype=object)


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 19 and str(int(digits)) == digits


def _is_padded(text: str) -> bool:
    """True for digits that are a name, as 007, or too many for a float."""
    digits = text.lstrip("+-")
    return digits.isdigit() and (len(digits) > 15 or (len(digits) > 1 and digits[0] == "0"))


def _as(kind: Kind, texts: Sequence[str], *, guarded: bool) -> npt.NDArray[Any]:
    if kind == "string":
        return np.array([csv_text.unguard(text) if guarded else text for text in texts], dtype=object)
    if kind == "bool":
        return np.array([text.strip().lower() in ("true", "1", "t") for text in texts], dtype=np.bool_)
    if kind.startswith("float"):
        return np.array([float(text) if text.strip() else math.nan for text in texts], dtype=kind)
    return np.array([int(text) for text in texts], dtype=kind)
