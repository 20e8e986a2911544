"""Lightning without the work that nobody asked for at every step.

A step of a small network takes less than a millisecond, and Lightning's loop takes a good part of that.
Nothing of what a training does is left out here.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import lightning
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.profilers import PassThroughProfiler

_KNOWN = "2.6."
"""The versions of Lightning that `LeanEpochLoop` is written after."""

_NOTHING = nullcontext()

STEP_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)
"""What network and callbacks may do at a step."""


def make_lean(trainer: Trainer) -> None:
    """Give a trainer the lean loop over the batches of an epoch, if its Lightning is one that is known.

    The loop takes part in what Lightning keeps to itself and may change; with another version than the known
    ones, Lightning's own loop stays, and a step takes longer.
    """
    if lightning.__version__.startswith(_KNOWN):
        from galaxynet.training.epoch_loop import LeanEpochLoop

        before = trainer.fit_loop.epoch_loop
        trainer.fit_loop.epoch_loop = LeanEpochLoop(trainer, before.min_steps, before.max_steps)


def drop_empty_hooks(network: lightning.LightningModule, callbacks: Iterable[Callback]) -> None:
    """Take from a network and from callbacks those hooks of a step that do nothing.

    This is for the trainings that Lightning's own loop runs: it passes over a hook that cannot be called; the
    empty ones of its base classes it calls with all ceremony, six times a step and for every callback.
    """
    for owner, base in ((network, lightning.LightningModule), *((one, Callback) for one in callbacks)):
        for name in STEP_HOOKS:
            if getattr(type(owner), name) is getattr(base, name):
                owner.__dict__[name] = None


class NoProfiler(PassThroughProfiler):
    """A profiler that profiles nothing and makes no context for it."""

    def profile(self, action_name: str) -> AbstractContextManager[Any]:  # type: ignore[override]
        """A context that does nothing."""
        return _NOTHING
