"""Tables in five formats, each read back by the programs that people read it with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from astropy.io import fits
from astropy.io.votable import validate
from astropy.table import Table as AstropyTable

from galaxynet.catalogue.columns import Column, Parameter, Table, make_table
from galaxynet.catalogue.reading import read_table
from galaxynet.catalogue.writing import WRITERS, write_table
from galaxynet.errors import DataError, UsageError

SUFFIXES = sorted(WRITERS)
COLUMNS = (
    Column("id", "string", "", "meta.id;meta.main", "name of the image"),
    Column("ra", "float64", "deg", "pos.eq.ra;meta.main", "right ascension"),
    Column("dec", "float64", "deg", "pos.eq.dec;meta.main", "declination"),
    Column("label", "string", "", "meta.code.class;src.morph.type", "the class"),
    Column(
        "p_T-shirt/top", "float32", "", "stat.probability;src.morph.type", 'probability of "T-shirt" & <top>'
    ),
    Column("number", "int64"),
    Column("flag", "int16", "", "meta.code.qual", "bit mask"),
    Column("Class1.1", "float32", "", "stat.value;src.morph;meta.modelled", "a name with a dot"),
    Column("seen", "bool"),
)
PARAMETERS = (
    Parameter("run", "k3x9ab", "meta.id;meta.software", "the run"),
    Parameter("model_version", "galaxy_alexnet 0.1.0", "meta.version;meta.software"),
    Parameter("temperature", 1.25, "stat.param"),
    Parameter("rows_total", 5),
    Parameter("calibrated", True),
)


def sample(rows: int = 5) -> Table:
    noise = np.random.default_rng(1)
    values: dict[str, Any] = {
        "id": np.array(["J1", 'a "b", c', "=SUM(A1)", "Ünï ☉", ""] * rows, dtype=object)[:rows],
        "ra": noise.uniform(0, 360, rows),
        "dec": noise.uniform(-90, 90, rows),
        "label": np.array(["", "spiral", "edge_on", "-1", "+x"] * rows, dtype=object)[:rows],
        "p_T-shirt/top": noise.random(rows, dtype=np.float32),
        "number": noise.integers(-(2**62), 2**62, rows),
        "flag": np.arange(rows, dtype=np.int16),
        "Class1.1": noise.random(rows, dtype=np.float32),
        "seen": np.arange(rows) % 2 == 0,
    }
    values["p_T-shirt/top"][0] = np.nan
    return make_table(COLUMNS, values, PARAMETERS, "Five rows & no more")


def blocks(table: Table, size: int = 2) -> Any:
    for start in range(0, len(table), size):
        yield {name: table[name][start : start + size] for name in table.names}


@pytest.fixture(params=SUFFIXES)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"table{request.param}"
    table = sample()
    write_table(path, table.layout, blocks(table))
    return path


def assert_equal(name: str, cells: Any, expected: Any) -> None:
    if expected.dtype == object:
        assert [str(cell) for cell in cells] == list(expected), name
    else:
        np.testing.assert_array_equal(np.asarray(cells), expected, name)


def test_a_table_survives_every_format(written: Path) -> None:
    """Whatever the format, rows, units and facts come back unchanged, by our own reader."""
    table, again = sample(), read_table(written)
    for name in table.names:
        expected = table[name]
        if written.suffix == ".fits" and expected.dtype == object:
            # FITS has ASCII alone.
            expected = np.array(
                [c.encode("ascii", "backslashreplace").decode() for c in expected], dtype=object
            )
        assert_equal(name, again[name], expected)
    assert {c.name: (c.unit, c.ucd) for c in again.columns} == {c.name: (c.unit, c.ucd) for c in COLUMNS}
    assert {p.name: p.value for p in PARAMETERS}.items() <= again.parameters.items()
    assert not list(written.parent.glob(".*"))


@pytest.mark.parametrize("suffix", [".ecsv", ".fits", ".vot", ".parquet"])
def test_astropy_reads_units_and_ucds(tmp_path: Path, suffix: str) -> None:
    """`astropy.table.Table.read` finds every cell, unit and description, and warns of nothing."""
    path, table = tmp_path / f"t{suffix}", sample()
    write_table(path, table.layout, blocks(table))
    again = AstropyTable.read(path, **({"use_names_over_ids": True} if suffix == ".vot" else {}))
    assert again.colnames == list(table.names)
    assert "Class1.1" in AstropyTable.read(path).colnames
    assert str(again["ra"].unit) == "deg"
    np.testing.assert_array_equal(np.asarray(again["ra"]), table["ra"])
    np.testing.assert_array_equal(np.asarray(again["p_T-shirt/top"]), table["p_T-shirt/top"])
    if suffix != ".fits":
        # An empty text of an ECSV is a missing one for astropy.
        texts = again["id"].filled("") if suffix == ".ecsv" else again["id"]
        assert [str(cell) for cell in texts] == list(table["id"])
        assert again["ra"].description == "right ascension"


def test_parquet_is_read_by_pandas_and_polars(tmp_path: Path) -> None:
    """Both pandas and polars read a Parquet catalogue without any help."""
    path, table = tmp_path / "t.parquet", sample()
    write_table(path, table.layout, blocks(table))
    for frame in (pd.read_parquet(path), pl.read_parquet(path).to_pandas()):
        for name in table.names:
            assert_equal(name, frame[name].to_numpy(), table[name])


def test_parquet_is_a_voparquet(tmp_path: Path) -> None:
    """The convention that TOPCAT reads gives units and UCDs: astropy's `parquet.votable` finds them."""
    path, table = tmp_path / "t.parquet", sample()
    write_table(path, table.layout, blocks(table))
    again = AstropyTable.read(path, format="parquet.votable")
    assert str(again["dec"].unit) == "deg"
    assert again["dec"].meta["ucd"] == "pos.eq.dec;meta.main"


