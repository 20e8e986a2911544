"""The steps of a training epoch, without what Lightning does at each of them for other kinds of training.

Lightning's loop serves any number of processes, optimisers that call the step back, gradients that are
scaled, clipped or accumulated, and hooks that replace any part of it: at every step each hook is looked up,
timed and wrapped, whether it does anything or not. For a small network that is a fifth of the step. Here a
step of the ordinary kind is taken directly; every other training goes through Lightning's own loop.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.loops.fetchers import _DataFetcher, _PrefetchDataFetcher
from lightning.pytorch.loops.optimization.automatic import ClosureResult
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.plugins.precision import MixedPrecision, Precision
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import Tensor

from galaxynet.training.lean import STEP_HOOKS

_TRANSFERS = ("on_before_batch_transfer", "transfer_batch_to_device", "on_after_batch_transfer")

# A network that writes one of these itself takes part in a step in a way that only Lightning's loop knows.
_REPLACED = (
    "backward",
    "configure_gradient_clipping",
    "on_train_batch_start",
    "optimizer_step",
    "optimizer_zero_grad",
)


class LeanEpochLoop(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, quicker where an epoch is of the ordinary kind.

    Ordinary is: one process, one device, one optimiser of torch's own, no gradient scaling, clipping or
    accumulation, no validation within the epoch, and no hook that replaces a part of the step. Whatever is
    counted, logged or called (all other hooks of network and callbacks) is the same as in Lightning's loop,
    in the same order. It is decided anew at the start of each epoch.
    """

    _step: _Step | None = None

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Begin an epoch; see of which kind it is."""
        super().on_run_start(data_fetcher)
        self._step = _Step(self.trainer) if _is_ordinary(self.trainer, data_fetcher) else None

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """Train on one batch."""
        step = self._step
        if step is None or self.restarting:
            super().advance(data_fetcher)
            return
        progress, connector = self.batch_progress, self.trainer._logger_connector
        batch, _, _ = next(data_fetcher)
        index = self.batch_idx + 1
        progress.is_last_batch = data_fetcher.done
        batch = step.transfer(batch)
        progress.increment_ready()
        connector.on_batch_start(batch)
        step.call("on_train_batch_start", batch, index)
        progress.increment_started()
        outputs = step(batch, index)
        progress.increment_processed()
        if self.trainer.lr_scheduler_configs:
            self.update_lr_schedulers("step", update_plateau_schedulers=False)
            if self._num_ready_batches_reached():
                self.update_lr_schedulers("epoch", update_plateau_schedulers=False)
        step.call("on_train_batch_end", outputs, batch, index)
        if all(metric.has_reset for metric in self._results.values()):
            # Nothing has been logged in this epoch so far.
            self._results.batch = self._results.batch_size = None
            progress.increment_completed()
        else:
            connector.on_batch_end()
            progress.increment_completed()
            connector.update_train_step_metrics()

    def on_advance_end(self, data_fetcher: _DataFetcher) -> None:
        """Validate or stop, which within an ordinary epoch is asked for by way of the trainer alone."""
        trainer = self.trainer
        within = self._step is not None and not self.restarting and not self._num_ready_batches_reached()
        if within and not trainer.should_stop and not trainer.received_sigterm:
            self._batches_that_stepped += 1
        else:
            super().on_advance_end(data_fetcher)


class _Step:
    """Forward, backward and update of one batch, with the hooks that somebody wrote.

    Args:
        trainer: What trains; an epoch has just begun.
    """

    def __init__(self, trainer: Any) -> None:  # half of what is asked of it is not in its type
        self.module = trainer.lightning_module
        self.optimizer = trainer.optimizers[0]
        self.precision = trainer.precision_plugin
        self.device = trainer.strategy.root_device
        loop = trainer.fit_loop.epoch_loop
        self.progress = loop.automatic_optimization.optim_progress.optimizer
        self.takes_index = "batch_idx" in loop._build_kwargs(OrderedDict(), None, 0)
        self.hooks = {name: _hooks(trainer, name) for name in STEP_HOOKS}
        choose = trainer._data_connector._datahook_selector.get_instance
        self.transfers = {name: getattr(choose(name), name) for name in _TRANSFERS}

    def transfer(self, batch: Any) -> Any:
        """The batch on the device, as data module and network want it."""
        before, to_device, after = self.transfers.values()
        batch = before(self.precision.convert_input(batch), 0)
        return after(to_device(batch, self.device, 0), 0)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a hook of the callbacks and then of the network."""
        hooks = self.hooks[name]
        if hooks:
            self.name(name)
            for hook in hooks:
                hook(*arguments)
            self.name(None)

    def name(self, hook: str | None) -> None:
        """Say in which hook we are: what `self.log` does depends on it."""
        # Past `nn.Module`, which would look whether it is a parameter, a module or a buffer.
        vars(self.module)["_current_fx_name"] = hook

    def __call__(self, batch: Any, index: int) -> dict[str, Any]:
        """Train on a batch; the loss, and what else the network's training step gives."""
        optimizer, progress, call = self.optimizer, self.progress, self.call
        progress.step.increment_ready()
        self.name("training_step")
        with self.precision.train_step_context():
            output: Any = self.module.training_step(*((batch, index) if self.takes_index else (batch,)))
        self.name(None)
        loss, extra = output, {}
        if not isinstance(output, Tensor):
            result = ClosureResult.from_training_step_output(output)
            loss, extra = result.closure_loss, result.extra
        progress.zero_grad.increment_ready()
        call("on_before_zero_grad", optimizer)
        progress.zero_grad.increment_started()
        optimizer.zero_grad()
        progress.zero_grad.increment_completed()
        if loss is not None:
            call("on_before_backward", loss)
            loss.backward()
            call("on_after_backward")
        call("on_before_optimizer_step", optimizer)
        optimizer.step()
        progress.step.increment_completed()
        return {} if loss is None else {"loss": loss.detach(), **extra}


