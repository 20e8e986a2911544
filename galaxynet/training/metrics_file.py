"""`metrics.csv`: what Lightning logs, one row per epoch, whole at every moment.

The checkpoint of an epoch carries the rows up to that epoch, so there is one write that commits an epoch. A
resumed run writes `metrics.csv` again from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from galaxynet import atomic, csv_text

_KEYS = ("epoch", "step")

ROWS = "galaxynet_metrics"
"""The key of the rows in a checkpoint."""


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
        self.trainer: Trainer | None = None
        self._saved: list[dict[str, float]] = []

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
        values = dict(metrics)
        epoch = values.pop("epoch", None)
        if epoch is None or not values or any(name.startswith("test/") for name in values):
            return  # the test figures belong to the run, not to an epoch; they stand in run.json
        # Lightning's `step` counts training steps, and one of them can hold several updates.
        updates = self.trainer.global_step - 1 if self.trainer else int(step or 0)
        self.rows = self.including(values, int(epoch), updates)

    def including(self, metrics: Mapping[str, float], epoch: int, step: int) -> list[dict[str, float]]:
        """The rows, with these figures in the row of their epoch and step."""
        rows = list(self.rows)
        row: dict[str, float] = {"epoch": epoch, "step": step}
        if rows and all(rows[-1][name] == row[name] for name in _KEYS):
            row = rows.pop()
        return [*rows, row | {name: decimal(value) for name, value in metrics.items()}]

    @rank_zero_only
    def save(self) -> None:
        """Write the file, if there is anything new; Lightning calls this after every validation step too."""
        if self.rows == self._saved:
            return
        names = [*_KEYS, *sorted({name for row in self.rows for name in row} - set(_KEYS))]
        atomic.write_text(self.path, csv_text.write_dicts(names, self.rows))
        self._saved = self.rows

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is not written yet."""
        self.save()

    @rank_zero_only
    def restart(self) -> None:
        """Write the rows that the file begins with in place of what an interrupted run left."""
        if self.rows:
            self.save()
        else:
            self.path.unlink(missing_ok=True)


class MetricsInCheckpoint(Callback):
    """Put the rows of a metrics file into every full checkpoint, this epoch's row included.

    Lightning logs the training's figures of an epoch only after its checkpoint is saved.

    Args:
        file: The metrics file.
    """

    def __init__(self, file: MetricsFile) -> None:
        self.file = file
        self._earlier: dict[str, Any] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Let the file count the updates."""
        self.file.trainer = trainer

    def on_train_epoch_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Remember what earlier epochs have logged."""
        self._earlier = dict(trainer.logged_metrics)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        rows, epoch, step = self.file.rows, trainer.current_epoch, trainer.global_step - 1
        if rows and rows[-1]["epoch"] == epoch:  # the validation's figures stand in it
            step = int(rows[-1]["step"])
        # A metric that is not logged in every epoch keeps its old value, the very same object.
        logged: dict[str, Any] = dict(trainer.logged_metrics)
        new = {name: value for name, value in logged.items() if value is not self._earlier.get(name)}
        checkpoint[ROWS] = self.file.including(new, epoch, step)
