"""VOTable 1.4: the header alone, which Parquet files carry, and whole tables with BINARY2 data.

Sources: IVOA VOTable 1.4; "VOParquet: Conventions for Parquet in the VO", version 1.0.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from galaxynet.catalogue.columns import Block, Column, Layout, Parameter

_TYPES = {
    "string": "unicodeChar",
    "bool": "boolean",
    "int16": "short",
    "int32": "int",
    "int64": "long",
    "float32": "float",
    "float64": "double",
}
_BASE64_BYTES = 48
_ROWS = 2048


def header(layout: Layout) -> str:
    """A VOTable document without data."""
    return _opening(layout, layout.widths) + _closing()


def write_votable(path: Path, layout: Layout, blocks: Iterable[Block]) -> None:
    """Write a VOTable; rows are encoded as they come."""
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(_opening(layout))
        stream.write('<DATA><BINARY2><STREAM encoding="base64">\n')
        remainder = b""
        for block in blocks:
            for chunk in _encoded(layout.columns, block):
                remainder += chunk
                whole = len(remainder) - len(remainder) % _BASE64_BYTES
                stream.write(_base64(remainder[:whole]))
                remainder = remainder[whole:]
        stream.write(_base64(remainder))
        stream.write("</STREAM></BINARY2></DATA>\n")
        stream.write(_closing())


def _opening(layout: Layout, widths: Mapping[str, int] = {}) -> str:
    """All above the data; texts with widths are of fixed length, which readers of Parquet expect."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
        '<RESOURCE type="results">',
    ]
    positions = [column for column in layout.columns if column.ucd.startswith(("pos.eq.ra", "pos.eq.dec"))]
    if positions:
        lines.append('<COOSYS ID="icrs" system="ICRS"/>')
    lines.append(f'<TABLE name="catalogue" nrows="{layout.rows}">')
    if layout.description:
        lines.append(f"<DESCRIPTION>{escape(layout.description)}</DESCRIPTION>")
    lines += [_parameter(parameter) for parameter in layout.parameters]
    taken: set[str] = set()
    lines += [
        _field(column, _identifier(column.name, taken), column in positions, widths.get(column.name))
        for column in layout.columns
    ]
    return "\n".join(lines) + "\n"


def _closing() -> str:
    return "</TABLE>\n</RESOURCE>\n</VOTABLE>\n"


def _identifier(name: str, taken: set[str]) -> str:
    """An XML id for a column: its name where that can be one."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    plain = plain if plain[:1].isalpha() or plain[:1] == "_" else f"_{plain}"
    unique, number = plain, 2
    while unique in taken or unique == "icrs":
        unique, number = f"{plain}_{number}", number + 1
    taken.add(unique)
    return unique


def _field(column: Column, identifier: str, is_position: bool, width: int | None) -> str:
    attributes = {"ID": identifier, "name": column.name, "datatype": _TYPES[column.type]}
    if column.type == "string":
        attributes["arraysize"] = "*" if width is None else str(max(width, 1))
    if column.unit:
        attributes["unit"] = column.unit
    if column.ucd:
        attributes["ucd"] = column.ucd
    if is_position:
        attributes["ref"] = "icrs"
    return _element("FIELD", attributes, column.description)


def _parameter(parameter: Parameter) -> str:
    value = parameter.value
    if isinstance(value, bool):
        attributes = {"datatype": "boolean", "value": "true" if value else "false"}
    elif isinstance(value, int):
        attributes = {"datatype": "long", "value": str(value)}
    elif isinstance(value, float):
        attributes = {"datatype": "double", "value": repr(value)}
    else:
        attributes = {"datatype": "unicodeChar", "arraysize": "*", "value": value}
    attributes = {"name": parameter.name, **attributes}
    if parameter.ucd:
        attributes["ucd"] = parameter.ucd
    return _element("PARAM", attributes, parameter.description)


def _element(name: str, attributes: dict[str, str], description: str) -> str:
    written = " ".join(f"{key}={quoteattr(value)}" for key, value in attributes.items())
    if not description:
        return f"<{name} {written}/>"
    return f"<{name} {written}><DESCRIPTION>{escape(description)}</DESCRIPTION></{name}>"


def _encoded(columns: tuple[Column, ...], block: Block) -> Iterator[bytes]:
    """Rows in BINARY2: a mask of nulls, here of none, and the cells, big-endian."""
    rows = len(block[columns[0].name])
    mask = bytes((len(columns) + 7) // 8)
    for start in range(0, rows, _ROWS):
        cells = [_cells(column, block[column.name][start : start + _ROWS]) for column in columns]
        yield b"".join(mask + b"".join(row) for row in zip(*cells, strict=True))


def _cells(column: Column, values: np.ndarray[tuple[int], np.dtype[np.generic]]) -> list[bytes]:
    if column.type == "string":
        encoded = [value.encode("utf-16-be") for value in values.tolist()]
        return [(len(value) // 2).to_bytes(4, "big") + value for value in encoded]
    if column.type == "bool":
        return [b"T" if value else b"F" for value in values.tolist()]
    packed = np.ascontiguousarray(values, dtype=np.dtype(column.type).newbyteorder(">")).tobytes()
    size = np.dtype(column.type).itemsize
    return [packed[at : at + size] for at in range(0, len(packed), size)]


def _base64(data: bytes) -> str:
    lines = (data[at : at + _BASE64_BYTES] for at in range(0, len(data), _BASE64_BYTES))
    return "".join(base64.b64encode(line).decode("ascii") + "\n" for line in lines)
