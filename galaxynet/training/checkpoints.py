"""Which checkpoints are kept, and that each of them is whole at every moment."""

from __future__ import annotations

import io
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
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

    def on_train_batch_end(self, *_: Any) -> None:
        """Nothing: it is saved after an epoch."""


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
