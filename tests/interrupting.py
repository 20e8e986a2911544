"""Trainings that are interrupted at the beginning of an epoch."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import galaxynet
from galaxynet.training.callbacks import EpochSeeds


@contextmanager
def interrupted_at(epoch: int) -> Iterator[None]:
    """Whatever trains here is interrupted, as by Ctrl-C, when this epoch begins."""
    plain = EpochSeeds.on_train_epoch_start

    def start(self: EpochSeeds, trainer: Any, module: Any) -> None:
        if trainer.current_epoch == epoch:
            signal.raise_signal(signal.SIGINT)
        plain(self, trainer, module)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(EpochSeeds, "on_train_epoch_start", start)
        yield


def train(**options: Any) -> Any:
    """Train `toynet` for two epochs."""
    return galaxynet.train("toynet", **{"epochs": 2, "lr": 0.01, **options})


def interrupted(epoch: int, **options: Any) -> Any:
    """Train `toynet`, interrupted when this epoch begins."""
    with interrupted_at(epoch):
        return train(**options)
