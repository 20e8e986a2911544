"""Reading tables of any of the formats into memory: CSV, ECSV, FITS, VOTable, Parquet."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxynet.catalogue.columns import Column, Parameter, Table, make_table
from galaxynet.catalogue.csv_table import read_csv
from galaxynet.catalogue.parquet_reading import read_parquet
from galaxynet.catalogue.plain_arrays import plain_array
from galaxynet.catalogue.votable_header import Described, parse_header
from galaxynet.errors import DataError
from galaxynet.extras import optional_module


def read_table(path: Path) -> Table:
    """Read a table; the suffix tells its format.

    Columns of several numbers a row are left out. Missing numbers become NaN, missing texts empty.

    Raises:
        DataError: If it is missing, damaged, of no known format, or its library is not installed.
    """
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    reader = table_reader(path)
    if reader is None:
        raise DataError(
            f"{path} is not a table of a known format.", "Known are .csv, .ecsv, .fits, .vot and .parquet."
        )
    try:
        return reader(path)
    except DataError:
        raise
    except Exception as error:  # the readers raise whatever they like over damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} cannot be read as a table: {reason}.") from error


def table_reader(path: Path) -> Callable[[Path], Table] | None:
    """The function that reads a table of this suffix; None if tables have no such suffix."""
    name = path.name.lower().removesuffix(".gz")
    for suffixes, reader in _READERS.items():
        if name.endswith(suffixes):
            return reader
    return None


def _read_with_astropy(format: str) -> Callable[[Path], Table]:
    def read(path: Path) -> Table:
        purpose = {"ascii.ecsv": "ECSV", "fits": "FITS", "votable": "VOTable"}[format]
        module = optional_module("astropy.table", f"Reading {purpose}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if format == "votable":
                source = optional_module("astropy.io.votable", "Reading VOTable").parse_single_table(path)
                table = source.to_table(use_names_over_ids=True)
                table.meta = {param.name: _scalar(param.value) for param in source.params}
                table.meta["description"] = source.description or ""
            else:
                options = {"unit_parse_strict": "silent"} if format == "fits" else {}
                table = module.Table.read(path, format=format, **options)
        return _from_astropy(table, format, path)

    return read


def _from_astropy(table: Any, format: str, path: Path) -> Table:
    columns, values = [], {}
    described: Described = ({}, [], "")
    if format == "fits":
        described = _fits_description(path, table.colnames)
    for name in table.colnames:
        source = table[name]
        array = plain_array(source)
        if array is None:
            continue
        kind, plain = array
        unit = "" if source.unit is None else str(source.unit)
        meta = getattr(source, "meta", None) or {}
        known = described[0].get(name, {})
        ucd = known.get("ucd") or str(meta.get("ucd") or "")
        columns.append(
            Column(name, kind, unit, ucd, known.get("description") or str(source.description or ""))
        )
        values[name] = plain
    parameters, description = _astropy_parameters(table.meta)
    if described[1]:
        parameters, description = described[1:]
    return make_table(columns, values, parameters, description)


def _scalar(value: Any) -> Any:
    """A parameter's value as Python has it."""
    return value.item() if isinstance(value, np.generic | np.ndarray) and value.ndim == 0 else value


def _fits_description(path: Path, names: Sequence[str]) -> Described:
    """What a FITS file says of its columns: the VOTable of FITS-plus, or the keywords."""
    fits = optional_module("astropy.io.fits", "Reading FITS")
    with fits.open(path) as hdus:
        primary = hdus[0]
        if primary.header.get("VOTMETA") is True and primary.header["NAXIS"] == 1:
            return parse_header(np.asarray(primary.data, np.uint8).tobytes())
        header = next(hdu.header for hdu in hdus if type(hdu).__name__ == "BinTableHDU")
        columns = {
            name: {"ucd": header.get(f"TUCD{n}", ""), "description": header.get(f"TCOMM{n}", "")}
            for n, name in enumerate(names, start=1)
        }
        return columns, [], ""


def _astropy_parameters(meta: Mapping[str, Any]) -> tuple[list[Parameter], str]:
    parameters = []
    for name, value in meta.items():
        if isinstance(value, str | bool | int | float) and name not in ("description", "comments"):
            parameters.append(Parameter(name, value))
    return parameters, str(meta.get("description", "") or "")


_READERS: dict[tuple[str, ...], Callable[[Path], Table]] = {
    (".csv", ".tsv", ".csv.zip"): read_csv,
    (".ecsv",): _read_with_astropy("ascii.ecsv"),
    (".fits", ".fit", ".fts"): _read_with_astropy("fits"),
    (".vot", ".votable", ".xml"): _read_with_astropy("votable"),
    (".parquet", ".pq"): read_parquet,
}
