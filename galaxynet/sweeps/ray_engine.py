"""The engine that runs trials on a Ray cluster. Ray decides where and when, and repeats what died."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from galaxynet import terminal
from galaxynet.children import sheltered_start
from galaxynet.errors import RunError, UsageError
from galaxynet.sweeps.orders import Order
from galaxynet.sweeps.ray_worker import (
    ATTEMPTS,
    Attempt,
    Conditions,
    attempts_file,
    attempts_of,
    work_on_node,
)
from galaxynet.sweeps.worker import Event

_PATIENCE = 30.0
"""Seconds that a trial has to stop by itself, which it does after a step."""
_KILLED = 5.0
_LOOK = 1.0
"""Seconds between two looks at what runs."""
_STORE = 100_000_000
"""Bytes of Ray's shared memory, by which nothing large is sent here."""
_KNOCK = 10.0
"""Seconds in which a cluster's head answers."""
_PASSED_ON = ("PYTHONPATH", "GALAXYNET_PLUGINS")

_ours = {"connected": False, "started": False}


def connect() -> Any:
    """Connect this process to the Ray cluster, or start Ray on this machine where there is none.

    The cluster is the one that RAY_ADDRESS names, or else the one that `ray start` has put this machine in.

    Returns:
        The module `ray`.

    Raises:
        UsageError: If Ray is not installed.
        RunError: If the cluster cannot be reached.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            f"--engine ray needs Ray, which cannot be imported: {error}.",
            "Install it with: pip install 'galaxynet[ray]'",
        ) from None
    if ray.is_initialized():
        return ray
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    settings: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.CRITICAL,
        "runtime_env": {"env_vars": passed_on} if passed_on else None,
    }
    address = _address()
    try:
        _knock(address)
        with sheltered_start(), _in_library(), _own_sigterm(), terminal.working("connecting to Ray"):
            try:
                ray.init(object_store_memory=_STORE, include_dashboard=False, **settings)
                _ours["started"] = True
            except ValueError:  # there is a cluster, whose memory is not for us to set
                ray.init(**settings)
                _ours["started"] = False
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        where = f" at {address}" if address else ""
        raise RunError(
            f"Ray{where} cannot be used: {_first_line(error)}.",
            "See how it is with: ray status; to compute on this machine alone, set RAY_ADDRESS=local.",
        ) from None
    _ours["connected"] = True
    # What Ray prints of nodes that died goes to standard output otherwise, where results belong.
    ray._private.worker._worker_logs_enabled = False
    return ray


def disconnect() -> None:
    """Leave the cluster; a Ray that `connect` has started ends."""
    if _ours["connected"]:
        import ray

        ray.shutdown()
        _ours["connected"] = False


def capacity(orders: Iterable[Order], cpus: int) -> int:
    """How many of these trials the cluster can run at once, at least 1.

    Args:
        orders: The trials; the one that takes most is what is counted.
        cpus: CPUs of each.

    Raises:
        UsageError: If none fits, and it is Ray on this machine alone, which does not grow.
        RunError: If the cluster cannot be reached.
    """
    ray = connect()
    needs = [_needs(order, cpus, _has_gpus(ray)) for order in orders]
    wanted = {"CPU": max(need[0] for need in needs), "GPU": max(need[1] for need in needs)}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    fits = sum(
        min(int(node.get(kind, 0) // amount) for kind, amount in wanted.items() if amount) for node in nodes
    )
    if not fits:
        said = " and ".join(
            f"{amount} {kind}{'s' * (amount > 1)}" for kind, amount in wanted.items() if amount
        )
        if _ours["started"]:
            disconnect()
            raise UsageError(
                f"A trial takes {said}, and Ray finds less on this machine.",
                "Take fewer: --trial-cpus, --devices",
            )
        terminal.note(f"[yellow]no machine of the cluster has {said} now; trials wait for one[/yellow]")
    return max(1, fits)


class RayEngine:
    """Trials as tasks of a Ray cluster.

    Args:
        slots: How many to hand to Ray at once, which lets them wait until there is room.
        cpus: CPUs of each trial.

    Raises:
        UsageError: If Ray is not installed.
        RunError: If the cluster cannot be reached.
    """

    def __init__(self, slots: int, cpus: int = 1) -> None:
        self.slots = slots
        self.cpus = cpus
        self._ray = connect()
        # One process for each trial: what it has changed and what it held of memory is gone with it.
        self._task = self._ray.remote(max_calls=1, max_retries=ATTEMPTS - 1)(work_on_node)
        self._orders: dict[Any, Order] = {}
        self._shown: dict[str, Attempt | None] = {}
        self._looked = 0.0
        self._lost = False

    def start(self, order: Order) -> bool:
        """Hand a trial to Ray; False, as it waits for its turn."""
        cpus, gpus = _needs(order, self.cpus, _has_gpus(self._ray))
        processes = 1 if gpus else int(order.options["devices"])
        attempts_file(order).unlink(missing_ok=True)
        conditions = Conditions(cpus, processes, str(Path.cwd()), Path(order.data_dir).is_dir())
        task = self._task.options(num_cpus=cpus, num_gpus=gpus, name=f"trial {order.key}")
        self._orders[task.remote(order, conditions)] = order
        return False

    def wait(self, seconds: float) -> list[Event]:
        """What has happened; waits for something to happen, but not longer than that."""
        if not self._orders:
            time.sleep(seconds)
            return []
        ended, _ = self._ray.wait(list(self._orders), num_returns=1, timeout=seconds)
        events = [self._result(reference) for reference in ended]
        now = time.monotonic()
        if now - self._looked >= _LOOK:
            self._looked = now
            events += self._changes()
        return events

    def stop(self) -> None:
        """Have all running trials stop so that they can be gone on with, and wait for that."""
        left = [] if self._lost else list(self._orders)
        for patience, force in ((_PATIENCE, False), (_KILLED, True)):
            for reference in left:
                self._ray.cancel(reference, force=force)
            if left:
                _, left = self._ray.wait(left, num_returns=len(left), timeout=patience)
        for order in self._orders.values():
            attempts_file(order).unlink(missing_ok=True)
        self._orders.clear()

    def close(self) -> None:
        """End what is left, and leave the cluster."""
        try:
            self.stop()
        finally:
            disconnect()

    def _result(self, reference: Any) -> Event:
        order = self._orders.pop(reference)
        attempts = attempts_of(order)
        attempts_file(order).unlink(missing_ok=True)
        self._shown.pop(order.key, None)
        try:
            run, message = self._ray.get(reference)
        except self._ray.exceptions.LocalRayletDiedError:
            # It is this process that has lost the cluster: that says nothing of the trials.
            self._lost = True
            again = "." if _ours["started"] else ", once Ray is started again: ray start"
            raise RunError(
                "Ray on this machine has gone down, and the sweep ends with it.",
                f"The same command goes on with it{again}",
            ) from None
        except self._ray.exceptions.RayError as error:
            run, message = attempts[-1].run if attempts else "", self._why(error, len(attempts))
        return Event(order.key, run, ended=True, message=message)

    def _why(self, error: Exception, attempts: int) -> str:
        """Why a task came to no result."""
        known = self._ray.exceptions
        if isinstance(error, known.TaskCancelledError):
            return "Its task was cancelled."
        times = f", the {attempts}th time" if attempts > 1 else ""
        if isinstance(error, known.NodeDiedError):
            return f"The machine that it was trained on went down{times}."
        if isinstance(error, known.WorkerCrashedError | known.OutOfMemoryError):
            return f"Its process was killed or crashed{times}; most often that is for want of memory."
        return f"Ray could not run it: {_first_line(getattr(error, 'cause', None) or error)}."

    def _changes(self) -> list[Event]:
        """Trials that have begun since the last look, and those that wait again as their machine is gone."""
        alive = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
        events = []
        lost: dict[str, int] = {}
        for order in self._orders.values():
            attempts = attempts_of(order)
            if not attempts:
                continue
            last: Attempt | None = attempts[-1]
            if last is not None and last.node not in alive:
                if self._shown.get(order.key) is not None:
                    lost[last.host] = lost.get(last.host, 0) + 1
                last = None
            if self._shown.get(order.key) == last:
                continue
            self._shown[order.key] = last
            events.append(Event(order.key, last.run if last else "", waits=last is None))
        for host, count in lost.items():
            wait = "trials wait" if count > 1 else "trial waits"
            terminal.note(f"[yellow]{host} is gone; {count} {wait} to be gone on with elsewhere[/yellow]")
        return events


def _needs(order: Order, cpus: int, gpus: bool) -> tuple[int, int]:
    """CPUs and GPUs of a trial. With `--accelerator auto` it takes GPUs where the cluster has some."""
    devices, accelerator = int(order.options["devices"]), order.options["accelerator"]
    threads = int(order.options["threads"])
    if accelerator == "gpu" or (accelerator == "auto" and gpus):
        return max(cpus, threads), devices
    return max(cpus, devices, devices * threads), 0


def _has_gpus(ray: Any) -> bool:
    return any(node["Alive"] and node["Resources"].get("GPU", 0) >= 1 for node in ray.nodes())


@contextmanager
def _in_library() -> Iterator[None]:
    """Keep the current directory from Ray, which would put it first on the path of all workers."""
    before = Path.cwd()
    os.chdir(Path(os.__file__).parent)  # on their path anyway
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep what this process does on SIGTERM, which Ray takes for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        with suppress(TypeError):  # a handler that was not set from Python cannot be set again
            signal.signal(signal.SIGTERM, handler)


def _address() -> str:
    """Where the cluster is, as Ray looks for it; empty if there is none."""
    with suppress(OSError):
        # Here `ray start` leaves the address of the cluster that this machine is in.
        left = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray", "ray_current_cluster")
        return os.environ.get("RAY_ADDRESS") or left.read_text(encoding="utf-8").strip()
    return ""


def _knock(address: str) -> None:
    """See that something answers at an address; Ray itself would try for ten minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK).close()


def _first_line(error: BaseException) -> str:
    lines = (getattr(error, "strerror", "") or str(error)).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
