"""The votes of a run's test set: `votes.csv`, one row a sample, the volunteers' fractions and the network's.

The columns are `id`, then for each column of the tree `observed:<column>`, empty where it is unknown, then
`predicted:<column>`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from galaxynet import atomic, csv_text, untrusted
from galaxynet.errors import RunError
from galaxynet.runs.sample_rows import read_rows

VOTES = "votes.csv"
_OBSERVED, _PREDICTED = "observed:", "predicted:"
_LARGEST = 256 * untrusted.MIB


@dataclass(frozen=True)
class Votes:
    """Vote fractions of test samples, in file order.

    Attributes:
        ids: Ids of the samples.
        columns: Names of the columns.
        observed: For each sample the volunteers' fractions; NaN where they are unknown.
        predicted: For each sample the network's fractions.
    """

    ids: Sequence[str]
    columns: Sequence[str]
    observed: Sequence[Sequence[float]] = field(repr=False)
    predicted: Sequence[Sequence[float]] = field(repr=False)

    def write(self, path: Path) -> None:
        """Write the file in one step."""
        header = [
            "id",
            *(_OBSERVED + column for column in self.columns),
            *(_PREDICTED + column for column in self.columns),
        ]
        rows = (
            (id_, *map(_cell, observed), *map(_cell, predicted))
            for id_, observed, predicted in zip(self.ids, self.observed, self.predicted, strict=True)
        )
        atomic.write_text(path, csv_text.write(header, rows))

    @classmethod
    def read(cls, path: Path) -> Votes:
        """Read a file that `write` wrote.

        Raises:
            RunError: If it is missing or damaged.
        """
        header, rows = read_rows(path, _LARGEST)
        columns = [name.removeprefix(_OBSERVED) for name in header if name.startswith(_OBSERVED)]
        count = len(columns)
        expected = ["id", *(_OBSERVED + name for name in columns), *(_PREDICTED + name for name in columns)]
        if not columns or header != expected:
            raise RunError(f"{path} does not have the columns id, {_OBSERVED}... and {_PREDICTED}....")
        try:
            numbers = [[float(cell) if cell else math.nan for cell in row[1:]] for row in rows]
        except ValueError as error:
            raise RunError(f"{path}: {error}.") from None
        return cls(
            ids=[row[0] for row in rows],
            columns=columns,
            observed=[row[:count] for row in numbers],
            predicted=[row[count:] for row in numbers],
        )


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
