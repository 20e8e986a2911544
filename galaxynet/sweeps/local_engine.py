"""The engine that runs trials in processes of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait

from galaxynet.children import ForkServerProcess
from galaxynet.sweeps.engine import STOP_TIMEOUT_S, Event
from galaxynet.sweeps.forking import fork
from galaxynet.sweeps.job import TrialJob
from galaxynet.sweeps.worker import run_local_trial


class LocalEngine:
    """Trials in processes forked from one that has done the imports.

    Args:
        slots: How many run at once; they share the cores.
        gpus: The GPUs by CUDA's names, one per slot in turn; empty to let each trial see all.
        modules: Modules of network and dataset to import in advance.
    """

    def __init__(self, slots: int, gpus: Sequence[str] = (), modules: Sequence[str] = ()) -> None:
        self.slots = slots
        self.gpus = list(gpus)
        self.modules = list(modules)
        self._running: dict[int, tuple[TrialJob, ForkServerProcess, Connection]] = {}

    def start(self, job: TrialJob) -> bool:
        """Start a trial in a free slot."""
        slot = next(slot for slot in range(self.slots) if slot not in self._running)
        cores = cores_by_slot(self.slots, job.options["threads"])[slot]
        gpu = self.gpus[slot % len(self.gpus)] if self.gpus else None
        process, events = fork(run_local_trial, (job, cores, gpu), self.modules)
        self._running[slot] = (job, process, events)
        return True

    def wait(self, timeout_s: float) -> list[Event]:
        """Return what has happened, after at most `timeout_s` seconds."""
        slots = {pipe: slot for slot, (_, _, pipe) in self._running.items()}
        if not slots:
            time.sleep(timeout_s)
            return []
        return [self._receive(slots[pipe]) for pipe in wait(list(slots), timeout_s) if pipe in slots]

    def stop(self) -> None:
        """Interrupt all running trials, so that they can be resumed, and wait for them."""
        for _, process, _ in self._running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for _, process, _ in self._running.values():
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        self._running.clear()

    def close(self) -> None:
        """Stop what is left; the process that trials are forked from ends with this one."""
        with contextlib.suppress(OSError):
            self.stop()

    def _receive(self, slot: int) -> Event:
        job, process, pipe = self._running[slot]
        try:
            event: Event = pipe.recv()
        except (EOFError, OSError):
            process.join()
            event = Event(job.key, ended=True, message=_exit_reason(process.exitcode or 0))
        if event.ended:
            process.join(STOP_TIMEOUT_S)
            process.kill()  # a thread of some library may keep it alive
            pipe.close()
            del self._running[slot]
        return event


def cores_by_slot(slots: int, threads: int = 0) -> list[list[int]]:
    """The cores of each slot: an equal share, and at least one.

    Args:
        slots: How many trials run at once.
        threads: Threads of a trial with a given number; it gets that many cores, if there are.
    """
    cores = (
        sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    share = max(1, len(cores) // slots, min(threads, len(cores)))
    return [[cores[(slot * share + index) % len(cores)] for index in range(share)] for slot in range(slots)]


def visible_gpus(accelerator: str) -> list[str]:
    """The GPUs that trials can use, found without importing PyTorch; none if they run on the CPU."""
    if accelerator in ("cpu", "mps"):
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu.strip() and gpu != "-1"]
    if shutil.which("nvidia-smi") is None:
        return []
    listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(index) for index, line in enumerate(listing.splitlines()) if line.startswith("GPU ")]


def _exit_reason(code: int) -> str:
    if code == -signal.SIGKILL:
        return "The process was killed, most likely by the system because memory ran out."
    if code < 0:
        return f"The process ended by {signal.Signals(-code).name}."
    return f"The process ended with exit code {code} and no message."
