"""Parquet files as tables, in one piece or block by block. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.columns import Block, Column, Kind, Table, clean_text, make_table
from galaxynet.catalogue.plain_arrays import plain_array
from galaxynet.catalogue.votable_header import Described, parse_header
from galaxynet.extras import optional_module

_NESTED = ("list", "struct", "fixed", "binary", "map")


def read_parquet(path: Path) -> Table:
    """Read a file; columns of several cells a row are left out."""
    file = _open(path)
    columns, values, described = _columns(file, file.read())
    return make_table(columns, values, described[1], described[2])


def parquet_blocks(path: Path, rows: int) -> tuple[Table, Iterator[Block]] | None:
    """A file's columns as an empty table, and its rows some at a time.

    Args:
        path: The file.
        rows: The most rows of a block.

    Returns:
        None for a file with missing cells, whose columns take their types from all rows.
    """
    file = _open(path)
    if any(field.nullable for field in file.schema_arrow):
        return None
    columns, values, described = _columns(file, file.schema_arrow.empty_table())
    head = make_table(columns, values, described[1], described[2])
    return head, (_columns(file, batch)[1] for batch in file.iter_batches(batch_size=rows))


def _open(path: Path) -> Any:
    return optional_module("pyarrow.parquet", "Parquet").ParquetFile(path)


def _columns(file: Any, arrow: Any) -> tuple[list[Column], dict[str, npt.NDArray[Any]], Described]:
    """The columns and cells of a table or a batch of a file."""
    described = parse_header((file.schema_arrow.metadata or {}).get(b"IVOA.VOTable-Parquet.content", b""))
    columns, values = [], {}
    for name in arrow.schema.names:
        source = arrow.column(name)
        array = _cells(source)
        if array is None:
            continue
        known = described[0].get(name, {})
        columns.append(
            Column(name, array[0], known.get("unit", ""), known.get("ucd", ""), known.get("description", ""))
        )
        values[name] = array[1]
    return columns, values, described


def _cells(source: Any) -> tuple[Kind, npt.NDArray[Any]] | None:
    type_name = str(source.type)
    if type_name in ("string", "large_string", "string_view") or type_name.startswith("dictionary"):
        texts = [clean_text(str(text)) if text is not None else "" for text in source.to_pylist()]
        return "string", np.array(texts, dtype=object)
    if type_name.startswith(_NESTED):
        return None
    return plain_array(source.to_numpy(**({} if hasattr(source, "chunks") else {"zero_copy_only": False})))
