"""Columns and parameters of a table, and what a cell of text may hold.

UCDs are the words of the IVOA's controlled vocabulary that say what a quantity is (UCD1+ 1.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["string", "bool", "int16", "int32", "int64", "float32", "float64"]
Block = Mapping[str, npt.NDArray[Any]]
"""Consecutive rows: for each column an array of one axis, all of one length; text as Python strings."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name, unique in the table.
        type: The type of its cells.
        unit: Its unit as VOUnits writes it, for example `deg`; empty for none.
        ucd: What it is, for example `stat.probability`; empty if no UCD fits.
        description: The same in a phrase.
        nullable: Whether a row with a prediction may have NaN here; otherwise NaN means that the prediction
            failed. Files do not keep it.
    """

    name: str
    type: Kind
    unit: str = ""
    ucd: str = ""
    description: str = ""
    nullable: bool = field(default=False, compare=False)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type of its arrays; `object` for text."""
        return np.dtype(object if self.type == "string" else self.type)

    @property
    def missing(self) -> Any:
        """What stands in a row without a value: NaN, an empty text, 0 or False."""
        if self.type == "string":
            return ""
        return np.dtype(self.type).type(np.nan if self.type.startswith("float") else 0)


@dataclass(frozen=True)
class Parameter:
    """A fact about a whole table.

    Attributes:
        name: Its name: letters, digits and underscores.
        value: A text, a number or a truth value.
        ucd: What it is; empty if no UCD fits.
        description: The same in a phrase.
    """

    name: str
    value: str | int | float | bool
    ucd: str = ""
    description: str = ""


@dataclass(frozen=True)
class Layout:
    """What is known of a table before its rows.

    Attributes:
        columns: Its columns, in order.
        parameters: Facts about the whole.
        description: What the table is, in a sentence.
        rows: How many rows there are.
        widths: Characters of the longest text in each column of text.
    """

    columns: tuple[Column, ...]
    parameters: tuple[Parameter, ...] = ()
    description: str = ""
    rows: int = 0
    widths: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table in memory.

    Attributes:
        layout: Columns and parameters.
        values: The rows.
    """

    layout: Layout
    values: Block

    def __len__(self) -> int:
        return self.layout.rows

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.values[name]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""
        return self.layout.columns

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.layout.columns)

    @property
    def parameters(self) -> dict[str, str | int | float | bool]:
        """Facts about the whole table, by name."""
        return {parameter.name: parameter.value for parameter in self.layout.parameters}


def make_table(
    columns: Sequence[Column], values: Block, parameters: Iterable[Parameter] = (), description: str = ""
) -> Table:
    """A table of arrays; works out rows and widths."""
    rows = len(values[columns[0].name]) if columns else 0
    return Table(
        Layout(tuple(columns), tuple(parameters), description, rows, widths_of(columns, values)), values
    )


def widths_of(columns: Iterable[Column], values: Block) -> dict[str, int]:
    """Characters of the longest text of each column of text."""
    return {
        column.name: max(map(len, values[column.name]), default=0)
        for column in columns
        if column.type == "string"
    }


def clean_text(text: str) -> str:
    r"""A text as all formats can hold it: control characters and stray bytes are spelt out, as `\x1b`."""
    return _CONTROL.sub(_spelt_out, text) if _CONTROL.search(text) else text


def _spelt_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:  # Python's way to hold a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
