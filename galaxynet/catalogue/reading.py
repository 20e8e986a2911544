"""Reading tables of any of the formats into memory: CSV, ECSV, FITS, VOTable, Parquet."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import csv_text, untrusted
from galaxynet.catalogue.columns import Column, Kind, Parameter, Table, clean_text, make_table
from galaxynet.catalogue.csv_reading import read_rows
from galaxynet.catalogue.text_formats import metadata_path
from galaxynet.errors import DataError
from galaxynet.extras import optional_module

_LARGEST_METADATA = 16 * untrusted.MIB
_KINDS: dict[str, Kind] = {
    "b": "bool",
    "int8": "int16",
    "uint8": "int16",
    "int16": "int16",
    "uint16": "int32",
    "int32": "int32",
    "uint32": "int64",
    "int64": "int64",
    "float16": "float32",
    "float32": "float32",
    "float64": "float64",
}
_CSVW: dict[str, Kind] = {
    "string": "string",
    "boolean": "bool",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
}
_POSITIONS = {
    "ra": ("deg", "pos.eq.ra;meta.main"),
    "dec": ("deg", "pos.eq.dec;meta.main"),
}
"""Columns that a CSV cannot say more of."""


Described = tuple[dict[str, dict[str, str]], list[Parameter], str]
"""Attributes of columns by their names, parameters, and the table's description."""


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


def _read_csv(path: Path) -> Table:
    rows = read_rows(path)
    header = [name or f"column{number}" for number, name in enumerate(next(rows, []), start=1)]
    if not header or len(set(header)) < len(header):
        repeated = next((name for name in header if header.count(name) > 1), "")
        raise DataError(
            f"{path} has two columns called {repeated}." if repeated else f"{path} is empty.",
            "Rename one of them." if repeated else "",
        )
    cells: list[list[str]] = [[] for _ in header]
    for row in rows:
        for texts, cell in zip(cells, row, strict=True):
            texts.append(cell)
    described, parameters, description = _csv_metadata(path)
    columns, values = [], {}
    for name, texts in zip(header, cells, strict=True):
        column = described.get(name)
        if column is None:
            kind, array = _typed(texts)
            unit, ucd = _POSITIONS.get(name.casefold(), ("", "")) if kind.startswith("float") else ("", "")
            column = Column(name, kind, unit, ucd)
        else:
            array = _as(column.type, texts)
        columns.append(column)
        values[name] = array
    return make_table(columns, values, parameters, description)


