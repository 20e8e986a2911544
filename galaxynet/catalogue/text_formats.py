"""CSV with a metadata file beside it, and ECSV (Astropy Proposal for Enhancement 6); written row by row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import csv_text
from galaxynet.catalogue.columns import Block, Column, Layout

METADATA_SUFFIX = "-metadata.json"
"""Added to the name of a CSV file, as the W3C's CSV on the Web has it."""

_CSVW = {
    "string": "string",
    "bool": "boolean",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "float32": "float",
    "float64": "double",
}


def metadata_path(path: Path) -> Path:
    """Where the metadata of a CSV file are."""
    return path.with_name(path.name + METADATA_SUFFIX)


def write_csv(path: Path, layout: Layout, blocks: Iterable[Block]) -> None:
    """Write a CSV that no spreadsheet takes for formulas: text is guarded, numbers stay numbers."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        header = [column.name for column in layout.columns]
        stream.write(csv_text.write(header, ()))
        for block in blocks:
            stream.write(_without_header(csv_text.write(header, _rows(layout.columns, block))))


def csv_metadata(name: str, layout: Layout) -> str:
    """The text of the metadata file of a CSV file (W3C, Metadata Vocabulary for Tabular Data).

    Args:
        name: Name of the CSV file.
        layout: Its table.
    """
    columns = [
        {
            "name": column.name,
            "titles": column.name,
            "datatype": _CSVW[column.type],
            "dc:description": column.description,
            "unit": column.unit,
            "ucd": column.ucd,
        }
        for column in layout.columns
    ]
    metadata = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": name,
        "dc:description": layout.description,
        "rows": layout.rows,
        "tableSchema": {"columns": [{k: v for k, v in column.items() if v} for column in columns]},
        "parameters": [
            {"name": p.name, "value": p.value, "ucd": p.ucd, "description": p.description}
            for p in layout.parameters
        ],
    }
    return json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"


def write_ecsv(path: Path, layout: Layout, blocks: Iterable[Block]) -> None:
    """Write an ECSV, comma-separated."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write("# %ECSV 1.0\n# ---\n# delimiter: ','\n")
        stream.writelines(f"# {line}\n" for line in yaml_header(layout))
        header = [column.name for column in layout.columns]
        stream.write(_line(header))
        for block in blocks:
            stream.writelines(_line(row) for row in _rows(layout.columns, block))


def yaml_header(layout: Layout) -> list[str]:
    """Columns and parameters in astropy's YAML, which ECSV and its Parquet files share.

    Each value is JSON, which YAML contains.
    """
    lines = ["datatype:"]
    for column in layout.columns:
        entry: dict[str, Any] = {"name": column.name}
        if column.unit:
            entry["unit"] = column.unit
        entry["datatype"] = column.type
        if column.description:
            entry["description"] = column.description
        if column.ucd:
            entry["meta"] = {"ucd": column.ucd}
        lines.append(f"- {_json(entry)}")
    meta: dict[str, Any] = {"description": layout.description} if layout.description else {}
    meta.update({parameter.name: parameter.value for parameter in layout.parameters})
    if meta:
        lines.append("meta:")
        lines += [f"  {_json(name)}: {_json(value)}" for name, value in meta.items()]
    lines.append("schema: astropy-2.0")
    return lines


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _line(cells: Iterable[Any]) -> str:
    """A line as ECSV wants it: text that needs it between quotes, an empty text as `""`."""
    return ",".join(_quoted(cell) if isinstance(cell, str) else str(cell) for cell in cells) + "\n"


def _quoted(text: str) -> str:
    plain = text and not any(mark in text for mark in ',"\n\r') and text == text.strip() and text[0] != "#"
    return text if plain else '"' + text.replace('"', '""') + '"'


def _rows(columns: Iterable[Column], block: Block) -> Iterable[tuple[Any, ...]]:
    return zip(*(_cells(column, block[column.name]) for column in columns), strict=True)


def _cells(column: Column, values: npt.NDArray[Any]) -> list[Any]:
    """Cells for text files: numbers in the fewest digits that give the same number again."""
    if column.type == "float32":
        # By numpy, as Python would print float32 with the digits of a double.
        digits: list[str] = np.asarray(values, np.float32).astype(np.str_).tolist()
        return digits
    cells: list[Any] = values.tolist()
    return cells


def _without_header(text: str) -> str:
    return text.partition("\n")[2]
