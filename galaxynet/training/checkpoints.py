"""Which checkpoints are kept, and that each of them is whole at every moment."""

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


class Checkpoints(ModelCheckpoint):
    """One checkpoint file that is replaced after an epoch, and looked at by no step.

    Args:
        folder: Where it lies.
        name: Its name without `.ckpt`.
        monitor: The metric that has to be better than in all epochs before; None to replace it always.
        mode: `max` if a larger value is better, `min` if a smaller one is.
        weights: Keep weights and hyperparameters alone; such a checkpoint cannot be trained on.
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
        """The key of this callback's state in a checkpoint; the name tells one file's from another's."""
        return f"{super().state_key}[{self.filename}]"

    @property
    def path(self) -> Path:
        """The checkpoint file."""
        return Path(self.format_checkpoint_name({}))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the best score, and no path: the run folder may have been moved, or be a stranger's."""
        path = str(self.path)
        self.best_model_path = path
        score = state_dict["best_model_score"]
        if score is not None:
            self.best_model_score = self.kth_value = score
            self.best_k_models = {path: score}
            self.kth_best_model_path = path

    def on_train_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Forget the best score where its weights are gone.

        A run that was killed between the two writes of an epoch has the best checkpoint of an epoch that is
        trained again. That epoch is then the best again, by a score that belongs to the weights in the file.
        """
        super().on_train_start(trainer, pl_module)
        if self.best_k_models and read_checkpoint(self.path)["epoch"] >= trainer.current_epoch:
            self.best_k_models = {}
            self.best_model_score = None

    def on_train_batch_end(self, *_: Any) -> None:
        """Nothing: it is saved after an epoch."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The contents of a checkpoint, tensors and plain values: nothing in it is executed."""
    kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    return kept


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it.

    Lightning's own writes to the system's temporary folder, and from there copies over the earlier one where
    that lies on another disk: on a full disk, half a checkpoint would be all that is left of a training.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write one; if that fails, the earlier one stays."""
        kept = io.BytesIO()
        torch.save(checkpoint, kept)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with kept.getbuffer() as content:
            atomic.write_bytes(Path(path), content)
