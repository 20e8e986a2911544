"""Tables as people have them: CSV as spreadsheets and scripts write it, alone or in a zip."""

from __future__ import annotations

import contextlib
import csv
import io
import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO

from galaxynet.encoding import conversion_hint, encoding_of, wrong_byte
from galaxynet.errors import DataError
from galaxynet.zip_members import UNPACKING_ERRORS, MemberError, open_member

LONGEST_LINE = 1_000_000
"""Characters; a longer line is no table's, and reading it could take all memory."""
LARGEST_IN_ZIP = 2**28
"""Bytes; a few megabytes of zip can unpack to any number."""

_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_ZIP = b"PK\x03\x04"
_SUFFIXES = (".csv", ".tsv", ".txt")


def read_table(
    path: Path, columns: Sequence[str], hint: str = "", *, optional: Sequence[str] = ()
) -> Iterator[tuple[int, list[str]]]:
    """The number of the line and the cells of the wanted columns, for every row that is not empty.

    Cells may be separated by commas, semicolons or tabs. The text may be UTF-8, or UTF-16 or UTF-32 with a
    byte order mark. Case and order of the columns do not matter; others are ignored.

    Args:
        path: The table, or a zip that holds one.
        columns: Names of the wanted columns.
        hint: The way out where a column is missing; the names of the columns if empty.
        optional: Names of more columns, whose cells are empty where the table lacks them.

    Yields:
        The line in which the row ends, and the wanted cells.

    Raises:
        DataError: If the file cannot be read, is not a table, lacks a column, or has a row of more cells than
            there are columns.
    """
    with _text(path) as stream:
        lines = enumerate(_lines(path, stream), start=1)
        above, first = next(((number, line) for number, line in lines if line.strip()), (1, ""))
        if first.lower().startswith("sep=") and len(first.strip()) <= 5:  # a note for Excel
            above, first = next(lines, (above, ""))
        delimiter, header = _header(first, [*columns, *optional])
        indices = [_column(path, header, name, columns, hint) for name in columns]
        present = {name.casefold() for name in header}
        more = [
            _column(path, header, name, columns, hint) if name.casefold() in present else None
            for name in optional
        ]
        reader = csv.reader((line for _, line in lines), delimiter=delimiter, strict=True)
        for row in reader:
            if len(row) < len(header):
                row += [""] * (len(header) - len(row))
            elif len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
                raise DataError(
                    f"{path}, line {above + reader.line_num}: {len(row)} cells in a table of "
                    f"{len(header)} columns.",
                    f"Put a cell that contains {_NAMES[delimiter]} between double quotes.",
                )
            if any(map(str.strip, row)):
                cells = [row[index] for index in indices]
                cells += ["" if index is None else row[index] for index in more]
                yield above + reader.line_num, cells


def read_rows(path: Path) -> Iterator[list[str]]:
    """The header of a table and then its rows, each with a cell for every column.

    Raises:
        DataError: As `read_table`.
    """
    with _text(path) as stream:
        lines = _lines(path, stream)
        delimiter, header = _header(next((line for line in lines if line.strip()), ""), ())
        yield header
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        for row in reader:
            if len(row) > len(header) and any(cell.strip() for cell in row[len(header) :]):
                raise DataError(f"{path} has a row of {len(row)} cells in a table of {len(header)} columns.")
            if any(map(str.strip, row)):
                yield [*row[: len(header)], *[""] * (len(header) - len(row))]


def _header(line: str, columns: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter that makes most of the wanted columns of a line, and the names that it makes."""

    def names(delimiter: str) -> list[str]:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]

    def matches(delimiter: str) -> int:
        present_names = {name.casefold() for name in names(delimiter)}
        return sum(name.casefold() in present_names for name in columns)

    delimiter = max(_NAMES, key=matches)  # the first of equals
    if not matches(delimiter):
        delimiter = max(_NAMES, key=line.count)
    return delimiter, names(delimiter)


def _column(path: Path, header: list[str], name: str, columns: Sequence[str], hint: str) -> int:
    if name in header:
        return header.index(name)
    alike = [index for index, title in enumerate(header) if title.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise DataError(
            f"{path} has several columns called {name}: {', '.join(header[index] for index in alike)}.",
            "Rename all but one.",
        )
    present = {title.casefold() for title in header}
    missing = [column for column in columns if column.casefold() not in present]
    more = f" and {len(missing) - 1} more columns" if len(missing) > 1 else ""
    start = ", ".join(header)[:60] or "nothing"
    raise DataError(
        f"{path} lacks the column {missing[0]}{more}: its first line says {start}.",
        hint or f"The first line has to name the columns: {','.join(columns)}",
    )


def _lines(path: Path, stream: IO[str]) -> Iterator[str]:
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise DataError(f"{path} is not a table: it has a line of more than {LONGEST_LINE:,} characters.")
        if "\0" in line:
            raise DataError(
                f"{path} is not a table in UTF-8: it has a zero byte.",
                "If it is UTF-16, convert it with: iconv -f UTF-16LE -t UTF-8 IN > OUT",
            )
        yield line


@contextlib.contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    """A table's text; errors of reading become `DataError`."""
    try:
        with contextlib.ExitStack() as stack:
            file = _open(path, stack)
            encoding = encoding_of(file.read(4))
            file.seek(0)
            yield stack.enter_context(io.TextIOWrapper(file, encoding=encoding, newline=""))
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-8"):
            message = f"{path} is not a table in UTF-8: it has the {wrong_byte(error)}."
            raise DataError(message, f"Save it as CSV in UTF-8. {conversion_hint(error)}") from None
        raise DataError(f"{path} is damaged {error.encoding.upper()}: {error.reason}.") from None
    except csv.Error as error:
        raise DataError(
            f"{path} is not a CSV file: {error}.", "Look for a double quote that is opened and not closed."
        ) from error
    except MemberError as error:
        raise DataError(f"The table in {path} cannot be read: {error}.", "Fetch or make it again.") from error
    except UNPACKING_ERRORS as error:
        raise DataError(f"{path} is not a whole zip archive: {error}.", "Fetch or make it again.") from error


def _open(path: Path, stack: contextlib.ExitStack) -> BinaryIO | IO[bytes]:
    if not stat.S_ISREG(path.stat().st_mode):
        raise DataError(f"{path} is not an ordinary file.", "Name a CSV file.")
    file = stack.enter_context(path.open("rb"))
    start = file.read(4)
    file.seek(0)
    if start != _ZIP and path.suffix.lower() != ".zip":
        return file
    archive = stack.enter_context(zipfile.ZipFile(file))
    members = [member for member in archive.infolist() if not member.filename.startswith("__MACOSX")]
    tables: list[zipfile.ZipInfo] = []
    for suffix in _SUFFIXES:
        tables = tables or [member for member in members if member.filename.lower().endswith(suffix)]
    if len(tables) == 1:
        return stack.enter_context(open_member(archive, tables[0], LARGEST_IN_ZIP))
    names = {member.filename for member in members}
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise DataError(
            f"{path} is a spreadsheet, not a CSV file.", "Save it as CSV in your spreadsheet program."
        )
    raise DataError(f"{path} has {len(tables)} CSV files in it, not one.")
