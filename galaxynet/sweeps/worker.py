"""A worker: one trial in a process of its own, told by an `Order`, which reports by sending `Event`s.

The processes are forked from one that has imported Lightning and the network, so a trial does not wait for
that; nothing but imports is done in it. A worker ends with the sweep that it belongs to: when that process
is gone, it stops as if it had been told to (see `galaxynet.children`).
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from galaxynet.errors import GalaxynetError, RunError
from galaxynet.runs import Run
from galaxynet.signals import deferred_stop_signals, stop_signals
from galaxynet.sweeps.orders import Order

WARM_VARIABLE = "GALAXYNET_SWEEP_MODULES"
"""Modules that the process imports from which workers are forked, with commas between them."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial.

    Attributes:
        key: The trial's key.
        run: The folder of its run, if there is one.
        ended: Whether the trial is over.
        waits: Whether it waits for its turn again, as the machine that it ran on is gone.
        message: Why it came to no result, or empty.
    """

    key: str
    run: str = ""
    ended: bool = False
    waits: bool = False
    message: str = ""


def work(order: Order, cores: Sequence[int], gpu: str | None, reports: Connection) -> None:
    """The whole of a worker process on this machine.

    Args:
        order: The trial.
        cores: The processor's cores that it computes with.
        gpu: The GPU that it sees, by CUDA's name; None for all that there are.
        reports: Takes its events.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    write_to(Path(order.log))
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    if hasattr(os, "sched_setaffinity"):  # so that what it records of the machine is what it had
        os.sched_setaffinity(0, cores)
    message = perform(order, len(cores), lambda run: reports.send(Event(order.key, str(run.path))))
    reports.send(Event(order.key, ended=True, message=message))
    reports.close()


def perform(order: Order, threads: int, begun: Callable[[Run], None]) -> str:
    """Train a trial, going on with a run of it that was not finished.

    Args:
        order: The trial.
        threads: How many threads to compute with.
        begun: Told of the run when it is there.

    Returns:
        Why it came to no result, or an empty text.
    """
    try:
        with stop_signals():
            _train(order, threads, begun)
    except KeyboardInterrupt:  # before its run was there, or was continued
        print("stopped", flush=True)
    except GalaxynetError as error:
        print(error, flush=True)
        return str(error)
    except Exception as error:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}".strip(" :\n")
    return ""


def _train(order: Order, threads: int, begun: Callable[[Run], None]) -> None:
    with deferred_stop_signals():
        import torch

        from galaxynet.training.config import Components
        from galaxynet.training.train import train

    torch.set_num_threads(threads)
    plan = Components.load(order.model, order.dataset).plan(order.options, sweep=order.sweep)
    start = partial(
        train,
        plan,
        runs_dir=Path(order.runs_dir),
        data_dir=Path(order.data_dir),
        command=order.command,
        on_start=begun,
    )
    earlier = _unfinished(order)
    if earlier is not None:
        try:
            # Nobody else can be at it: the sweep has seen to that.
            start(resume=earlier, force=True)
            return
        except RunError as error:
            print(f"cannot go on with the run {earlier.record.id}, so it begins anew: {error}", flush=True)
    start()


def warm_up(modules: Sequence[str]) -> None:
    """Import what every trial needs; a module that cannot be imported is left to the trial to tell of."""
    for module in ("galaxynet.training.fit", "galaxynet.report.figures.style", *modules):
        try:
            importlib.import_module(module)
        except (Exception, SystemExit):
            continue


def _unfinished(order: Order) -> Run | None:
    from galaxynet.sweeps.record import runs_of

    run = runs_of(Path(order.runs_dir), order.sweep).get(order.key)
    if run is None:
        return None
    # A failed one is tried again only where that was asked for; there is no need to lose its epochs.
    again = run.status == "failed" and (run.checkpoints / "last.ckpt").is_file()
    return run if again or run.status in ("interrupted", "running") else None


def write_to(path: Path) -> None:
    """Let everything that this process and libraries beneath it print go to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    sys.stdout.flush()
    sys.stderr.flush()
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
