"""Shards of a prediction: which rows each has, and how they are merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxynet.catalogue.columns import Block, Layout
from galaxynet.catalogue.stored_table import StoredTable, open_table
from galaxynet.catalogue.writing import check_format, write_table
from galaxynet.errors import DataError, UsageError
from galaxynet.prediction.provenance import SHARD_NAMES


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of the inputs.

    Attributes:
        index: Its number, from 1.
        count: How many there are.
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read `3/16`.

        Raises:
            UsageError: If it is no such thing, or out of range.
        """
        index, slash, count = text.partition("/")
        if not (slash and index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
            raise UsageError(f"--shard {text}: it takes I/N with I from 1 to N, such as 3/16.")
        return cls(int(index), int(count))

    def rows(self, total: int) -> range:
        """The rows of this shard."""
        return range(total * (self.index - 1) // self.count, total * self.index // self.count)


@dataclass(frozen=True)
class _Part:
    table: StoredTable
    facts: dict[str, Any]

    @property
    def path(self) -> Path:
        return self.table.path

    @property
    def layout(self) -> Layout:
        return self.table.layout

    @property
    def first(self) -> int:
        return int(self.facts["first_row"])

    @property
    def end(self) -> int:
        return self.first + self.layout.rows


def merge(paths: Sequence[Path], output: Path, *, overwrite: bool = False) -> int:
    """Put the shards of a prediction together, row for row what one prediction of all would have written.

    The shards are ordered by what they record. One block is in memory at a time; of FITS and VOTable, one
    shard.

    Args:
        paths: The files of all shards, in any order and format.
        output: The file to write.
        overwrite: Replace a file that exists.

    Returns:
        How many rows there are.

    Raises:
        UsageError: If the output exists.
        DataError: If a file is no shard, shards are of different predictions, or one is missing or there
            twice.
    """
    check_format(output)
    if output.is_dir():
        raise UsageError(f"{output} is a folder.", "Name a file.")
    if output.exists() and not overwrite:
        raise UsageError(f"{output} exists.", "Replace it with --overwrite, or name another file.")
    parts = sorted((_part(path) for path in paths), key=lambda part: (part.first, part.end))
    _check(parts)
    first = parts[0]
    facts = tuple(fact for fact in first.layout.parameters if fact.name not in SHARD_NAMES)
    widths = {name: max(part.layout.widths.get(name, 0) for part in parts) for name in first.layout.widths}
    rows = parts[-1].end
    layout = Layout(first.layout.columns, facts, first.layout.description, rows, widths)
    write_table(output, layout, _blocks(parts))
    return rows


def _part(path: Path) -> _Part:
    table = open_table(path)
    facts = {parameter.name: parameter.value for parameter in table.layout.parameters}
    if not all(name in facts for name in SHARD_NAMES):
        raise DataError(f"{path} is not a shard of a prediction.", "Shards are written with --shard I/N.")
    return _Part(table, facts)


def _check(parts: Sequence[_Part]) -> None:
    if not parts:
        raise UsageError("Name the shards to merge.")
    first = parts[0]
    for part in parts[1:]:
        changed = [
            name
            for name in ("inputs", "total_rows", "shards", *first.facts)
            if name not in ("shard", "first_row", "created") and part.facts.get(name) != first.facts[name]
        ]
        if changed:
            raise DataError(
                f"{first.path} and {part.path} are of different predictions: {changed[0]} differs."
            )
        if part.layout.columns != first.layout.columns:
            raise DataError(f"{first.path} and {part.path} have different columns.")
    expected = 0
    for before, part in zip([None, *parts], parts, strict=False):
        if part.first < expected and before is not None:
            raise DataError(f"{before.path} and {part.path} have the same rows.", "Name each shard once.")
        if part.first > expected:
            raise _gap(expected, part.first, first)
        expected = part.end
    total = int(first.facts["total_rows"])
    if expected != total:
        raise _gap(expected, total, first)


def _gap(start: int, end: int, part: _Part) -> DataError:
    shards, total = int(part.facts["shards"]), int(part.facts["total_rows"])
    missing = [
        f"{index}/{shards}"
        for index in range(1, shards + 1)
        if start <= total * (index - 1) // shards and total * index // shards <= end
    ]
    return DataError(f"Rows {start + 1:,} to {end:,} are missing: name the shard {', '.join(missing)} too.")


def _blocks(parts: Sequence[_Part]) -> Iterator[Block]:
    for part in parts:
        yield from part.table.blocks()
