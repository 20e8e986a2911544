"""ECSV files as `text_formats.write_ecsv` writes them, block by block; astropy reads all others, whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from galaxynet import untrusted
from galaxynet.catalogue.columns import Block, Column, Parameter, Table, make_table
from galaxynet.catalogue.csv_reading import LONGEST_LINE
from galaxynet.catalogue.csv_table import blocks_of_cells, empty_cells
from galaxynet.errors import DataError

_TYPES = ("string", "bool", "int16", "int32", "int64", "float32", "float64")
_OPENING = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]


def ecsv_blocks(path: Path, rows: int) -> tuple[Table, Iterator[Block]] | None:
    """A file's columns as an empty table, and its rows some at a time.

    Args:
        path: The file.
        rows: The most rows of a block.

    Returns:
        None for a file of another form.
    """
    lines = _lines(path)
    header = []
    for line in lines:
        if not line.startswith("#"):
            break
        header.append(line.removeprefix("#").removeprefix(" ").rstrip("\n"))
    else:
        return None
    parsed = _parsed(header)
    if parsed is None:
        return None
    columns, parameters, description = parsed
    names = [column.name for column in columns]
    if next(csv.reader([line]), []) != names:
        return None
    table = make_table(columns, empty_cells(columns), parameters, description)
    return table, blocks_of_cells(path, columns, csv.reader(lines), rows)


def _parsed(header: list[str]) -> tuple[list[Column], list[Parameter], str] | None:
    """Columns, parameters and description of a header of our form, in which each value is JSON."""
    if header[: len(_OPENING)] != _OPENING:
        return None
    columns, parameters, description = [], [], ""
    try:
        for line in header[len(_OPENING) :]:
            if line.startswith("- "):
                entry: dict[str, Any] = untrusted.parse_json(line[2:])
                if entry["datatype"] not in _TYPES:
                    return None
                ucd = entry.get("meta", {}).get("ucd", "")
                columns.append(
                    Column(
                        entry["name"],
                        entry["datatype"],
                        entry.get("unit", ""),
                        ucd,
                        entry.get("description", ""),
                    )
                )
            elif line.startswith('  "'):
                ((name, value),) = untrusted.parse_json("{" + line + "}").items()
                if name == "description":
                    description = str(value)
                else:
                    parameters.append(Parameter(name, value))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return columns, parameters, description


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        while line := stream.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                raise DataError(f"{path} has a line of more than {LONGEST_LINE:,} characters.")
            yield line
