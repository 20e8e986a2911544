"""What happens beside the steps of a training: seeds, undefined losses, signals, throughput."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import lightning
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.profilers import Profiler
from torch import Tensor

from galaxynet.data.groups import GroupedBatches
from galaxynet.errors import RunError, UsageError
from galaxynet.signals import StopRequests
from galaxynet.tasks import Task
from galaxynet.tasks.shares import sample_count

_CHECK_EVERY = 50


class DivergedError(Exception):
    """The loss became NaN or infinite."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the loss became undefined in epoch {epoch + 1}")


class CallbackGroup(Callback):
    """Several callbacks as one, called in order.

    Lightning calls three hooks of every callback at each update and times each call, although most are empty.
    For a small network that takes a tenth of the update. This callback has only the hooks that its parts
    override.

    Args:
        parts: The callbacks; their `state_dict` is not saved in checkpoints.
    """

    def __init__(self, parts: Sequence[Callback]) -> None:
        hooks = ("setup", "teardown", *(name for name in dir(Callback) if name.startswith("on_")))
        for hook in hooks:
            empty = getattr(Callback, hook)
            calls = [getattr(part, hook) for part in parts if getattr(type(part), hook) is not empty]
            if calls:
                setattr(self, hook, functools.partial(_call_all, calls))


def _call_all(calls: Sequence[Callable[..., None]], *arguments: Any, **keywords: Any) -> None:
    for call in calls:
        call(*arguments, **keywords)


class NoProfiler(Profiler):
    """Measure nothing: even Lightning's default profiler creates a generator for each call of a hook."""

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        return _NO_CONTEXT

    def start(self, action_name: str) -> None:
        """Nothing."""

    def stop(self, action_name: str) -> None:
        """Nothing."""


_NO_CONTEXT = nullcontext()


class EpochSeeds(Callback):
    """Make all chance of an epoch (dropout, say) a function of seed, epoch and process alone.

    That is what lets a resumed run repeat an uninterrupted one to the last digit.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        torch.manual_seed((self.seed * 1_000_003 + trainer.current_epoch) * 1_009 + trainer.global_rank)


class StopEarly(EarlyStopping):
    """Early stopping that a resumed run remembers: Lightning's would train one more epoch."""

    def on_train_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Stop where the interrupted run had stopped."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class StopOnUndefinedLoss(Callback):
    """End the training when the loss is not a finite number.

    The loss stays on the device; it is looked at every 50 steps and at the end of an epoch, because each
    look waits for the device. All processes look at the same steps and decide together.
    """

    def __init__(self) -> None:
        self._trace: Tensor | None = None
        self._looked = 0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Remember whether the loss was finite; look now and then."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        # Zero times a loss is zero, or NaN if the loss is not finite: the sum remembers that.
        if self._trace is None:
            self._trace = torch.zeros((), device=loss.device)
        self._trace.add_(loss.detach().sum(), alpha=0)
        if batch_idx == 0 or trainer.is_last_batch or trainer.global_step - self._looked >= _CHECK_EVERY:
            self._looked = trainer.global_step
            self._look(trainer)

    def _look(self, trainer: Trainer) -> None:
        finite = self._trace is None or not bool(self._trace.isnan())
        self._trace = None
        if not trainer.strategy.reduce_boolean_decision(finite, all=True):
            raise DivergedError(trainer.current_epoch)


