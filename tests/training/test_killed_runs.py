"""`--resume` of trainings that were killed while they wrote."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

import galaxynet
from galaxynet import atomic

pytestmark = pytest.mark.usefixtures("toys")


def train(**options: Any) -> Any:
    return galaxynet.train("toynet", **{"epochs": 2, "lr": 0.01, **options})


class Killed(NamedTuple):
    """When a training is killed: while it writes `file` for the `number`th time."""

    file: str
    number: int


def train_until(killed: Killed, **options: Any) -> None:
    """Train in another process, which is killed by SIGKILL in the middle of a write."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # the child of threads has one thread, and needs no more
        child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        return
    try:
        written, plain = 0, atomic.write_bytes

        def write(path: Path, content: bytes | memoryview) -> None:
            nonlocal written
            written += path.name == killed.file
            if written == killed.number:
                path.with_name(f".{path.name}.abc.tmp").write_bytes(content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            plain(path, content)

        atomic.write_bytes = write
        train(**options)
    finally:
        os._exit(1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute with one thread: those of a pool do not survive a fork."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.promise("Interruptions")
@pytest.mark.usefixtures("one_thread")
def test_a_run_killed_in_any_write_repeats_an_uninterrupted_one() -> None:
    """A run killed at any write of an epoch and resumed equals an uninterrupted one, to the last digit."""
    options = {"epochs": 3, "lr": 0.05, "dropout": 0.3, "schedule": "one-cycle", "seed": 2}
    whole = train(**options)
    scores = [row["val/accuracy"] for row in whole.metrics()]
    bests = sum(score > max(scores[:epoch], default=0.0) for epoch, score in enumerate(scores))
    assert all({"train/loss", "train/accuracy", "val/loss", "lr"} <= row.keys() for row in whole.metrics())
    for killed in (
        *(Killed("best.ckpt", number + 1) for number in range(bests)),
        *(Killed("last.ckpt", number) for number in (1, 2, 3)),
        *(Killed("metrics.csv", number) for number in (1, 2, 3, 4, 6)),  # twice an epoch: validated, ended
    ):
        train_until(killed, **options)
        run = galaxynet.find_run("last")
        assert (run.status, len(list(run.path.rglob(".*.tmp")))) == ("interrupted", 1), killed
        done = galaxynet.train("toynet", resume=run.record.id)
        assert done.record.metrics == whole.record.metrics, killed
        assert done.metrics() == whole.metrics(), killed
        assert done.record.epochs == whole.record.epochs, killed
        assert done.predictions() == whole.predictions(), killed
        assert not list(run.path.rglob(".*.tmp")), killed
