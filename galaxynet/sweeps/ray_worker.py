"""A trial on a machine of a Ray cluster, in a process of its own that Ray has started for it.

Its progress is reported through the folder that all machines share: each attempt at a trial adds a line to a
file next to its log, so that no process but the scheduler's has to stay alive.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from galaxynet.children import end_with_parent
from galaxynet.launch import isolate_environment
from galaxynet.locks import Lock
from galaxynet.paths import SWEEP_RECORD
from galaxynet.runs import Run
from galaxynet.runs.lock import is_locked
from galaxynet.sweeps.job import TrialJob
from galaxynet.sweeps.sweep_record import sweep_runs
from galaxynet.sweeps.worker import redirect_output, run_trial

MAX_ATTEMPTS = 4
"""How often a trial is started whose machine or process dies."""

_LOCK_TIMEOUT_S = 150.0
"""How long the lock of a dead machine may persist; NFS takes 90 s to release it."""


@dataclass(frozen=True)
class Attempt:
    """An attempt at a trial.

    Attributes:
        node: Ray's id of the machine.
        host: Name of the machine.
        pid: Id of the process.
        run: The folder of its run; empty until it exists.
    """

    node: str
    host: str
    pid: int
    run: str = ""


@dataclass(frozen=True)
class NodeSettings:
    """How to run a trial on a machine.

    Attributes:
        cpus: The cores it may use.
        processes: The processes that share them.
        folder: The working directory, which relative paths among the options refer to.
        has_data: True if the folder of the datasets exists on the scheduler's machine.
    """

    cpus: int
    processes: int
    folder: str
    has_data: bool


def attempts_file(job: TrialJob) -> Path:
    """The file to which each attempt at a trial adds a line."""
    return Path(job.log).with_suffix(".attempts")


def attempts_of(job: TrialJob) -> list[Attempt]:
    """The attempts at a trial, the latest last."""
    try:
        lines = attempts_file(job).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    attempts: list[Attempt] = []
    for line in lines:
        try:
            attempt = Attempt(**json.loads(line))
        except (ValueError, TypeError):  # half a line: it is being written, or its machine died
            continue
        if attempt.run and attempts:
            attempts[-1] = attempt
        else:
            attempts.append(attempt)
    return attempts


def run_ray_trial(job: TrialJob, settings: NodeSettings) -> tuple[str, str]:
    """Run a trial as a Ray task.

    Args:
        job: The trial.
        settings: How to run it.

    Returns:
        The folder of its run, and why it has no result; each may be empty.
    """
    import ray

    missing = _missing_folder(job, settings)
    if missing:
        return "", missing
    earlier = attempts_of(job)
    if len(earlier) >= MAX_ATTEMPTS:  # Ray retries tasks it has killed for their memory without limit
        return earlier[-1].run, f"Its process died {MAX_ATTEMPTS} times, most likely because memory ran out."
    end_with_parent()  # the parent is this machine's Ray, through which the result is returned
    redirect_output(Path(job.log))
    threads = max(1, settings.cpus // settings.processes)
    _set_up_process(settings, threads)
    attempt = Attempt(ray.get_runtime_context().get_node_id(), platform.node(), os.getpid())
    folder = ""

    def on_start(run: Run) -> None:
        nonlocal folder
        folder = str(run.path)
        _append(job, replace(attempt, run=folder))

    _append(job, attempt)
    print(f"{attempt.host}, process {attempt.pid}", flush=True)
    _wait_for_lock(job)
    message = run_trial(job, threads, on_start)
    return folder, message


def own_cores(count: int) -> list[int]:
    """`count` of this machine's cores, if possible ones that no other trial uses.

    They are reserved until this process ends.
    """
    cores = sorted(os.sched_getaffinity(0))
    if count >= len(cores):
        return cores
    folder = Path(tempfile.gettempdir()) / f"galaxynet-cores-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    reserved = []
    for core in cores:
        lock = Lock(folder / str(core))
        try:
            if not lock.acquire():
                continue
        except OSError:
            continue
        _held_locks.append(lock)
        reserved.append(core)
        if len(reserved) == count:
            return reserved
    # Ray was configured with more CPUs than there are.
    shared = [core for core in cores if core not in reserved]
    first = os.getpid() % len(shared)
    return reserved + (shared[first:] + shared[:first])[: count - len(reserved)]


_held_locks: list[Lock] = []


def _set_up_process(settings: NodeSettings, threads: int) -> None:
    """Make this process like one that was started for the training alone."""
    isolate_environment()  # the machine's Ray may have been started by srun
    os.environ["OMP_NUM_THREADS"] = str(threads)  # for further processes of the training
    with suppress(OSError):
        os.chdir(settings.folder)
    if hasattr(os, "sched_setaffinity"):  # so that the run record describes what the trial had
        os.sched_setaffinity(0, own_cores(settings.cpus))
    # Lightning starts further processes of a training on several devices by this script.
    script = Path(sys.executable).with_name("galaxynet")
    sys.argv[0] = str(script if script.is_file() else Path(__file__).parents[1] / "__main__.py")


def _missing_folder(job: TrialJob, settings: NodeSettings) -> str:
    """The message about a folder of the scheduler's machine that is not shared, or empty."""
    has_sweep = (Path(job.log).parent.parent / SWEEP_RECORD).is_file()
    has_data = Path(job.data_dir).is_dir() or not settings.has_data
    for what, flag, present, folder in (
        ("runs", "--runs-dir", has_sweep, job.runs_dir),
        ("datasets", "--data-dir", has_data, job.data_dir),
    ):
        if not present:
            return (
                f"The machine {platform.node()} lacks the folder of the {what} {folder}. All machines must "
                f"share it under the same path; choose a shared one with {flag}"
            )
    return ""


def _wait_for_lock(job: TrialJob) -> None:
    """Wait until the lock of an unfinished run is free, which may lag behind the death of its machine."""
    run = sweep_runs(Path(job.runs_dir), job.sweep).get(job.key)
    deadline = time.monotonic() + _LOCK_TIMEOUT_S
    while run is not None and is_locked(run.path) and time.monotonic() < deadline:
        time.sleep(0.5)


def _append(job: TrialJob, attempt: Attempt) -> None:
    with attempts_file(job).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(attempt)) + "\n")
