"""One trial in a process of its own.

The process is forked from one that has imported Lightning and the network, so a trial does not wait for that.
It stops, as if interrupted, when the process that runs the sweep is gone (see `galaxynet.children`).
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from galaxynet.errors import GalaxynetError, RunError
from galaxynet.runs import Run
from galaxynet.signals import deferred_stop_signals, stop_signals
from galaxynet.sweeps.engine import Event
from galaxynet.sweeps.job import TrialJob
from galaxynet.sweeps.sweep_record import sweep_runs


def run_local_trial(job: TrialJob, cores: Sequence[int], gpu: str | None, events: Connection) -> None:
    """Run a trial in a process of this machine.

    Args:
        job: The trial.
        cores: The CPU cores that it uses.
        gpu: The GPU that it sees, by CUDA's name; None for all.
        events: The pipe for its events.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    redirect_output(Path(job.log))
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    if hasattr(os, "sched_setaffinity"):  # so that the run record describes what the trial had
        os.sched_setaffinity(0, cores)
    message = run_trial(job, len(cores), lambda run: events.send(Event(job.key, str(run.path))))
    events.send(Event(job.key, ended=True, message=message))
    events.close()


def run_trial(job: TrialJob, threads: int, on_start: Callable[[Run], None]) -> str:
    """Train a trial, resuming its unfinished run if there is one.

    Args:
        job: The trial.
        threads: How many threads to compute with.
        on_start: Called with the run once it exists.

    Returns:
        Why the trial has no result, or an empty string.
    """
    try:
        with stop_signals():
            _train(job, threads, on_start)
    except KeyboardInterrupt:  # before its run existed or was resumed
        print("stopped", flush=True)
    except GalaxynetError as error:
        print(error, flush=True)
        return str(error)
    except Exception as error:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}".strip(" :\n")
    return ""


def _train(job: TrialJob, threads: int, on_start: Callable[[Run], None]) -> None:
    with deferred_stop_signals():
        import torch

        from galaxynet.report.run_summary import print_start, report_end
        from galaxynet.training.config import Components
        from galaxynet.training.train import train

    def report_start(run: Run) -> None:
        on_start(run)
        print_start(run)

    torch.set_num_threads(threads)
    start = partial(
        train,
        Components.load(job.model, job.dataset).plan(job.options, sweep=job.sweep),
        runs_dir=Path(job.runs_dir),
        data_dir=Path(job.data_dir),
        command=job.command,
        on_start=report_start,
    )
    unfinished = _unfinished_run(job)
    if unfinished is not None:
        try:
            report_end(start(resume=unfinished, force=True))  # the sweep's lock keeps other processes away
            return
        except RunError as error:
            print(f"cannot resume run {unfinished.record.id}, starting again: {error}", flush=True)
    report_end(start())


def _unfinished_run(job: TrialJob) -> Run | None:
    run = sweep_runs(Path(job.runs_dir), job.sweep).get(job.key)
    if run is None:
        return None
    # A failed trial only gets here with --retry-failed, and keeps its epochs.
    retried = run.status == "failed" and (run.checkpoints / "last.ckpt").is_file()
    return run if retried or run.status in ("interrupted", "running") else None


def redirect_output(path: Path) -> None:
    """Append everything that this process and its libraries print to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    sys.stdout.flush()
    sys.stderr.flush()
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
