"""What a run predicted for its test set: `predictions.csv`, one row a sample.

The columns are `id`, `label`, `prediction` and, for each class, `p:<class>` with its probability. Labels and
predictions are names of classes. The file is what two runs are paired by when they are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxynet import atomic, csv_text, untrusted
from galaxynet.errors import RunError
from galaxynet.runs.sample_rows import read_rows

_COLUMNS = ("id", "label", "prediction")
_PREFIX = "p:"
_LARGEST = 256 * untrusted.MIB
_LONGEST_HEADER = untrusted.MIB


@dataclass(frozen=True)
class Predictions:
    """Predictions of a classifier, in file order.

    Attributes:
        ids: Ids of the samples.
        labels: Names of their classes.
        predictions: Names of the classes that were predicted.
        classes: Names of the classes that have probabilities, by index.
        probabilities: For each sample, one probability a class; empty if none were kept.
    """

    ids: Sequence[str]
    labels: Sequence[str]
    predictions: Sequence[str]
    classes: Sequence[str] = ()
    probabilities: Sequence[Sequence[float]] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def correct(self) -> list[bool]:
        """For each sample, whether it was predicted right."""
        return [label == guess for label, guess in zip(self.labels, self.predictions, strict=True)]

    @classmethod
    def read(cls, path: Path) -> Predictions:
        """Read a file that `write` wrote.

        Raises:
            RunError: If it is missing, lacks a column, or a row is cut off.
        """
        header, rows = read_rows(path, _LARGEST)
        if tuple(header[:3]) != _COLUMNS:
            raise RunError(f"{path} does not begin with the columns {', '.join(_COLUMNS)}.")
        try:
            probabilities = [[float(cell) for cell in row[3:]] for row in rows] if len(header) > 3 else []
        except ValueError as error:
            raise RunError(f"{path}: {error}.") from None
        return cls(
            ids=[row[0] for row in rows],
            labels=[row[1] for row in rows],
            predictions=[row[2] for row in rows],
            classes=[name.removeprefix(_PREFIX) for name in header[3:]],
            probabilities=probabilities,
        )


def keeps_probabilities(path: Path) -> bool:
    """Whether a file has columns of probabilities, by its first line alone."""
    try:
        with untrusted.open_regular(path, _LARGEST) as stream:
            return f",{_PREFIX}".encode() in stream.readline(_LONGEST_HEADER).replace(b'"', b"")
    except OSError:
        return False


def write_predictions(
    path: Path,
    ids: Iterable[str | int],
    labels: Iterable[str],
    predictions: Iterable[str],
    classes: Sequence[str] = (),
    probabilities: Iterable[Sequence[float]] | None = None,
) -> None:
    """Write `predictions.csv` in one step.

    Args:
        path: The file.
        ids: Ids of the samples.
        labels: Names of their classes.
        predictions: Names of the classes that were predicted.
        classes: Names of the classes that probabilities are given for.
        probabilities: For each sample one probability a class, shape `(samples, classes)`; None for none.
    """
    header: Sequence[str] = _COLUMNS
    rows: Iterable[Sequence[Any]] = zip(ids, labels, predictions, strict=True)
    if probabilities is not None:
        header = (*_COLUMNS, *(_PREFIX + name for name in classes))
        rows = (
            (*row, *(f"{float(value):.6g}" for value in shares))
            for row, shares in zip(rows, probabilities, strict=True)
        )
    atomic.write_text(path, csv_text.write(header, rows))
