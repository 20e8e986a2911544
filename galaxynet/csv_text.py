"""CSV that a spreadsheet does not execute, for every table that galaxynet writes or reads.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, and names and labels are
untrusted. Such a text gets a leading apostrophe, as OWASP advises ("CSV Injection"); so does one that already
has leading apostrophes, so that the guard can be undone exactly. Numbers are unchanged.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"'*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def guard(text: str) -> str:
    """A text as written to a cell."""
    return f"'{text}" if _is_formula(text) else text


def unguard(cell: str) -> str:
    """The text of a cell written by `guard`; any other is unchanged."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def write(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The text of a table; None is an empty cell."""
    lines: list[str] = []
    writer = csv.writer(_Lines(lines), lineterminator="\r\n")
    for row in (header, *rows):
        writer.writerow([guard(cell) if isinstance(cell, str) else cell for cell in row])
    # Written with \r\n, as Python quotes a lone \r only if it is part of the line end.
    return "".join(line[:-2] + "\n" for line in lines)


def write_dicts(header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """The text of a table of dicts; a missing value is an empty cell."""
    return write(header, ([row.get(name) for name in header] for row in rows))


def read(text: str, max_items: int = 20_000_000) -> list[list[str]]:
    """The rows of a table, the header first; empty lines are left out.

    Args:
        text: The table.
        max_items: The most rows and cells together; each takes up to fifty times its size in the file.

    Raises:
        csv.Error: If it is not CSV, or is too large.
    """
    rows: list[list[str]] = []
    for row in csv.reader(io.StringIO(text, newline="")):
        max_items -= 1 + len(row)
        if max_items < 0:
            raise csv.Error("it has too many rows and cells")
        if row:
            rows.append([unguard(cell) for cell in row])
    return rows


class _Lines:
    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def _is_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)
