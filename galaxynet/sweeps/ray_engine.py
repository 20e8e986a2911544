"""The engine that runs trials on a Ray cluster. Ray decides where and when, and repeats what died."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from galaxynet import terminal
from galaxynet.errors import RunError
from galaxynet.sweeps.engine import STOP_TIMEOUT_S, Event
from galaxynet.sweeps.job import TrialJob
from galaxynet.sweeps.ray_cluster import connect, disconnect, first_line, is_own_ray, resources
from galaxynet.sweeps.ray_worker import (
    MAX_ATTEMPTS,
    Attempt,
    NodeSettings,
    attempts_file,
    attempts_of,
    run_ray_trial,
)

_KILL_TIMEOUT_S = 5.0
_POLL_S = 1.0
_CONNECT_TIMEOUT_S = 5.0


class RayEngine:
    """Trials as tasks of a Ray cluster.

    Args:
        slots: How many to submit to Ray at once, which queues them until there is room.
        cpus: CPUs of each trial.

    Raises:
        UsageError: If Ray is not installed.
        RunError: If the cluster cannot be reached.
    """

    def __init__(self, slots: int, cpus: int = 1) -> None:
        self.slots = slots
        self.cpus = cpus
        self._ray = connect()
        # One process per trial, so that no trial sees what another has changed or kept in memory.
        self._task = self._ray.remote(max_calls=1, max_retries=MAX_ATTEMPTS - 1)(run_ray_trial)
        self._jobs: dict[Any, TrialJob] = {}
        self._reported: dict[str, Attempt | None] = {}
        self._last_poll = 0.0
        self._lost = False
        self._local_ray = self._find_local_ray()

    def start(self, job: TrialJob) -> bool:
        """Submit a trial to Ray; returns False, as it waits for its turn."""
        cpus, gpus = resources(self._ray, job, self.cpus)
        processes = 1 if gpus else int(job.options["devices"])
        attempts_file(job).unlink(missing_ok=True)
        settings = NodeSettings(cpus, processes, str(Path.cwd()), Path(job.data_dir).is_dir())
        task = self._task.options(num_cpus=cpus, num_gpus=gpus, name=f"trial {job.key}")
        self._jobs[task.remote(job, settings)] = job
        return False

    def wait(self, timeout_s: float) -> list[Event]:
        """Return what has happened, after at most `timeout_s` seconds."""
        if not self._jobs:
            time.sleep(timeout_s)
            return []
        ended, _ = self._ray.wait(list(self._jobs), num_returns=1, timeout=timeout_s)
        events = [self._result(task) for task in ended]
        now = time.monotonic()
        if now - self._last_poll >= _POLL_S:
            self._last_poll = now
            events += self._poll()
        return events

    def stop(self) -> None:
        """Interrupt all running trials, so that they can be resumed, and wait for them."""
        tasks = [] if self._lost else list(self._jobs)
        for timeout_s, force in ((STOP_TIMEOUT_S, False), (_KILL_TIMEOUT_S, True)):
            for task in tasks:
                self._ray.cancel(task, force=force)
            if tasks:
                _, tasks = self._ray.wait(tasks, num_returns=len(tasks), timeout=timeout_s)
        for job in self._jobs.values():
            attempts_file(job).unlink(missing_ok=True)
        self._jobs.clear()

    def close(self) -> None:
        """Stop what is left, and leave the cluster."""
        try:
            self.stop()
        finally:
            disconnect()

    def _result(self, task: Any) -> Event:
        job = self._jobs.pop(task)
        attempts = attempts_of(job)
        attempts_file(job).unlink(missing_ok=True)
        self._reported.pop(job.key, None)
        try:
            run, message = self._ray.get(task)
        except self._ray.exceptions.LocalRayletDiedError:
            raise self._lost_error() from None
        except self._ray.exceptions.RayError as error:
            run = attempts[-1].run if attempts else ""
            message = self._failure_reason(error, len(attempts))
        return Event(job.key, run, ended=True, message=message)

    def _lost_error(self) -> RunError:
        """The error when this process has lost the cluster, which says nothing about the trials."""
        self._lost = True
        restart = "." if is_own_ray() else ", once Ray is started again: ray start"
        return RunError(
            "Ray on this machine has stopped, and the sweep with it.",
            f"The same command continues the sweep{restart}",
        )

    def _failure_reason(self, error: Exception, attempts: int) -> str:
        exceptions = self._ray.exceptions
        if isinstance(error, exceptions.TaskCancelledError):
            return "Its task was cancelled."
        times = f" (attempt {attempts})" if attempts > 1 else ""
        if isinstance(error, exceptions.NodeDiedError):
            return f"The machine that it was trained on went down{times}."
        if isinstance(error, exceptions.WorkerCrashedError | exceptions.OutOfMemoryError):
            return f"Its process was killed or crashed{times}, most likely because memory ran out."
        return f"Ray could not run it: {first_line(getattr(error, 'cause', None) or error)}."

    def _find_local_ray(self) -> tuple[str, int] | None:
        """Host and port of this machine's Ray; None if they cannot be reached from here."""
        node_id = self._ray.get_runtime_context().get_node_id()
        for node in self._ray.nodes():
            address = node["NodeManagerAddress"], node["NodeManagerPort"]
            if node["NodeID"] == node_id and not _is_refused(address):
                return address
        return None

    def _poll(self) -> list[Event]:
        """Trials that have started since the last poll, and those requeued because their machine is gone.

        Raises:
            RunError: If this machine's Ray has stopped. Ray itself notices that after 15 s.
        """
        if self._local_ray is not None and _is_refused(self._local_ray):
            raise self._lost_error()
        alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
        events = []
        lost: dict[str, int] = {}
        for job in self._jobs.values():
            attempts = attempts_of(job)
            latest = attempts[-1] if attempts and attempts[-1].node in alive else None
            reported = self._reported.get(job.key)
            if latest == reported:
                continue
            self._reported[job.key] = latest
            if reported is not None and reported.node not in alive:  # it may run again by now
                lost[reported.host] = lost.get(reported.host, 0) + 1
                events.append(Event(job.key, requeued=True))
            if latest is not None:
                events.append(Event(job.key, latest.run))
        for host, count in lost.items():
            trials = "trials wait" if count > 1 else "trial waits"
            terminal.note(f"{host} is gone; {count} {trials} to resume elsewhere", style="yellow")
        return events


def _is_refused(address: tuple[str, int]) -> bool:
    """True if no process listens at an address."""
    try:
        socket.create_connection(address, _CONNECT_TIMEOUT_S).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
