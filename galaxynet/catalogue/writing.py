"""Writing a table in the format that its suffix names, in one step."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from galaxynet import atomic
from galaxynet.catalogue import fits_table, parquet, text_formats, votable
from galaxynet.catalogue.columns import Block, Layout
from galaxynet.errors import UsageError
from galaxynet.extras import optional_module

Writer = Callable[[Path, Layout, Iterable[Block]], None]

WRITERS: dict[str, Writer] = {
    ".csv": text_formats.write_csv,
    ".ecsv": text_formats.write_ecsv,
    ".parquet": parquet.write_parquet,
    ".fits": fits_table.write_fits,
    ".vot": votable.write_votable,
}
"""The function that writes a file of each suffix."""

_LIBRARIES = {".parquet": "pyarrow", ".fits": "astropy"}


def check_format(path: Path) -> None:
    """Make sure that a table can be written to a file of this name, before anything is computed for it.

    Raises:
        UsageError: If its suffix is unknown.
        DataError: If the library of its format is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise UsageError(
            f"{path} has {'the unknown suffix ' + path.suffix if path.suffix else 'no suffix'}.",
            f"A catalogue's file ends in {', '.join(WRITERS)}.",
        )
    if suffix in _LIBRARIES:
        optional_module(_LIBRARIES[suffix], f"{suffix}")


def write_table(path: Path, layout: Layout, blocks: Iterable[Block]) -> None:
    """Write a table: whole under its name, or not at all.

    Args:
        path: The file; its suffix names the format. A CSV gets a metadata file beside it.
        layout: The table's columns and parameters.
        blocks: Its rows.

    Raises:
        UsageError: If the suffix is unknown.
        DataError: If a library is not installed.
        OSError: If the file cannot be written.
    """
    check_format(path)
    temporary = path.with_name(f".{path.name}.writing")
    try:
        WRITERS[path.suffix.lower()](temporary, layout, blocks)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        if path.suffix.lower() == ".csv":
            atomic.write_text(text_formats.metadata_path(path), text_formats.csv_metadata(path.name, layout))
        temporary.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