def _hooks(trainer: Any, name: str) -> list[Callable[..., Any]]:
    """The functions that somebody wrote for a hook, of the callbacks and then of the network."""
    module = trainer.lightning_module
    found: list[Callable[..., Any]] = [
        partial(getattr(callback, name), trainer, module)
        for callback in trainer.callbacks
        if _is_written(callback, Callback, name)
    ]
    if _is_written(module, LightningModule, name):
        found.append(getattr(module, name))
    return found


def _is_written(owner: Any, base: type, name: str) -> bool:
    function = getattr(owner, name)
    return callable(function) and getattr(function, "__func__", function) is not getattr(base, name)


def _is_ordinary(trainer: Any, data_fetcher: _DataFetcher) -> bool:
    module, precision, optimizers = trainer.lightning_module, trainer.precision_plugin, trainer.optimizers
    return bool(
        module.automatic_optimization
        and type(trainer.strategy) is SingleDeviceStrategy
        and trainer.strategy.model is module
        and (type(precision) is Precision or (type(precision) is MixedPrecision and precision.scaler is None))
        and not any(_is_written(module, LightningModule, name) for name in _REPLACED)
        and len(optimizers) == 1
        and type(optimizers[0]).__module__.startswith("torch.optim.")
        and not isinstance(optimizers[0], torch.optim.LBFGS)
        and not any(one.reduce_on_plateau and one.interval == "step" for one in trainer.lr_scheduler_configs)
        and trainer.accumulate_grad_batches == 1
        and not trainer.gradient_clip_val
        and not trainer.fit_loop._skip_backward
        and type(data_fetcher) is _PrefetchDataFetcher
        and trainer.check_val_every_n_epoch is not None
        and trainer._val_check_time_interval is None
        and trainer.val_check_batch >= trainer.num_training_batches
        and torch.is_grad_enabled()
    )
