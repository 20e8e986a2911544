"""Checkpoints: which are kept, how they are written and read, and whether a run can continue from them."""

from __future__ import annotations

import io
from functools import cached_property
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from galaxynet import atomic
from galaxynet.errors import RunError, UsageError
from galaxynet.runs import Run
from galaxynet.runs.folder import CHECKPOINTS, FIGURES
from galaxynet.runs.lock import LOCK
from galaxynet.training.config import Plan
from galaxynet.training.metrics_file import ROWS


class Checkpoints(ModelCheckpoint):
    """One checkpoint file, replaced at the end of an epoch.

    Args:
        folder: Its folder.
        name: Its name without `.ckpt`.
        monitor: The metric that must be better than in all epochs before; None to replace it always.
        mode: `max` if a larger value is better, `min` if a smaller one is.
        weights: Keep only weights and hyperparameters; training cannot continue from such a checkpoint.
    """

    def __init__(
        self, folder: Path, name: str, *, monitor: str | None = None, mode: str = "min", weights: bool = False
    ) -> None:
        super().__init__(
            folder,
            name,
            monitor=monitor,
            mode=mode,
            save_weights_only=weights,
            enable_version_counter=False,
        )

    @cached_property
    def state_key(self) -> str:
        """The key of this callback's state in a checkpoint; the name keeps two files' states apart."""
        return f"{super().state_key}[{self.filename}]"

    @property
    def path(self) -> Path:
        """The checkpoint file."""
        return Path(self.format_checkpoint_name({}))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the best score but no path: the run folder may have been moved, or be a stranger's."""
        path = str(self.path)
        self.best_model_path = path
        score = state_dict["best_model_score"]
        if score is not None:
            self.best_model_score = self.kth_value = score
            self.best_k_models = {path: score}
            self.kth_best_model_path = path

    def on_train_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Forget the best score if its weights are gone.

        A run killed between the two writes of an epoch has the best checkpoint of an epoch that is trained
        again. That epoch is then the best again, by a score that belongs to the weights in the file.
        """
        super().on_train_start(trainer, pl_module)
        if self.best_k_models and read_checkpoint(self.path)["epoch"] >= trainer.current_epoch:
            self.best_k_models = {}
            self.best_model_score = None

    def on_train_batch_end(self, *_: Any) -> None:
        """Do nothing: checkpoints are written at the end of an epoch."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint to a temporary file in its folder and renames it.

    Lightning writes to the system's temporary folder and copies over the earlier checkpoint if that is on
    another disk: on a full disk, half a checkpoint would be all that is left of a training.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint; if that fails, the earlier one stays."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with buffer.getbuffer() as content:
            atomic.write_bytes(Path(path), content)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The contents of a checkpoint, tensors and plain values; nothing in it is executed."""
    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return checkpoint


def checkpoint_to_resume(run: Run, plan: Plan, force: bool = False) -> Path | None:
    """The checkpoint that a run continues from; None if it was stopped before its first one was written.

    Args:
        run: The run.
        plan: What to train.
        force: Continue although the record says that the run is running.

    Raises:
        UsageError: If the plan is not that of the run.
        RunError: If the run is finished, diverged or running, a checkpoint is damaged, or a link in its
            folder leads out of it.
    """
    _check_status(run, force)
    _check_plan(run, plan)
    for part in (CHECKPOINTS, FIGURES, LOCK):
        run.inside(part)
    last = run.path / CHECKPOINTS / "last.ckpt"
    if not last.is_file():
        return None
    for checkpoint in (last, last.with_name("best.ckpt")):
        _read_validated(checkpoint, run)
    return last


def earlier_rows(run: Run | None, last: Path | None) -> list[dict[str, float]]:
    """The rows of `metrics.csv` for the epochs that the checkpoint holds; later ones are trained again."""
    if run is None or last is None:
        return []
    checkpoint = _read_validated(last, run)
    if ROWS not in checkpoint:  # galaxynet 0.1.0 kept them in the file alone
        return [row for row in run.metrics() if row.get("epoch", 0) <= checkpoint["epoch"]]
    rows: list[dict[str, float]] = checkpoint[ROWS]
    return rows


def check_unchanged(run: Run) -> None:
    """Ensure that no other process has continued a run since it was opened; the caller holds its lock.

    Raises:
        RunError: If another process has.
    """
    if Run.open(run.path).record.to_json() != run.record.to_json():
        raise RunError(
            f"Another process has continued the run {run.label} in the meantime.",
            f"See its state with: galaxynet runs show {run.record.id}",
        )


def _check_status(run: Run, force: bool) -> None:
    record = run.record
    if run.status == "finished":
        raise RunError(
            f"The run {run.label} is finished.", f"To train it again: galaxynet train --like {record.id}"
        )
    if run.status == "diverged":
        raise RunError(
            f"The loss of the run {run.label} became undefined, so it cannot be resumed.",
            f"Try a lower learning rate: galaxynet train --like {record.id} --lr ...",
        )
    if run.status == "running" and not force:
        process = f"process {record.environment.pid} on {record.environment.host or 'this machine'}"
        raise RunError(
            f"The run {run.label} is still running ({process}).",
            f"If it is not: galaxynet train --resume {record.id} --force",
        )


def _check_plan(run: Run, plan: Plan) -> None:
    record = run.record
    for part, planned, recorded in (
        ("network", plan.model.name, record.model.name),
        ("dataset", plan.dataset.name, record.dataset.name),
    ):
        if planned != recorded:
            raise UsageError(
                f"The run {run.label} trains the {part} {recorded}, not {planned}.",
                f"Resume it with: galaxynet train --resume {record.id}",
            )
    before = record.options.merged()
    changed = sorted(
        name for name, value in plan.options().items() if name in before and before[name] != value
    )
    if changed:
        raise UsageError(
            f"The run {run.label} has other values of {', '.join(changed)}.",
            f"To start a new run with some options changed: galaxynet train --like {record.id} ...",
        )


def _read_validated(path: Path, run: Run) -> dict[str, Any]:
    try:
        checkpoint = read_checkpoint(path)
        if not isinstance(checkpoint["epoch"], int) or not all(map(_is_row, checkpoint.get(ROWS, []))):
            raise ValueError("it is not a checkpoint of galaxynet")
    except Exception as error:  # torch and zip files raise anything over damaged bytes
        raise RunError(
            f"The checkpoint {path} is damaged or is not a checkpoint.",
            f"Train it again with: galaxynet train --like {run.record.id}",
        ) from error
    return checkpoint


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and {"epoch", "step"} <= row.keys()
        and all(isinstance(name, str) and isinstance(value, int | float) for name, value in row.items())
    )
