"""Where trials run: the interface of an engine, and the engine that needs nothing installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import Protocol

from galaxynet.children import ForkServerProcess
from galaxynet.sweeps.forking import fork
from galaxynet.sweeps.orders import Order
from galaxynet.sweeps.worker import Event, work

_PATIENCE = 30.0
"""Seconds that a trial has to stop by itself, which it does after a step."""


class Engine(Protocol):
    """Runs trials.

    Attributes:
        slots: How many trials run at once.
    """

    slots: int

    def start(self, order: Order) -> bool:
        """Begin a trial; there is a free slot.

        Returns:
            Whether it runs now; False if it waits for its turn, and an event tells when it runs.
        """

    def wait(self, seconds: float) -> list[Event]:
        """What has happened; waits for something to happen, but not longer than that."""

    def stop(self) -> None:
        """Have all running trials stop so that they can be gone on with, and wait for that."""

    def close(self) -> None:
        """Give back what the engine holds."""


class LocalEngine:
    """Trials in processes of this machine, forked from one that has done the imports.

    Args:
        slots: How many run at once; the cores are divided among them.
        gpus: The GPUs by CUDA's names, given to the slots in turn; empty to let each see what there is.
        modules: Modules of network and dataset to import beforehand.
    """

    def __init__(self, slots: int, gpus: Sequence[str] = (), modules: Sequence[str] = ()) -> None:
        self.slots = slots
        self.gpus = list(gpus)
        self.modules = list(modules)
        self._running: dict[int, tuple[Order, ForkServerProcess, Connection]] = {}

    def start(self, order: Order) -> bool:
        """Begin a trial; there is a free slot."""
        cores = shared_out(self.slots, order.options["threads"])
        slot = next(number for number in range(self.slots) if number not in self._running)
        gpu = self.gpus[slot % len(self.gpus)] if self.gpus else None
        process, reports = fork(work, (order, cores[slot], gpu), self.modules)
        self._running[slot] = (order, process, reports)
        return True

    def wait(self, seconds: float) -> list[Event]:
        """What has happened; waits for something to happen, but not longer than that."""
        pipes = {reports: slot for slot, (_, _, reports) in self._running.items()}
        if not pipes:
            time.sleep(seconds)
            return []
        events: list[Event] = []
        for reports in wait(list(pipes), seconds):
            assert isinstance(reports, Connection)
            order, process, _ = self._running[pipes[reports]]
            try:
                event = reports.recv()
            except (EOFError, OSError):
                process.join()
                event = Event(order.key, ended=True, message=_ended_by(process.exitcode or 0))
            if event.ended:
                process.join(_PATIENCE)
                process.kill()  # if a thread of some library keeps it from ending
                reports.close()
                del self._running[pipes[reports]]
            events.append(event)
        return events

    def stop(self) -> None:
        """Have all running trials stop so that they can be gone on with, and wait for that."""
        for _, process, _ in self._running.values():
            process.terminate()
        deadline = time.monotonic() + _PATIENCE
        for _, process, _ in self._running.values():
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        self._running.clear()

    def close(self) -> None:
        """End what is left; the process that they are forked from ends with this one."""
        with contextlib.suppress(OSError):
            self.stop()


def shared_out(slots: int, threads: int = 0) -> list[list[int]]:
    """The cores of each slot: as many for each as there are for all, and at least one.

    Args:
        slots: How many trials run at once.
        threads: Threads of a trial that was given a number; it has so many cores, if there are.
    """
    cores = (
        sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    each = max(1, len(cores) // slots, min(threads, len(cores)))
    return [[cores[(slot * each + place) % len(cores)] for place in range(each)] for slot in range(slots)]


def _ended_by(code: int) -> str:
    """Why a process that said nothing ended."""
    if code == -signal.SIGKILL:
        return "The process was killed; most often that is the system, when memory is short."
    if code < 0:
        return f"The process ended by {signal.Signals(-code).name}."
    return f"The process ended with {code} and told no reason."


def visible_gpus(accelerator: str) -> list[str]:
    """The GPUs that trials can be given, without importing PyTorch: none where they compute on the CPU."""
    if accelerator in ("cpu", "mps"):
        return []
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu for gpu in named.split(",") if gpu.strip() and gpu != "-1"]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(number) for number, line in enumerate(listed.splitlines()) if line.startswith("GPU ")]
