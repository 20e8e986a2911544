"""The tables of galaxies: the competition's votes, lists of ids; CSV files, alone or in a zip."""

from __future__ import annotations

import contextlib
import csv
import io
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from galaxynet.errors import DataError
from galaxynet_galaxy_zoo.votes import COLUMNS

ID = "GalaxyID"
_ROUNDING = 1e-4
"""How far a published fraction may lie outside 0 and 1; the same as what the sums of answers may be off."""
_LARGEST_ID = 2**53
"""Up to here a float64 tells whole numbers apart."""


@dataclass(frozen=True)
class Votes:
    """The solutions of the competition.

    Attributes:
        ids: The galaxies.
        fractions: Their vote fractions, float64, shape (n, 37), in the order of `COLUMNS`.
    """

    ids: list[int]
    fractions: npt.NDArray[np.float64]


def read_votes(path: Path) -> Votes:
    """Read the solutions, from the zip as Kaggle gives it or from the unpacked CSV.

    Raises:
        DataError: If the file is damaged, lacks a column, or has a row that is no row of votes: an id that is
            no whole number, or a fraction outside 0 and 1.
    """
    with _open_table(path) as stream:
        header = next(csv.reader(stream), [])
        header = [name.strip() for name in header]
        missing = [name for name in (ID, *COLUMNS) if name not in header]
        if missing:
            more = f" and {len(missing) - 1} more columns" if len(missing) > 1 else ""
            raise DataError(
                f"{path} lacks the column {missing[0]}{more}.",
                "The votes are training_solutions_rev1.csv of the competition, with GalaxyID and 37 columns.",
            )
        columns = [header.index(name) for name in (ID, *COLUMNS)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # no rows: said below
                table = np.loadtxt(stream, delimiter=",", usecols=columns, ndmin=2)
        except ValueError as error:
            raise DataError(f"{path} has a row that is no row of votes: {error}.") from error
    if not len(table):
        raise DataError(f"{path} has no rows.")
    _check(path, table)
    ids = [int(value) for value in table[:, 0]]
    galaxy, rows = Counter(ids).most_common(1)[0]
    if rows > 1:
        raise DataError(f"{path} has {rows} rows of votes for galaxy {galaxy}.")
    return Votes(ids, table[:, 1:])


def _check(path: Path, table: npt.NDArray[np.float64]) -> None:
    """Refuse what would make a label without being a vote: argmax takes a NaN for the highest fraction."""
    ids, fractions = table[:, 0], table[:, 1:]
    whole = np.isfinite(ids) & (np.abs(ids) <= _LARGEST_ID) & (ids == np.floor(ids))
    if not whole.all():
        row = int(np.argmin(whole))
        raise DataError(f"{path}, row {row + 1} of votes: {ids[row]:g} is no {ID}, which is a whole number.")
    inside = (fractions >= -_ROUNDING) & (fractions <= 1 + _ROUNDING)  # false for NaN
    if not inside.all():
        row, column = np.argwhere(~inside)[0].tolist()
        raise DataError(
            f"{path}, row {row + 1} of votes, galaxy {ids[row]:.0f}: {COLUMNS[column]} is "
            f"{fractions[row, column]:g}, and no fraction from 0 to 1."
        )


def read_ids(path: Path) -> list[int]:
    """Read a list of galaxies: a CSV with a column GalaxyID. Repetitions are dropped.

    Raises:
        DataError: If the file is missing, lacks the column, has an id that is no number, or is empty.
    """
    ids = [galaxy_id(path, line, row[ID]) for line, row in rows_of(path, (ID,))]
    if not ids:
        raise DataError(f"{path} names no galaxies.", f"It needs a first line {ID} and one number a line.")
    return list(dict.fromkeys(ids))


def rows_of(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Number of the line and the wanted columns of every row that is not empty.

    Raises:
        DataError: If the file cannot be read or lacks a column.
    """
    with _open_table(path) as stream:
        reader = csv.reader(stream)
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            found = ", ".join(header)[:60] or "nothing"
            raise DataError(
                f"{path} lacks the column {missing[0]}: its first line says {found}.",
                f"The first line has to name the columns, separated by commas: {','.join(columns)}",
            )
        places = {name: header.index(name) for name in columns}
        for row in reader:
            if any(cell.strip() for cell in row):
                yield (
                    reader.line_num,
                    {name: row[at].strip() if at < len(row) else "" for name, at in places.items()},
                )


def galaxy_id(path: Path, line: int, text: str) -> int:
    """The number that a cell holds.

    Raises:
        DataError: If it is no whole number.
    """
    try:
        return int(text)
    except ValueError:
        raise DataError(f"{path}, line {line}: {text!r} is no {ID}, which is a whole number.") from None


@contextlib.contextmanager
def _open_table(path: Path) -> Iterator[IO[str]]:
    """A CSV file, alone or as the only one in a zip, as text; errors of reading become `DataError`."""
    try:
        with contextlib.ExitStack() as stack:
            if path.suffix != ".zip":
                yield stack.enter_context(path.open(encoding="utf-8-sig", newline=""))
                return
            archive = stack.enter_context(zipfile.ZipFile(path))
            tables = [name for name in archive.namelist() if _is_table(name)]
            if len(tables) != 1:
                raise DataError(f"{path} has {len(tables)} CSV files in it, not one.")
            member = stack.enter_context(archive.open(tables[0]))
            yield stack.enter_context(io.TextIOWrapper(member, encoding="utf-8-sig", newline=""))
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path} is not a whole zip archive: {error}.", "Fetch or make it again.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file in UTF-8: {error}.") from error


def _is_table(name: str) -> bool:
    return name.lower().endswith(".csv") and not name.startswith("__MACOSX/")
