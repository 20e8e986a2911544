"""A trial on a machine of a Ray cluster, in a process of its own that Ray has started for it.

What happens to it is told by the folder that all machines share: each attempt at a trial adds a line to the
file beside its log. No process but the conducting one has to stay alive for that.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from galaxynet.children import end_with_parent
from galaxynet.launch import settle
from galaxynet.runs import Run
from galaxynet.runs.lock import is_locked
from galaxynet.sweeps.orders import Order
from galaxynet.sweeps.record import RECORD, runs_of
from galaxynet.sweeps.worker import perform, write_to

ATTEMPTS = 4
"""How often a trial is begun whose machine or process dies."""

_PATIENCE = 150.0
"""Seconds in which a dead machine's lock is given up; NFS takes 90 for that."""


@dataclass(frozen=True)
class Attempt:
    """An attempt at a trial.

    Attributes:
        node: Ray's id of the machine.
        host: The machine's name.
        pid: The process.
        run: The folder of its run; empty as long as there is none.
    """

    node: str
    host: str
    pid: int
    run: str = ""


@dataclass(frozen=True)
class Conditions:
    """How a trial is to be run on a machine.

    Attributes:
        cpus: The cores it may use.
        processes: Processes that share them.
        folder: The working directory, against which relative paths among the options are meant.
        has_data: Whether the folder of the datasets was there on the conducting machine.
    """

    cpus: int
    processes: int
    folder: str
    has_data: bool


def attempts_file(order: Order) -> Path:
    """The file to which each attempt at a trial adds a line."""
    return Path(order.log).with_suffix(".attempts")


def attempts_of(order: Order) -> list[Attempt]:
    """The attempts at a trial, the last one at the end."""
    try:
        lines = attempts_file(order).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found: list[Attempt] = []
    for line in lines:
        try:
            attempt = Attempt(**json.loads(line))
        except (ValueError, TypeError):  # the line is being written, or its machine died over it
            continue
        if attempt.run and found:
            found[-1] = attempt
        else:
            found.append(attempt)
    return found


def work_on_node(order: Order, conditions: Conditions) -> tuple[str, str]:
    """The whole of a Ray task.

    Args:
        order: The trial.
        conditions: How it is to be run.

    Returns:
        The folder of its run, and why it came to no result; each may be empty.
    """
    import ray

    missing = _not_shared(order, conditions)
    if missing:
        return "", missing
    before = attempts_of(order)
    if len(before) >= ATTEMPTS:  # Ray itself repeats without end what it has killed for its memory
        return before[-1].run, f"Its process died {ATTEMPTS} times; most often that is for want of memory."
    end_with_parent()  # Ray of this machine, without which nobody learns what the trial comes to
    write_to(Path(order.log))
    threads = max(1, conditions.cpus // conditions.processes)
    _settle(conditions, threads)
    this = Attempt(ray.get_runtime_context().get_node_id(), platform.node(), os.getpid())
    run = ""

    def begun(made: Run) -> None:
        nonlocal run
        run = str(made.path)
        _add(order, Attempt(this.node, this.host, this.pid, run))

    _add(order, this)
    print(f"{this.host}, process {this.pid}", flush=True)
    _wait_for_the_dead(order)
    message = perform(order, threads, begun)
    return run, message


def own_cores(count: int) -> list[int]:
    """So many of this machine's cores, as far as possible those that no other trial has.

    They are this process's until it ends.
    """
    cores = sorted(os.sched_getaffinity(0))
    if count >= len(cores):
        return cores
    folder = Path(tempfile.gettempdir()) / f"galaxynet-cores-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    mine = []
    for core in cores:
        try:
            lock = FileLock(folder / str(core))
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        _held.append(lock)
        mine.append(core)
        if len(mine) == count:
            return mine
    # Ray was told of more CPUs than there are.
    shared = [core for core in cores if core not in mine]
    first = os.getpid() % len(shared)
    return mine + (shared[first:] + shared[:first])[: count - len(mine)]


_held: list[FileLock] = []


def _settle(conditions: Conditions, threads: int) -> None:
    """Make this process like one that a person would have started for the training alone."""
    settle()  # the machine's Ray may have been started by srun
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for further processes of the training
    with suppress(OSError):
        os.chdir(conditions.folder)
    if hasattr(os, "sched_setaffinity"):  # so that what it records of the machine is what it had
        os.sched_setaffinity(0, own_cores(conditions.cpus))
    # By this name further processes of a training on several devices are started.
    script = Path(sys.executable).with_name("galaxynet")
    if not script.is_file():
        from galaxynet.cli import main

        script = Path(main.__file__)
    sys.argv[0] = str(script)


def _not_shared(order: Order, conditions: Conditions) -> str:
    """What of the conducting machine's folders is not here, as a message."""
    sweep = Path(order.log).parent.parent / RECORD
    for what, flag, there, folder in (
        ("runs", "--runs-dir", sweep.is_file(), order.runs_dir),
        ("datasets", "--data-dir", Path(order.data_dir).is_dir() or not conditions.has_data, order.data_dir),
    ):
        if not there:
            return (
                f"The machine {platform.node()} has not the folder of the {what} {folder} that the sweep "
                f"was started with. Let all machines share it under the same path, or name one that they "
                f"share: {flag}"
            )
    return ""


def _wait_for_the_dead(order: Order) -> None:
    """Wait until the lock of an unfinished run is free, which may take longer than to notice a death."""
    run = runs_of(Path(order.runs_dir), order.sweep).get(order.key)
    deadline = time.monotonic() + _PATIENCE
    while run is not None and is_locked(run.path) and time.monotonic() < deadline:
        time.sleep(0.5)


def _add(order: Order, attempt: Attempt) -> None:
    with attempts_file(order).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(attempt)) + "\n")
