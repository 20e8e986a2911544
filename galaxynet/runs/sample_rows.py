"""Tables of a run with a row for each test sample: reading them within bounds."""

from __future__ import annotations

import csv
from pathlib import Path

from galaxynet import csv_text, untrusted
from galaxynet.errors import RunError


def read_rows(path: Path, largest: int) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table, all of one length.

    Args:
        path: The file.
        largest: The most bytes that it may have.

    Raises:
        RunError: If it is missing or damaged, or a row is cut off.
    """
    try:
        header, *rows = csv_text.read(untrusted.read_text(path, largest)) or [[]]
    except FileNotFoundError:
        raise RunError(f"{path.parent} has no {path.name}: the run did not get as far as its test.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RunError(f"{path} cannot be read: {reason}.") from None
    short = next((number for number, row in enumerate(rows, 2) if len(row) != len(header)), None)
    if short is not None:
        raise RunError(f"{path}, row {short}: it does not have {len(header)} cells.")
    return header, rows