def _csv_metadata(path: Path) -> tuple[dict[str, Column], list[Parameter], str]:
    """What the file beside a CSV says of it; nothing if it is missing or damaged."""
    try:
        metadata = untrusted.parse_json(untrusted.read_text(metadata_path(path), _LARGEST_METADATA))
        columns = {
            entry["name"]: Column(
                entry["name"],
                _CSVW[entry["datatype"]],
                entry.get("unit", ""),
                entry.get("ucd", ""),
                entry.get("dc:description", ""),
            )
            for entry in metadata["tableSchema"]["columns"]
        }
        parameters = [
            Parameter(entry["name"], entry["value"], entry.get("ucd", ""), entry.get("description", ""))
            for entry in metadata.get("parameters", ())
        ]
        return columns, parameters, str(metadata.get("dc:description", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, [], ""


def _typed(texts: Sequence[str]) -> tuple[Kind, npt.NDArray[Any]]:
    """The narrowest type that holds all cells of a CSV: whole numbers, numbers, or text."""
    stripped = [text.strip() for text in texts]
    present = [text for text in stripped if text]
    # 007 and +1 are names, and no integer type holds twenty digits.
    if present and len(present) == len(stripped) and all(_is_whole(text) for text in present):
        return "int64", np.array([int(text) for text in present], np.int64)
    if present and not any(_is_padded(text) for text in present):
        try:
            return "float64", np.array([float(text) if text else math.nan for text in stripped], np.float64)
        except ValueError:
            pass
    return "string", np.array([clean_text(text) for text in texts], dtype=object)


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 19 and str(int(digits)) == digits


def _is_padded(text: str) -> bool:
    """True for digits that are a name, as 007, or too many for a float."""
    digits = text.lstrip("+-")
    return digits.isdigit() and (len(digits) > 15 or (len(digits) > 1 and digits[0] == "0"))


def _as(kind: Kind, texts: Sequence[str]) -> npt.NDArray[Any]:
    if kind == "string":
        return np.array([csv_text.unguard(text) for text in texts], dtype=object)
    if kind == "bool":
        return np.array([text.strip().lower() in ("true", "1", "t") for text in texts], dtype=np.bool_)
    if kind.startswith("float"):
        return np.array([float(text) if text.strip() else math.nan for text in texts], dtype=kind)
    return np.array([int(text) for text in texts], dtype=kind)


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
        array = _plain_array(source)
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
            return _described(np.asarray(primary.data, np.uint8).tobytes())
        header = next(hdu.header for hdu in hdus if type(hdu).__name__ == "BinTableHDU")
        columns = {
            name: {"ucd": header.get(f"TUCD{n}", ""), "description": header.get(f"TCOMM{n}", "")}
            for n, name in enumerate(names, start=1)
        }
        return columns, [], ""


def _plain_array(source: Any) -> tuple[Kind, npt.NDArray[Any]] | None:
    mask = getattr(source, "mask", None)
    array = np.asarray(getattr(source, "filled", lambda: source)() if mask is None else source)
    if array.ndim != 1:
        return None
    missing = np.zeros(len(array), bool) if mask is None else np.broadcast_to(np.asarray(mask), array.shape)
    if array.dtype.kind in "SUO":
        texts = [
            "" if gone or value is None else clean_text(_text(value))
            for value, gone in zip(array.tolist(), missing.tolist(), strict=True)
        ]
        return "string", np.array(texts, dtype=object)
    kind = _KINDS.get(array.dtype.kind if array.dtype.kind == "b" else array.dtype.newbyteorder("=").name)
    if kind is None:
        kind = "float64"
    if missing.any() and kind != "bool":
        kind = kind if kind.startswith("float") else "float64"
        array = array.astype(kind)
        array[missing] = np.nan
    return kind, np.ascontiguousarray(array, dtype=kind)


def _text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace").rstrip() if isinstance(value, bytes) else str(value)


def _astropy_parameters(meta: Mapping[str, Any]) -> tuple[list[Parameter], str]:
    parameters = []
    for name, value in meta.items():
        if isinstance(value, str | bool | int | float) and name not in ("description", "comments"):
            parameters.append(Parameter(name, value))
    return parameters, str(meta.get("description", "") or "")


def _read_parquet(path: Path) -> Table:
    parquet = optional_module("pyarrow.parquet", "Parquet")
    file = parquet.ParquetFile(path)
    described = _described((file.schema_arrow.metadata or {}).get(b"IVOA.VOTable-Parquet.content", b""))
    arrow = file.read()
    columns, values = [], {}
    for name in arrow.column_names:
        source = arrow.column(name)
        if str(source.type) in ("string", "large_string", "string_view") or str(source.type).startswith(
            "dictionary"
        ):
            kind: Kind = "string"
            array = np.array(
                [clean_text(str(v)) if v is not None else "" for v in source.to_pylist()], dtype=object
            )
        else:
            plain = _plain_array(source.to_numpy())
            if plain is None or str(source.type).startswith(("list", "struct", "fixed", "binary", "map")):
                continue
            kind, array = plain
        known = described[0].get(name, {})
        columns.append(
            Column(name, kind, known.get("unit", ""), known.get("ucd", ""), known.get("description", ""))
        )
        values[name] = array
    return make_table(columns, values, described[1], described[2])


def _described(content: bytes) -> Described:
    """Columns, parameters and description by a VOTable header; nothing if it cannot be read."""
    from xml.etree import ElementTree

    # A document type could define entities that grow without bounds; a VOTable has none.
    if not content or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        return {}, [], ""
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return {}, [], ""
    table = root.find(".//{*}TABLE")
    if table is None:
        return {}, [], ""
    columns = {
        field.get("name", ""): {
            "unit": field.get("unit", ""),
            "ucd": field.get("ucd", ""),
            "description": field.findtext("{*}DESCRIPTION", "").strip(),
        }
        for field in table.iterfind("{*}FIELD")
    }
    parameters = [
        Parameter(
            param.get("name", ""),
            _value(param.get("datatype", ""), param.get("value", "")),
            param.get("ucd", ""),
            param.findtext("{*}DESCRIPTION", "").strip(),
        )
        for param in table.iterfind("{*}PARAM")
    ]
    return columns, parameters, table.findtext("{*}DESCRIPTION", "").strip()


def _value(datatype: str, text: str) -> str | int | float | bool:
    try:
        if datatype == "boolean":
            return text == "true"
        if datatype in ("int", "long", "short"):
            return int(text)
        if datatype in ("float", "double"):
            return float(text)
    except ValueError:
        pass
    return text


_READERS: dict[tuple[str, ...], Callable[[Path], Table]] = {
    (".csv", ".tsv", ".csv.zip"): _read_csv,
    (".ecsv",): _read_with_astropy("ascii.ecsv"),
    (".fits", ".fit", ".fts"): _read_with_astropy("fits"),
    (".vot", ".votable", ".xml"): _read_with_astropy("votable"),
    (".parquet", ".pq"): _read_parquet,
}
