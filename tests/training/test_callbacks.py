"""Callbacks of a training, handed to Lightning as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.demos.boring_classes import BoringModel

from galaxynet import terminal
from galaxynet.training.callbacks import CallbackGroup, NoProfiler
from galaxynet.training.progress import ProgressBar


class _Log(Callback):
    """Writes down the hooks that it overrides."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name, self.calls = name, calls

    def setup(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        self.calls.append(f"{self.name} setup {stage}")

    def on_train_batch_end(self, *arguments: Any, **keywords: Any) -> None:
        self.calls.append(f"{self.name} batch end")

    def on_load_checkpoint(self, trainer: Trainer, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        self.calls.append(f"{self.name} load from step {checkpoint['global_step']}")


def _fit(
    folder: Path, callbacks: list[Callback], epochs: int, checkpoint: Path | None = None, batches: int = 2
) -> Trainer:
    torch.manual_seed(0)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        limit_train_batches=batches,
        limit_val_batches=0,
        callbacks=callbacks,
        profiler=NoProfiler(),
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(BoringModel(), ckpt_path=checkpoint, weights_only=True)  # type: ignore[no-untyped-call]
    return trainer


# Lightning's loader of its demonstration; ours has no such lists.
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_grouped_callbacks_see_what_they_would_see_alone(tmp_path: Path) -> None:
    """Callbacks in a group are called at the same moments, in the same order, as without one."""
    seen: list[list[str]] = []
    for grouped in (False, True):
        calls: list[str] = []
        parts: list[Callback] = [_Log("first", calls), Callback(), _Log("second", calls)]
        callbacks: list[Callback] = [CallbackGroup(parts)] if grouped else parts
        checkpoint = tmp_path / f"{grouped}.ckpt"
        _fit(tmp_path, callbacks, 1).save_checkpoint(checkpoint)
        _fit(tmp_path, callbacks, 2, checkpoint)
        seen.append(calls)
    assert seen[0] == seen[1]
    assert seen[1].count("second batch end") == 4
    assert "first load from step 2" in seen[1]


def test_a_group_adds_no_hook(tmp_path: Path) -> None:
    """Lightning finds only the hooks that a part overrides: empty ones cost nothing at each update."""
    group = CallbackGroup([Callback(), _Log("first", [])])
    overridden = {name for name in dir(Callback) if name in vars(group) and callable(getattr(group, name))}
    assert overridden == {"setup", "on_train_batch_end", "on_load_checkpoint"}


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_a_log_shows_that_a_long_epoch_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal, lines within an epoch say how far it is; short epochs have a line at their end."""
    lines: list[str] = []
    monkeypatch.setattr(terminal, "note", lines.append)
    _fit(tmp_path, [ProgressBar("loss", 2, 4, silent_s=0.0)], epochs=2, batches=4)
    within = [line.split("  ")[:2] for line in lines if "%" in line]
    assert within == [[f"epoch {epoch}/2", share] for epoch in (1, 2) for share in ("25%", "50%", "75%")]
    assert all(line.endswith(" left") for line in lines if "%" in line)
    lines.clear()
    _fit(tmp_path, [ProgressBar("loss", 2, 4)], epochs=2, batches=4)
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    lines.clear()
    monkeypatch.setattr(terminal, "is_quiet", lambda: True)
    _fit(tmp_path, [ProgressBar("loss", 2, 4, silent_s=0.0)], epochs=2, batches=4)
    assert lines == []
