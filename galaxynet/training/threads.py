"""The threads that a training computes with, and whether the processor has time for them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning
import torch
from lightning.pytorch import Callback, Trainer

from galaxynet import terminal
from galaxynet.processor_load import WINDOW_S, BusyMeter, busy_note, load_average

_STRETCH_S = 1.0
_VARIABLE = "OMP_NUM_THREADS"


@contextmanager
def compute_threads(count: int) -> Iterator[None]:
    """Compute with a number of threads, in this process and in those of the same training.

    Args:
        count: How many; 0 for as many as there are now.
    """
    threads, variable = torch.get_num_threads(), os.environ.get(_VARIABLE)
    if count:
        torch.set_num_threads(count)
        os.environ[_VARIABLE] = str(count)  # or Lightning divides the cores among several processes
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        if variable is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = variable


class BusyProcessorNote(Callback):
    """Say once that the processor has little time for a training on it, without validation and set-up.

    Args:
        window_s: Seconds of training that have to be slow.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self.window_s = window_s
        self._meter: BusyMeter | None = None
        self._wall_s = 0.0
        self._processor_s = 0.0

    def on_fit_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Begin to measure; on a GPU the processor waits, and that is as it should be."""
        if pl_module.device.type == "cpu":
            self._meter = BusyMeter(torch.get_num_threads(), self.window_s)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Begin a stretch."""
        self._wall_s, self._processor_s = time.monotonic(), time.process_time()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End a stretch after a second and at the end of an epoch."""
        meter, now = self._meter, time.monotonic()
        if meter is None or (now - self._wall_s < _STRETCH_S and not trainer.is_last_batch):
            return
        processor = time.process_time()
        share = meter.add(now - self._wall_s, processor - self._processor_s)
        self._wall_s, self._processor_s = now, processor
        if share is not None:
            self._meter = None
            note = busy_note(share, meter.threads, load_average())
            terminal.note(note, style="yellow")
