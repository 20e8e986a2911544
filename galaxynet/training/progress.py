"""The progress of a training: a bar in a terminal, elsewhere lines; a note on a busy processor."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import Any

import lightning
import torch
from lightning.pytorch import Callback, Trainer
from rich.console import RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Task as Bar
from rich.text import Text

from galaxynet import terminal
from galaxynet.phrases import duration
from galaxynet.processor_load import WINDOW_S, BusyMeter, busy_note, load_average
from galaxynet.tasks.average import EpochMean

_REFRESH_SECONDS = 0.25
_PLAIN_SECONDS = 2.0
_SILENT_SECONDS = 60.0
"""Without a terminal, an epoch that takes longer gets lines in between."""
_WIDE, _NARROW = 120, 100
"""Columns of a terminal below which the validation loss is left out, and below which the rate is, too."""

_STRETCH_S = 1.0
"""Seconds between two measurements of the processor time."""


class Rate(ProgressColumn):
    """Samples per second."""

    def render(self, task: Bar) -> RenderableType:
        """The rate of this training, from the field `rate`."""
        rate = task.fields.get("rate")
        return Text(f"{rate:,.0f} samples/s" if rate else "", style="progress.data.speed")


class ProgressBar(Callback):
    """Shows epoch, loss, metric, rate and time left.

    Without a terminal it prints a line for each epoch, and one a minute within an epoch.

    Args:
        metric: Name of the metric that is shown, without its part; `accuracy`.
        epochs: Number of epochs.
        samples: Training samples of one epoch.
        silent_s: Seconds without a line, at most, where there is no terminal.
    """

    def __init__(self, metric: str, epochs: int, samples: int, silent_s: float = _SILENT_SECONDS) -> None:
        self.metric = metric
        self.epochs = epochs
        self.samples = samples
        self._progress: Progress | None = None
        self.silent_s = silent_s
        self._shown = 0.0
        self._printed = math.inf  # no lines of a process that prints none
        self._first_epoch = 0
        self._started = 0.0
        self._steps = 0
        self._width = terminal.messages().width

    def on_train_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        if not trainer.is_global_zero or terminal.is_quiet():
            return
        self._first_epoch, self._started = trainer.current_epoch, time.monotonic()
        self._printed = self._started
        self._steps = int(trainer.num_training_batches)
        if terminal.messages().is_terminal:
            columns = [
                TextColumn("epoch {task.fields[epoch]:>{task.fields[width]}}/{task.fields[epochs]}"),
                BarColumn(bar_width=20 if self._width >= _WIDE else 10),
                TextColumn("{task.percentage:>3.0f}%"),
                *([Rate()] if self._width >= _NARROW else []),
                TextColumn("{task.fields[figures]}"),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            ]
            self._progress = Progress(*columns, console=terminal.messages(), refresh_per_second=4)
            self._progress.start()
            self._bar = self._progress.add_task(
                "",
                total=self.epochs * self._steps,
                completed=self._first_epoch * self._steps,
                epoch=self._first_epoch + 1,
                epochs=self.epochs,
                width=len(str(self.epochs)),
                figures="",
                rate=None,
            )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move the bar, a few times a second at most, or print a line after a minute without one."""
        now = time.monotonic()
        if self._progress is None:
            if now - self._printed >= self.silent_s and not trainer.is_last_batch:
                share = (batch_idx + 1) / self._steps
                running = f"{share:.0%}  {self._running(trainer, pl_module)}".rstrip()
                self._print(trainer, trainer.current_epoch + 1, running, trainer.current_epoch + share, now)
            return
        if now - self._shown < _REFRESH_SECONDS:
            return
        self._shown = now
        done = trainer.current_epoch * self._steps + batch_idx + 1
        self._progress.update(
            self._bar,
            completed=done,
            epoch=trainer.current_epoch + 1,
            rate=self._rate(done, now),
            figures=self._running(trainer, pl_module),
        )

    def on_train_epoch_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Where there is no terminal, print the epoch that ended."""
        if trainer.current_epoch > self._first_epoch:
            self._line(trainer, trainer.current_epoch, last=False)

    def on_train_end(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        if self._progress is not None:
            done = trainer.current_epoch * self._steps
            self._progress.update(
                self._bar,
                completed=done,
                total=done,
                epoch=trainer.current_epoch,
                rate=self._rate(done, time.monotonic()),
                figures=self._figures(trainer),
            )
        self._line(trainer, trainer.current_epoch, last=True)
        self.close()

    def on_exception(
        self, trainer: Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Leave the terminal in order."""
        self.close()

    def close(self) -> None:
        """Stop drawing; the last state stays on the screen."""
        if self._progress is not None:
            with suppress(OSError):  # the terminal may be gone: that is no failure of the training
                self._progress.stop()
            self._progress = None

    def _rate(self, done: float, now: float) -> float | None:
        spent = now - self._started
        steps = done - self._first_epoch * self._steps
        return steps / self._steps * self.samples / spent if spent > 0 and self._steps else None

    def _running(self, trainer: Trainer, pl_module: lightning.LightningModule) -> str:
        """The training loss of the present epoch so far, and the latest validation figures."""
        mean = getattr(pl_module, "train_loss", None)
        loss = f"loss {mean.running():.4g}" if isinstance(mean, EpochMean) else ""
        logged = trainer.logged_metrics
        names = [f"val/{self.metric}"] if self._width < _WIDE else ["val/loss", f"val/{self.metric}"]
        return "  ".join([loss, *(f"{name} {float(logged[name]):.4g}" for name in names if name in logged)])

    def _figures(self, trainer: Trainer) -> str:
        """The figures of the epoch that ended; behind the bar in as few words as while it moved."""
        logged = trainer.logged_metrics
        words = {"train/loss": "train/loss", "val/loss": "val/loss", (metric := f"val/{self.metric}"): metric}
        if self._progress is not None:
            words["train/loss"] = "loss"
            if self._width < _WIDE:
                words.pop("val/loss")
        return "  ".join(
            f"{word} {float(logged[name]):.4g}" for name, word in words.items() if name in logged
        )

    def _line(self, trainer: Trainer, epoch: int, last: bool) -> None:
        now = time.monotonic()
        if not last and now - self._shown < _PLAIN_SECONDS:
            return
        self._shown = now
        self._print(trainer, epoch, self._figures(trainer), epoch, now, last)

    def _print(
        self, trainer: Trainer, epoch: int, figures: str, done: float, now: float, last: bool = False
    ) -> None:
        """Print a line where there is no terminal; `done` epochs are behind us, with a part of the last."""
        if self._progress is not None or not trainer.is_global_zero or terminal.is_quiet():
            return
        self._printed = now
        rate = self._rate(done * self._steps, now)
        remaining_s = (self.epochs - done) * self.samples / rate if rate else 0.0
        terminal.note(
            f"epoch {epoch}/{self.epochs}  {figures}"
            + (f"  {rate:,.0f} samples/s" if rate else "")
            + ("" if last else f"  {duration(remaining_s)} left")
        )


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
