"""The receipt of a dataset: the files in its folder, their hashes, when and from where they came.

It is `receipt.json` in the folder of the dataset. With it a second fetch makes no request, and
`galaxynet datasets --verify` can tell whether the files have changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from galaxynet import atomic, untrusted
from galaxynet.errors import DataError, first_fault
from galaxynet.runs.record_parts import Moment

NAME = "receipt.json"
SCHEMA = 1
_MAX_BYTES = 16 * untrusted.MIB


class DamagedReceiptError(DataError):
    """A receipt that cannot be read."""


class FileReceipt(BaseModel):
    """What is recorded of one file.

    Attributes:
        name: Its name in the folder of the dataset.
        size: Its size in bytes.
        sha256: Its SHA-256, 64 hex digits.
        source: Where it came from, in words; never with a credential or a signed URL.
        fetched: When, in UTC.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^[^/\\\x00]+$")
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    source: str
    fetched: Moment


class Receipt(BaseModel):
    """The files of a dataset.

    Attributes:
        schema_version: Version of this format, `schema` in the file.
        dataset: The dataset's name.
        distribution: The installed package that declared the dataset.
        version: That package's version.
        files: The files by name.
        options: The options of the simulator that made them; None if they were not simulated.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    schema_version: int = Field(default=SCHEMA, alias="schema")
    dataset: str
    distribution: str = ""
    version: str = ""
    files: dict[str, FileReceipt] = {}
    options: dict[str, Any] | None = None

    def save(self, folder: Path) -> None:
        """Write the receipt into the folder of the dataset, atomically."""
        # With json: pydantic's own writer fails on names that are not UTF-8.
        values = self.model_dump(mode="json", by_alias=True)
        atomic.write_text(folder / NAME, json.dumps(values, indent=2, ensure_ascii=False) + "\n")

    def holds(self, folder: Path, name: str) -> bool:
        """True if a file is recorded, and present with the recorded size."""
        entry = self.files.get(name)
        try:
            return entry is not None and (folder / name).stat().st_size == entry.size
        except OSError:
            return False


def load(folder: Path) -> Receipt | None:
    """The receipt in the folder of a dataset, or None if there is none.

    Raises:
        DamagedReceiptError: If it cannot be read.
        DataError: If a newer galaxynet wrote it.
    """
    path = folder / NAME
    try:
        text = untrusted.read_text(path, _MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DamagedReceiptError(f"{path} cannot be read: {reason}.", _hint(folder)) from None
    try:
        receipt = Receipt.model_validate(untrusted.parse_json(text))
    except ValueError as error:
        validation = isinstance(error, ValidationError)
        reason = ": ".join(filter(None, first_fault(error))) if validation else str(error)
        raise DamagedReceiptError(f"{path} is damaged: {reason}.", _hint(folder)) from None
    if receipt.schema_version > SCHEMA:
        raise DataError(
            f"{path} was written by a newer galaxynet (format {receipt.schema_version}, not {SCHEMA}).",
            "Upgrade with: pip install --upgrade galaxynet",
        )
    return receipt


def _hint(folder: Path) -> str:
    return f"To verify the files again: galaxynet fetch {folder.name}"
