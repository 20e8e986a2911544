"""Tables that are read block by block are those that are read at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galaxynet.catalogue.columns import Column, Parameter, Table, make_table
from galaxynet.catalogue.reading import read_table
from galaxynet.catalogue.stored_table import ROWS, open_table
from galaxynet.catalogue.writing import write_table
from galaxynet.errors import DataError

COLUMNS = (
    Column("id", "string", "", "meta.id;meta.main", "name, of a file"),
    Column("bright", "bool"),
    Column("flag", "int16", "", "meta.code.qual"),
    Column("count", "int64"),
    Column("p", "float32", "", "stat.probability"),
    Column("ra", "float64", "deg", "pos.eq.ra;meta.main"),
)
TEXTS = ["=cmd()", "'=quoted", "", 'a "b", c', " padded ", "#hash", "日本", "-1.5", "plain"]


def sample(rows: int) -> Table:
    chance = np.random.default_rng(1)
    values = {
        "id": np.array([TEXTS[number % len(TEXTS)] for number in range(rows)], dtype=object),
        "bright": chance.random(rows) < 0.5,
        "flag": chance.integers(-9, 999, rows).astype(np.int16),
        "count": chance.integers(-(2**62), 2**62, rows),
        "p": np.where(chance.random(rows) < 0.1, np.nan, chance.random(rows)).astype(np.float32),
        "ra": chance.uniform(0, 360, rows),
    }
    return make_table(COLUMNS, values, [Parameter("run", "a: #b"), Parameter("shards", 3)], "A table.")


@pytest.mark.parametrize(
    ("suffix", "blocks"), [("csv", 3), ("ecsv", 3), ("parquet", 3), ("vot", 1), ("fits", 1)]
)
def test_blocks_make_the_table(tmp_path: Path, suffix: str, blocks: int) -> None:
    """CSV, ECSV and Parquet come some rows at a time, with the cells, columns and parameters of the whole."""
    path = tmp_path / f"t.{suffix}"
    table = sample(2 * ROWS + 1)
    write_table(path, table.layout, [table.values])
    opened, whole = open_table(path), read_table(path)
    assert opened.layout == whole.layout
    read: list[Any] = list(opened.blocks())
    assert len(read) == blocks
    for column in COLUMNS:
        cells = np.concatenate([block[column.name] for block in read])
        assert cells.dtype == column.dtype
        # FITS spells out what is not ASCII; the others give back what was written.
        np.testing.assert_array_equal(cells, (whole if suffix == "fits" else table)[column.name])


def test_files_of_others_are_read_whole(tmp_path: Path) -> None:
    """A CSV without metadata, and ECSV and Parquet by other programs, are tables too."""
    astropy = pytest.importorskip("astropy.table").Table({"id": ["a", "b"], "n": [1, 2]}, meta={"run": "x"})
    astropy.write(tmp_path / "t.ecsv")
    (tmp_path / "t.csv").write_text("id,n\na,1\nb,2\n")
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(
        arrow.table({"id": ["a", "b"], "n": [1, 2]}), tmp_path / "t.parquet"
    )
    for suffix in ("ecsv", "csv", "parquet"):
        opened = open_table(tmp_path / f"t.{suffix}")
        (block,) = opened.blocks()
        assert opened.layout.rows == 2
        assert block["id"].tolist() == ["a", "b"]
        assert block["n"].tolist() == [1, 2]


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "parquet", "vot", "fits"])
def test_a_damaged_table_is_refused(tmp_path: Path, suffix: str) -> None:
    """A file that breaks off, has a row too short, or is something else, is an error in a sentence."""
    path = tmp_path / f"t.{suffix}"
    with pytest.raises(DataError, match="no file"):
        open_table(path)
    table = sample(100)
    write_table(path, table.layout, [table.values])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 40].rsplit(b",", 2)[0] if "csv" in suffix else content[:-3000])
    with pytest.raises(DataError):
        list(open_table(path).blocks())
    path.write_bytes(b"\0\1\2\3")
    with pytest.raises(DataError):
        open_table(path)
