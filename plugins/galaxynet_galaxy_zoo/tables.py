"""The tables of galaxies: the competition's votes, lists of ids; CSV files, alone or in a zip."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.csv_reading import read_table
from galaxynet.errors import DataError
from galaxynet.vote_tree import percentage_hint
from galaxynet_galaxy_zoo.ids import galaxy_id, shortened
from galaxynet_galaxy_zoo.votes import COLUMNS

ID = "GalaxyID"
_ROUNDING = 1e-4
"""How far a published fraction may be outside 0 and 1; also the tolerance of the answers' sums."""
_DECIMAL_COMMA = re.compile("-?[0-9]*,[0-9]+")


@dataclass(frozen=True)
class Votes:
    """The solutions of the competition.

    Attributes:
        ids: The galaxies.
        fractions: Their vote fractions, float64, shape (n, 37), ordered as `COLUMNS`; NaN if unknown.
    """

    ids: list[int]
    fractions: npt.NDArray[np.float64]


def read_votes(path: Path, *, partial: bool = False) -> Votes:
    """Read the solutions, from the zip as Kaggle gives it or from the unpacked CSV.

    Args:
        path: The table.
        partial: Take columns that are missing and cells that are blank for unknown fractions.

    Raises:
        DataError: If the file is damaged, lacks a column, or has two rows for a galaxy, an id that is not a
            whole number, or a fraction that is not a number from 0 to 1.
    """
    hint = "The votes are training_solutions_rev1.csv of the competition, with GalaxyID and 37 columns."
    ids: dict[int, None] = {}
    values = array("d")
    required, optional = ((), COLUMNS) if partial else (COLUMNS, ())
    for line, galaxy, cells in rows_of(path, required, hint, optional=optional):
        if galaxy in ids:
            raise DataError(f"{path}, line {line}: a second row of votes for galaxy {galaxy}.")
        ids[galaxy] = None
        try:
            values.extend(map(float, cells))
        except ValueError:
            del values[len(values) // len(COLUMNS) * len(COLUMNS) :]
            values.extend(
                math.nan if partial and not text.strip() else _fraction(path, line, galaxy, column, text)
                for column, text in zip(COLUMNS, cells, strict=True)
            )
    if not ids:
        raise DataError(f"{path} has no rows.")
    fractions = np.frombuffer(values, np.float64).reshape(-1, len(COLUMNS))
    if partial and np.isnan(fractions).all():
        raise DataError(f"{path} has no votes in any of its {len(ids):,} rows.", hint)
    _check(path, list(ids), fractions, partial)
    return Votes(list(ids), fractions)


def _fraction(path: Path, line: int, galaxy: int, column: str, text: str) -> float:
    """A number with a decimal point or comma. Fractions end at 1, so that a comma never marks thousands."""
    text = text.strip()
    try:
        return float(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        raise DataError(
            f"{path}, line {line}, galaxy {galaxy}: {column} is {shortened(text)!r}, not a number."
        ) from None


def _check(path: Path, ids: list[int], fractions: npt.NDArray[np.float64], partial: bool) -> None:
    """Refuse values that are not votes but would win a label: argmax treats NaN as the highest."""
    inside = (fractions >= -_ROUNDING) & (fractions <= 1 + _ROUNDING)  # false for NaN
    if partial:
        inside |= np.isnan(fractions)
    if not inside.all():
        row, column = np.argwhere(~inside)[0].tolist()
        raise DataError(
            f"{path}, row {row + 1} of votes, galaxy {ids[row]}: {COLUMNS[column]} is "
            f"{fractions[row, column]:g}, not a fraction from 0 to 1.",
            percentage_hint(float(np.nanmax(fractions))),
        )


def read_ids(path: Path) -> list[int]:
    """Read a list of galaxies: a CSV with a column GalaxyID. Repetitions are dropped.

    Raises:
        DataError: If the file is missing, lacks the column, has an id that is not a number, or is empty.
    """
    ids = {galaxy: None for _, galaxy, _ in rows_of(path)}
    if not ids:
        raise DataError(f"{path} names no galaxies.", f"It needs a first line {ID} and one number a line.")
    return list(ids)


def rows_of(
    path: Path, columns: tuple[str, ...] = (), hint: str = "", *, optional: tuple[str, ...] = ()
) -> Iterator[tuple[int, int, list[str]]]:
    """Line number, GalaxyID and the requested cells of every row that is not empty.

    Raises:
        DataError: As `read_table`, or if an id is not a whole number.
    """
    for line, (text, *cells) in read_table(path, (ID, *columns), hint, optional=optional):
        try:
            yield line, galaxy_id(text), cells
        except ValueError as error:
            raise DataError(f"{path}, line {line}: {error}.") from None
