"""Tables that are read block by block, so that their length costs no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from galaxynet.catalogue.columns import Block, Layout, Table, widths_of
from galaxynet.catalogue.csv_table import csv_blocks
from galaxynet.catalogue.ecsv_reading import ecsv_blocks
from galaxynet.catalogue.parquet_reading import parquet_blocks
from galaxynet.catalogue.reading import read_table
from galaxynet.errors import DataError

ROWS = 4096
"""Rows of a block."""

_STREAMED: dict[str, Callable[[Path, int], tuple[Table, Iterator[Block]] | None]] = {
    ".csv": csv_blocks,
    ".ecsv": ecsv_blocks,
    ".parquet": parquet_blocks,
}


@dataclass(frozen=True)
class StoredTable:
    """A table in a file.

    Attributes:
        path: The file.
        layout: Its columns, parameters, rows and widths.
    """

    path: Path
    layout: Layout

    def blocks(self) -> Iterator[Block]:
        """The rows; all at once where the format has to be read as a whole, as FITS and VOTable.

        Raises:
            DataError: If the file is damaged.
        """
        return _opened(self.path)[1]


def open_table(path: Path) -> StoredTable:
    """A table, after one pass over its rows.

    Raises:
        DataError: As `read_table`.
    """
    table, blocks = _opened(path)
    rows, widths = 0, dict.fromkeys(table.layout.widths, 0)
    for block in blocks:
        rows += len(next(iter(block.values()), ()))
        longest = widths_of(table.columns, block)
        widths = {name: max(width, longest[name]) for name, width in widths.items()}
    return StoredTable(path, replace(table.layout, rows=rows, widths=widths))


def _opened(path: Path) -> tuple[Table, Iterator[Block]]:
    """A table of the file's columns, and its rows."""
    opener = _STREAMED.get(path.suffix.lower())
    if opener is not None and path.is_file():
        try:
            streamed = opener(path, ROWS)
        except DataError:
            raise
        except Exception:  # the reader of whole tables says what is wrong
            streamed = None
        if streamed is not None:
            return streamed[0], _checked(path, streamed[1])
    table = read_table(path)
    return table, iter((table.values,))


def _checked(path: Path, blocks: Iterator[Block]) -> Iterator[Block]:
    try:
        yield from blocks
    except DataError:
        raise
    except Exception as error:  # the readers raise whatever they like over damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} cannot be read as a table: {reason}.") from error
