"""The run folder: made in one step, opened, listed and found again.

runs/20261123-191505-galaxy_alexnet-k3x9ab/
  run.json  metrics.csv  predictions.csv  checkpoints/{best,last}.ckpt  figures/
"""

from __future__ import annotations

import csv
import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from galaxynet import atomic, csv_text, untrusted
from galaxynet.errors import RunError
from galaxynet.runs.environment import is_alive
from galaxynet.runs.predictions import Predictions
from galaxynet.runs.run_record import RunRecord, Status, new_id

RECORD = "run.json"
CHECKPOINTS = "checkpoints"
FIGURES = "figures"
METRICS = "metrics.csv"
PREDICTIONS = "predictions.csv"
WEIGHTS = "weights.safetensors"
CARD = "card.md"
_COUNTED = ("epoch", "step")
_LARGEST_RECORD = 8 * untrusted.MIB
_LARGEST_METRICS = 64 * untrusted.MIB
_MOST_METRICS = 5_000_000
_LARGEST_COUNT = 2**53

FOLDER_NAME = re.compile(r"\d{8}-\d{6}-.+-[a-z0-9]{6}")
"""The names that `create` gives."""


@dataclass
class Run:
    """A run folder and its record.

    Attributes:
        path: The folder.
        record: What its `run.json` says.
    """

    path: Path
    record: RunRecord

    @classmethod
    def open(cls, path: Path) -> Run:
        """Read a run folder.

        Raises:
            RunError: If it has no `run.json`, or one that cannot be read.
        """
        try:
            text = untrusted.read_text(path / RECORD, _LARGEST_RECORD)
        except (FileNotFoundError, NotADirectoryError):
            raise RunError(f"{path} is not a run folder: it has no {RECORD}.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{path / RECORD} cannot be read: {reason(error)}.") from None
        try:
            return cls(path, RunRecord.from_json(text))
        except RunError as error:
            raise RunError(f"{path / RECORD}: {error.message}", error.hint) from None

    @property
    def status(self) -> Status:
        """The record's status; `interrupted` if it says running and its process is gone."""
        if self.record.status == "running" and not is_alive(self.record.environment):
            return "interrupted"
        return self.record.status

    @property
    def label(self) -> str:
        """Its name, or its id if it has none."""
        return self.record.name or self.record.id

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / CHECKPOINTS

    @property
    def figures(self) -> Path:
        """The folder of the figures."""
        return self.path / FIGURES

    def inside(self, *parts: str) -> Path:
        """The path of something to be written into the folder.

        Raises:
            RunError: If a link leads out of the folder there.
        """
        return untrusted.inside(self.path, *parts)

    def save(self) -> None:
        """Write the record, in one step."""
        atomic.write_text(self.path / RECORD, self.record.to_json())

    def checkpoint(self, which: Literal["best", "last"] = "best") -> Path:
        """The path of a checkpoint.

        Raises:
            RunError: If there is no such checkpoint.
        """
        path = self.checkpoints / f"{which}.ckpt"
        if not path.is_file() and self.record.exported is not None:
            raise RunError(f"{self.label} has weights alone and no checkpoint, so it cannot be continued.")
        if not path.is_file():
            raise RunError(
                f"The run {self.label} has no {which} checkpoint ({path}).",
                f"Train it again with: galaxynet train --like {self.record.id}",
            )
        return path

    def weights_path(self) -> Path:
        """The path of the weights: the best checkpoint, or `weights.safetensors` of an exported run.

        Raises:
            RunError: If they are missing.
        """
        if self.record.exported is None:
            return self.checkpoint("best")
        path = self.path / WEIGHTS
        if not path.is_file():
            raise RunError(f"The weights {self.label} lack their file ({path}).")
        return path

    def metrics(self) -> list[dict[str, float]]:
        """The rows of `metrics.csv`, without their empty cells; none if nothing was logged.

        Epoch and step are whole numbers, everything else is a float.

        A row that was cut off while it was written is given as far as it can be read.

        Raises:
            RunError: If the file cannot be read, or its first line is not that of metrics.
        """
        try:
            # The bytes of a page that a crash lost are no numbers; what is around them can be read.
            text = untrusted.read_text(self.path / METRICS, _LARGEST_METRICS, errors="replace")
            header, *rows = csv_text.read(text, _MOST_METRICS) or [["epoch"]]
            if "epoch" not in header:
                raise RunError(
                    f"{self.path / METRICS} is damaged: its first line names no epoch.",
                    "Remove it: the run then has no curves.",
                )
            return [_numbers(header, row) for row in rows]
        except FileNotFoundError:
            return []
        except (OSError, csv.Error) as error:
            raise RunError(f"{self.path / METRICS} cannot be read: {reason(error)}.") from None

    def predictions(self) -> Predictions:
        """What it predicted for the test set.

        Raises:
            RunError: If `predictions.csv` is missing or damaged.
        """
        return Predictions.read(self.path / PREDICTIONS)


@dataclass(frozen=True)
class DamagedRun:
    """A run folder whose record cannot be read.

    Attributes:
        path: The folder.
        reason: Why, in a sentence.
    """

    path: Path
    reason: str


def create(runs_dir: Path, record: RunRecord) -> Run:
    """Make the folder of a new run: `<date>-<time>-<model>-<id>/`, with its record.

    The folder appears whole, and two runs that start at the same moment get two folders. The record's id is
    replaced if another run in `runs_dir` has it.

    Args:
        runs_dir: The folder of the runs; it is made if need be.
        record: The record; `started` (in local time) and `model` name the folder.

    Raises:
        RunError: If the folder cannot be made.
    """
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        building = runs_dir / f".new-run-{new_id()}{new_id()}"
        building.mkdir()
    except OSError as error:
        raise RunError(
            f"No run can be kept in {runs_dir}: {reason(error)}.", "Name another folder: --runs-dir"
        ) from None
    try:
        for part in (CHECKPOINTS, FIGURES):
            (building / part).mkdir()
        moment = record.started.astimezone().strftime("%Y%m%d-%H%M%S")
        model = re.sub(r"[^A-Za-z0-9_.-]", "_", record.model.name)
        taken = {folder.name[-6:] for folder in runs_dir.iterdir()}
        while True:
            while record.id in taken:
                record.id = new_id()
            atomic.write_text(building / RECORD, record.to_json())
            path = runs_dir / f"{moment}-{model}-{record.id}"
            try:
                building.rename(path)
            except OSError:
                if not path.exists():
                    raise
                taken.add(record.id)
                continue
            return Run(path, record)
    except OSError as error:
        raise RunError(
            f"No run can be kept in {runs_dir}: {reason(error)}.", "Name another folder: --runs-dir"
        ) from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _numbers(header: Sequence[str], row: Sequence[str]) -> dict[str, float]:
    # A row that was cut off is shorter than the header, and a damaged one may be longer.
    numbers = {
        name: _number(cell, whole=name in _COUNTED) for name, cell in zip(header, row, strict=False) if cell
    }
    return {name: number for name, number in numbers.items() if number is not None}


def _number(cell: str, whole: bool) -> float | None:
    """The number in a cell; infinite if it is beyond float32, None if it is not one."""
    try:
        number = float(cell)
        if not whole:
            beyond = untrusted.LARGEST <= abs(number) < math.inf
            return math.copysign(math.inf, number) if beyond else number
        # Whole numbers stay whole, for a resumed run writes these rows again.
        return int(cell) if 0 <= number < _LARGEST_COUNT else None
    except ValueError:
        return None


def reason(error: Exception) -> str:
    """Why something failed, without the path that the message names already."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
