"""Parquet with two sets of metadata: VOParquet's, which TOPCAT reads, and astropy's. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from galaxynet.catalogue import votable
from galaxynet.catalogue.columns import Block, Column, Layout
from galaxynet.catalogue.text_formats import yaml_header
from galaxynet.extras import optional_module

_TYPES = {"string": "string", "bool": "bool_"}


def write_parquet(path: Path, layout: Layout, blocks: Iterable[Block]) -> None:
    """Write a Parquet file, a row group for each block."""
    pyarrow = optional_module("pyarrow", "Parquet")
    parquet = optional_module("pyarrow.parquet", "Parquet")
    metadata = {
        "IVOA.VOTable-Parquet.version": "1.0",
        "IVOA.VOTable-Parquet.content": votable.header(layout),
        "table_meta_yaml": "\n".join(yaml_header(layout)),
        # astropy makes columns of fixed width, and warns of a column of text without one.
        **{f"table::len::{name}": str(max(width, 1)) for name, width in layout.widths.items()},
    }
    schema = pyarrow.schema(
        [pyarrow.field(c.name, _type(pyarrow, c), nullable=False) for c in layout.columns], metadata=metadata
    )
    with parquet.ParquetWriter(path, schema, compression="zstd", store_schema=True) as writer:
        for block in blocks:
            arrays = [pyarrow.array(block[c.name], _type(pyarrow, c)) for c in layout.columns]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))


def _type(pyarrow: Any, column: Column) -> Any:
    return getattr(pyarrow, _TYPES.get(column.type, column.type))()