class KeepStopSignals(Callback):
    """Handle SIGTERM as Ctrl-C: at once, and without waiting for other processes.

    Lightning takes SIGTERM when it begins, finishes the step, and in a training of several processes waits in
    the signal handler until all of them take part, which one that hangs never does.

    Args:
        stop_signals: Handles the signals.
    """

    def __init__(self, stop_signals: StopRequests) -> None:
        self.stop_signals = stop_signals

    def on_train_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Take the signals back from Lightning."""
        self.stop_signals.install()

    def on_test_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """The same in the test, which Lightning would not stop at all."""
        self.stop_signals.install()

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """Interrupt again if the first KeyboardInterrupt was lost, in a destructor for example."""
        if self.stop_signals.interrupts:
            raise KeyboardInterrupt

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        self.on_train_batch_end()

    def on_test_batch_end(self, *_: Any, **__: Any) -> None:
        self.on_train_batch_end()


class StepCounter(Callback):
    """Compare what a training did with what was asked for.

    Args:
        epochs: How many were asked for.
        processes: How many were asked for.

    Attributes:
        world_size: How many processes there are; None before the first step.
    """

    def __init__(self, epochs: int, processes: int) -> None:
        self.epochs = epochs
        self.processes = processes
        self.world_size: int | None = None
        self._expected: int | None = None
        self._resumed: tuple[int, int] | None = None

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Remember how far the interrupted run was."""
        self._resumed = checkpoint["epoch"] + 1, checkpoint["global_step"]
        if trainer.training and not pl_module.automatic_optimization:
            # galaxynet 0.1 left these updates to Lightning, which keeps their number elsewhere.
            counts = checkpoint["loops"]["fit_loop"]
            updates = counts["epoch_loop.manual_optimization.optim_step_progress"]
            if not updates["total"]["completed"]:
                updates.update(
                    counts["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]["step"]
                )

    def on_train_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        """Count from here: a resumed run has taken steps before.

        Raises:
            ValueError: If the training does not begin where the checkpoint says that it was.
            UsageError: If the optimiser does not have the learning rates that `--layer-decay` asks for.
        """
        # Lightning begins again, without a word, where a checkpoint lacks the state of its loops.
        if self._resumed not in (None, (trainer.current_epoch, trainer.global_step)):
            raise ValueError("it does not say how far the training was")
        if isinstance(pl_module, Task) and pl_module.layer_decay != 1 and not pl_module.has_layer_rates:
            raise UsageError(
                f"--layer-decay {pl_module.layer_decay:g}: {type(pl_module).__name__} has an optimiser of "
                "its own, with one learning rate.",
                "Leave it out.",
            )
        self.world_size = trainer.world_size
        epochs = self.epochs - trainer.current_epoch
        batches: Any = trainer.train_dataloader
        if isinstance(batches, GroupedBatches):
            self._expected = trainer.global_step + epochs * batches.updates
        # A network that optimises by itself takes as many steps as it likes.
        elif pl_module.automatic_optimization:
            with suppress(TypeError):  # their number is unknown
                self._expected = trainer.global_step + epochs * len(batches)

    def check(self, trainer: Trainer) -> None:
        """Raise a RunError if the training differs from the one asked for, unless it stopped early.

        Args:
            trainer: The trainer after `fit`.
        """
        facts = [("processes", trainer.world_size, self.processes)]
        if not trainer.should_stop:
            facts.append(("epochs", trainer.current_epoch, self.epochs))
            if self._expected is not None:
                facts.append(("steps", trainer.global_step, self._expected))
        for unit, done, expected in facts:
            if done != expected:
                raise RunError(
                    f"The training had {done:,} {unit}, not the {expected:,} requested.",
                    "The network, the dataset or the environment has changed Lightning's trainer.",
                )


class Throughput(Callback):
    """Time the training steps, without validation, checkpoints and set-up.

    Attributes:
        samples: Samples seen by this process.
        seconds: Time they took.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.seconds = 0.0
        self._since: float | None = None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: lightning.LightningModule) -> None:
        self._since = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the samples; stop the clock after the last step."""
        self.samples += sample_count(batch) or 0
        if trainer.is_last_batch:
            if pl_module.device.type == "cuda":
                torch.cuda.synchronize(pl_module.device)
            self._stop()

    def total(self, trainer: Trainer) -> int:
        """Samples seen by all processes, each of which calls this."""
        mine = torch.tensor(float(self.samples), device=trainer.strategy.root_device)
        return round(float(trainer.strategy.reduce(mine, reduce_op="sum")))

    def on_exception(
        self, trainer: Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Stop the clock of an epoch that was cut short."""
        self._stop()

    def _stop(self) -> None:
        if self._since is not None:
            self.seconds += time.perf_counter() - self._since
            self._since = None
