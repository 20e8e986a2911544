"""A FITS binary table with units, UCDs and comments. Needs astropy; holds the whole table in memory."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue import votable
from galaxynet.catalogue.columns import Block, Column, Layout
from galaxynet.extras import optional_module

_CODES = {"bool": "L", "int16": "I", "int32": "J", "int64": "K", "float32": "E", "float64": "D"}
_CARD = 68


def write_fits(path: Path, layout: Layout, blocks: Iterable[Block]) -> None:
    """Write a FITS file with one binary table.

    Text is ASCII, as the standard demands; other characters are spelt out. The facts about the whole table
    are in its header, as `HIERARCH GALAXYNET NAME`, and with all else in a VOTable in the primary HDU.
    """
    fits = optional_module("astropy.io.fits", "FITS")
    parts: dict[str, list[npt.NDArray[Any]]] = {column.name: [] for column in layout.columns}
    for block in blocks:
        for column in layout.columns:
            parts[column.name].append(_array(column, block[column.name]))
    names = _names([column.name for column in layout.columns])
    columns = []
    for column, name in zip(layout.columns, names, strict=True):
        array = np.concatenate(parts.pop(column.name) or [_array(column, np.empty(0, column.dtype))])
        code = f"{max(array.dtype.itemsize, 1)}A" if column.type == "string" else _CODES[column.type]
        columns.append(fits.Column(name=name, format=code, unit=column.unit or None, array=array))
    with warnings.catch_warnings():
        # Names and units that FITS advises against are still what the table's other formats have.
        warnings.simplefilter("ignore")
        table = fits.BinTableHDU.from_columns(columns, name="CATALOGUE")
        for number, column in enumerate(layout.columns, start=1):
            if column.ucd:
                table.header[f"TUCD{number}"] = column.ucd
            if column.description:
                table.header[f"TCOMM{number}"] = _ascii(column.description)
        _add_parameters(table.header, layout)
        fits.HDUList([_votable_hdu(fits, layout), table]).writeto(path, checksum=True)


def _votable_hdu(fits: Any, layout: Layout) -> Any:
    """The VOTable header as bytes of the primary HDU, where TOPCAT looks for it (its FITS-plus)."""
    hdu = fits.PrimaryHDU(np.frombuffer(votable.header(layout).encode("utf-8"), np.uint8))
    hdu.header["VOTMETA"] = (True, "the data are a VOTable without its table")
    return hdu


def _add_parameters(header: Any, layout: Layout) -> None:
    """The parameters as cards of their full names, which are longer than eight characters (HIERARCH)."""
    for parameter in layout.parameters:
        value: Any = parameter.value
        keyword = parameter.name.upper().replace("_", " ")
        if isinstance(value, str):
            value = _ascii(value)
            # A card holds 80 characters, name included, and HIERARCH has no continuation.
            room = _CARD - len(keyword) - 8
            if len(value) > room:
                header.add_comment(f"{parameter.name}: {value}")
                continue
        header[f"HIERARCH GALAXYNET {keyword}"] = value
    if layout.description:
        header.add_comment(_ascii(layout.description))


def _array(column: Column, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if column.type != "string":
        return np.asarray(values, dtype=column.type)
    return np.array([_ascii(value).encode("ascii") for value in values.tolist()] or [b""])[: len(values)]


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _names(names: list[str]) -> list[str]:
    """Names that differ in more than their case, by which FITS does not tell columns apart."""
    unique: list[str] = []
    for name in map(_ascii, names):
        candidate, number = name, 2
        while candidate.casefold() in {other.casefold() for other in unique}:
            candidate, number = f"{name}_{number}", number + 1
        unique.append(re.sub(r"\s+", " ", candidate))
    return unique
