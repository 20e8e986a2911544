"""`metrics.csv`: what Lightning logs, a row an epoch, whole at every moment and kept over a resumption."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from galaxynet import atomic

_KEYS = ("epoch", "step")


def decimal(value: float | Tensor) -> float:
    """A float32 figure as the shortest decimal that it means: 0.7 for 0.699999988079071."""
    return float(f"{float(value):.7g}")


class MetricsFile(Logger):
    """A Lightning logger that writes one CSV file.

    Lightning's own CSVLogger deletes the file of the run that is resumed, and puts the training's and the
    validation's figures of one epoch into rows of their own.

    Args:
        path: The file.
        rows: Rows to begin with: those of the run that is resumed.
    """

    def __init__(self, path: Path, rows: list[dict[str, float]] | None = None) -> None:
        super().__init__()
        self.path = path
        self.rows: list[dict[str, float]] = list(rows or [])

    @property
    def name(self) -> str:
        """Lightning puts checkpoints under this name; ours have a folder of their own."""
        return ""

    @property
    def version(self) -> str:
        """See `name`."""
        return ""

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """The options stand in `run.json`."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add figures to the row of their epoch and step."""
        values = {name: decimal(value) for name, value in metrics.items()}
        epoch = values.pop("epoch", None)
        if epoch is None or not values or any(name.startswith("test/") for name in values):
            return  # the test figures belong to the run, not to an epoch; they stand in run.json
        key: dict[str, float] = {"epoch": int(epoch), "step": int(step or 0)}
        if not self.rows or any(self.rows[-1][name] != key[name] for name in _KEYS):
            self.rows.append(key)
        self.rows[-1].update(values)

    @rank_zero_only
    def save(self) -> None:
        """Write the file."""
        names = [*_KEYS, *sorted({name for row in self.rows for name in row} - set(_KEYS))]
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        atomic.write_text(self.path, text.getvalue())

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is not written yet."""
        if self.rows:
            self.save()
