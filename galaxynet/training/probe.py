"""What a step costs, found by taking a few."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import Callback, Trainer

from galaxynet.training.config import Plan
from galaxynet.training.device import flushed_denormals, quiet_lightning
from galaxynet.training.fit import build_data, build_network
from galaxynet.training.hardware import choose
from galaxynet.training.threads import compute_threads

_FIRST = 2
_MOST_STEPS = 40
_SECONDS = 0.8


class Probe(NamedTuple):
    """What was found.

    Attributes:
        samples: Samples of an epoch.
        seconds: Seconds for each of them.
    """

    samples: int
    seconds: float


class _EnoughError(Exception):
    """Enough steps were taken."""


class _Clock(Callback):
    """Times the steps after the first ones, which set things up."""

    def __init__(self) -> None:
        self.samples = 0
        self.seconds = 0.0
        self._since = 0.0
        self._counted = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if pl_module.device.type == "cuda":
            torch.cuda.synchronize(pl_module.device)
        now = time.perf_counter()
        if self._counted <= _FIRST:  # the first steps count as long as there are no others
            self.samples, self.seconds = 0, 0.0
        if self._counted:
            self.samples += len(batch[0])
            self.seconds += now - self._since
        self._counted += 1
        self._since = time.perf_counter()
        if self.samples and (self.seconds > _SECONDS or self._counted >= _MOST_STEPS):
            raise _EnoughError


def probe(plan: Plan, data_dir: Path) -> Probe:
    """Train a few steps of a plan and throw them away.

    Args:
        plan: What would be trained.
        data_dir: The folder of the datasets.

    Raises:
        GalaxynetError: If data or hardware are not fit.
    """
    with (
        quiet_lightning(),
        flushed_denormals(),
        compute_threads(plan.training.threads),
        tempfile.TemporaryDirectory() as scratch,
    ):
        hardware = choose(plan.training)
        lightning.seed_everything(plan.training.seed, verbose=False)
        data = build_data(plan, data_dir)
        network = build_network(plan, data)
        clock = _Clock()
        trainer = Trainer(
            accelerator=hardware.accelerator,
            devices=1,
            precision=hardware.lightning_precision,
            max_epochs=plan.training.epochs,
            callbacks=[clock],
            logger=False,
            default_root_dir=scratch,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            limit_val_batches=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            plugins=[LightningEnvironment()],
        )
        with contextlib.suppress(_EnoughError):
            trainer.fit(network, datamodule=data)
        samples = data.sizes["train"]
    return Probe(samples, clock.seconds / clock.samples if clock.samples else 0.0)