def test_votable_is_valid(tmp_path: Path) -> None:
    """The validator of the IVOA's formats that astropy has finds nothing to say of a VOTable."""
    path, table = tmp_path / "t.vot", sample(1000)
    write_table(path, table.layout, blocks(table, 300))
    report = io.StringIO()
    assert validate(str(path), output=report), report.getvalue()


def test_fits_header_has_units_ucds_comments_and_checksums(tmp_path: Path) -> None:
    """A FITS catalogue has TUNIT, TUCD, TCOMM, its facts and a checksum that holds."""
    path, table = tmp_path / "t.fits", sample()
    write_table(path, table.layout, blocks(table))
    with fits.open(path, checksum=True) as hdus:
        header = hdus[1].header
        assert header["TUNIT2"] == "deg"
        assert header["TUCD2"] == "pos.eq.ra;meta.main"
        assert header["TCOMM2"] == "right ascension"
        assert header["GALAXYNET TEMPERATURE"] == 1.25
        assert "CHECKSUM" in header


def test_csv_is_not_executed_by_a_spreadsheet(tmp_path: Path) -> None:
    """Text that begins like a formula is guarded; numbers, negative ones too, stay numbers."""
    path, table = tmp_path / "t.csv", sample()
    write_table(path, table.layout, blocks(table))
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[2]["id"] == "'=SUM(A1)"
    assert [float(row["dec"]) for row in rows] == table["dec"].tolist()
    metadata = json.loads((tmp_path / "t.csv-metadata.json").read_text())
    assert metadata["tableSchema"]["columns"][1]["unit"] == "deg"
    frame = pd.read_csv(path)
    assert frame["dec"].dtype == np.float64


def test_columns_of_a_plain_csv_get_types(tmp_path: Path) -> None:
    """Whole numbers, numbers and texts are distinguished; names of digits such as 007 stay texts."""
    path = tmp_path / "mine.csv"
    path.write_text("name,RA,count,code,huge\na,1.5,3,007,123456789012345678901\nb,,4,12,2\n")
    table = read_table(path)
    assert [column.type for column in table.columns] == ["string", "float64", "int64", "string", "string"]
    assert table.columns[1].unit == "deg"
    assert np.isnan(table["RA"][1])


def test_an_unknown_suffix_is_named(tmp_path: Path) -> None:
    """An unknown suffix is refused with those that are known."""
    with pytest.raises(UsageError, match=r"unknown suffix .xlsx.*\.parquet"):
        write_table(tmp_path / "t.xlsx", sample().layout, ())


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".fits", ".vot", ".parquet"])
def test_damage_is_one_sentence(tmp_path: Path, suffix: str) -> None:
    """A file that is no table of its suffix is refused by name."""
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"\0\1\2 nothing that is read")
    with pytest.raises(DataError, match=path.name):
        read_table(path)
