"""The finished parts of a prediction, kept beside its output until it is complete.

A part is written in one step, so whatever ends the process, what is there is whole, and the same command
continues with the first row that is missing.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import atomic, locks, untrusted
from galaxynet.catalogue.columns import Block, Column, widths_of
from galaxynet.errors import DataError

_JOB = "job.json"
_LOCK = "lock"
_LARGEST_JOB = 16 * untrusted.MIB
_LARGEST_PART = 2**32
_ROWS = "rows"
_WIDTHS = "widths"


def parts_folder(output: Path) -> Path:
    """The folder of the parts of a catalogue."""
    return output.with_name(output.name + ".parts")


class Parts:
    """The folder of a prediction's parts.

    Args:
        output: The catalogue that they are for.
        columns: Its columns.
    """

    def __init__(self, output: Path, columns: Sequence[Column]) -> None:
        self.output = output
        self.folder = parts_folder(output)
        self.columns = tuple(columns)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes out of the folder.

        Raises:
            DataError: If one is writing to it.
        """
        busy = DataError(f"Another process is writing {self.output}.")
        with locks.hold(self.folder / _LOCK, busy=busy):
            yield

    def job(self) -> dict[str, Any] | None:
        """What the parts are of; None if it is missing or damaged."""
        try:
            job = untrusted.parse_json(untrusted.read_text(self.folder / _JOB, _LARGEST_JOB))
        except (OSError, ValueError):
            return None
        return job if isinstance(job, dict) else None

    def begin(self, job: Mapping[str, Any]) -> None:
        """Begin with no parts."""
        self.remove()
        with atomic.new_folder(self.folder) as building:
            (building / _JOB).write_text(json.dumps(job, indent=2, sort_keys=True), encoding="utf-8")

    def add(self, number: int, block: Block) -> None:
        """Keep a part, in one step."""
        widths = widths_of(self.columns, block)
        arrays: dict[str, npt.NDArray[Any]] = {
            f"c{index}": np.array(block[column.name].tolist(), dtype=f"U{max(widths[column.name], 1)}")
            if column.type == "string"
            else block[column.name]
            for index, column in enumerate(self.columns)
        }
        rows = len(block[self.columns[0].name])
        content = io.BytesIO()
        arrays[_ROWS] = np.array(rows)
        arrays[_WIDTHS] = np.array([widths.get(column.name, 0) for column in self.columns])
        np.savez(content, allow_pickle=False, **arrays)
        atomic.write_bytes(self._path(number), content.getbuffer())

    def complete(self) -> list[int]:
        """Rows of each part, up to the first that is missing or damaged."""
        rows: list[int] = []
        while (part := self._read(len(rows), (_ROWS,))) is not None:
            rows.append(int(part[_ROWS]))
        return rows

    def widths(self, count: int) -> dict[str, int]:
        """Characters of the longest text in each column of text, over the first parts."""
        widest = np.zeros(len(self.columns), int)
        for number in range(count):
            widest = np.maximum(widest, self._part(number, (_WIDTHS,))[_WIDTHS])
        return {
            column.name: int(width)
            for column, width in zip(self.columns, widest, strict=True)
            if column.type == "string"
        }

    def blocks(self, count: int) -> Iterator[Block]:
        """The rows of the first parts, a part at a time."""
        for number in range(count):
            part = self._part(number, [f"c{index}" for index in range(len(self.columns))])
            yield {
                column.name: part[f"c{index}"].astype(column.dtype, copy=False)
                for index, column in enumerate(self.columns)
            }

    def remove(self) -> None:
        """Remove the folder: renamed first, so that half of it is never taken for the whole.

        The name is always the same, so that the next call finds what an interrupted one has left, and
        touches nothing else in a folder that is the user's.
        """
        discarded = self.folder.with_name(f".{self.folder.name}.removing")
        shutil.rmtree(discarded, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            self.folder.rename(discarded)
        shutil.rmtree(discarded, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.npz"

    def _part(self, number: int, names: Sequence[str]) -> dict[str, Any]:
        part = self._read(number, names)
        if part is None:
            raise DataError(f"{self._path(number)} is damaged.", "Start over with --overwrite.")
        return part

    def _read(self, number: int, names: Sequence[str]) -> dict[str, Any] | None:
        path = self._path(number)
        try:
            with untrusted.open_regular(path, _LARGEST_PART) as stream, np.load(stream) as arrays:
                return {name: arrays[name] for name in names}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            path.unlink(missing_ok=True)
            return None
