"""The Ray cluster of this process: connecting, disconnecting, and what fits on it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from galaxynet import terminal
from galaxynet.children import isolated_start
from galaxynet.errors import RunError, UsageError
from galaxynet.phrases import count
from galaxynet.signals import restored_handlers
from galaxynet.sweeps.job import TrialJob

_OBJECT_STORE_BYTES = 100_000_000
"""Ray's shared memory; nothing large is sent through it."""
_CONNECT_TIMEOUT_S = 10.0
_FORWARDED_VARIABLES = ("PYTHONPATH", "GALAXYNET_PLUGINS")
_SKIPPED_MESSAGES = "RAY_DEDUP_LOGS_SKIP_REGEX"

_state = {"connected": False, "started": False}


def connect() -> Any:
    """Connect this process to the Ray cluster, or start Ray on this machine if it is in no cluster.

    The cluster is the one that RAY_ADDRESS names, or else the one that `ray start` has put this machine in.

    Returns:
        The module `ray`.

    Raises:
        UsageError: If Ray is not installed.
        RunError: If the cluster cannot be reached.
    """
    ray = _import_ray()
    if ray.is_initialized():
        return ray
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    forwarded = {name: os.environ[name] for name in _FORWARDED_VARIABLES if name in os.environ}
    settings: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.CRITICAL,
        "runtime_env": {"env_vars": forwarded} if forwarded else None,
    }
    address = _address()
    try:
        _check_reachable(address)
        with (
            isolated_start(),
            _in_library(),
            restored_handlers([signal.SIGTERM]),
            terminal.working("connecting to Ray"),
        ):
            try:
                ray.init(object_store_memory=_OBJECT_STORE_BYTES, include_dashboard=False, **settings)
                _state["started"] = True
            except ValueError:  # an existing cluster has settings of its own
                ray.init(**settings)
                _state["started"] = False
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        where = f" at {address}" if address else ""
        raise RunError(
            f"Cannot connect to Ray{where}: {first_line(error)}.",
            "Check it with: ray status; to run on this machine alone, set RAY_ADDRESS=local.",
        ) from None
    _state["connected"] = True
    return ray


def disconnect() -> None:
    """Leave the cluster; a Ray that `connect` has started ends."""
    if _state["connected"]:
        import ray

        ray.shutdown()
        _state["connected"] = False


def is_own_ray() -> bool:
    """True if `connect` has started Ray, so that it is this machine alone."""
    return _state["started"]


def capacity(jobs: Iterable[TrialJob], cpus: int) -> int:
    """How many of these trials the cluster can run at once now, at least 1.

    Args:
        jobs: The trials; the most demanding one counts.
        cpus: CPUs of each.

    Raises:
        UsageError: If none fits, and Ray runs on this machine alone, which does not grow.
        RunError: If the cluster cannot be reached.
    """
    ray = connect()
    demands = [resources(ray, job, cpus) for job in jobs]
    demand = {"CPU": max(cpu for cpu, _ in demands), "GPU": max(gpu for _, gpu in demands)}
    demand = {name: amount for name, amount in demand.items() if amount}
    fits = sum(
        min(int(node["Resources"].get(name, 0) // amount) for name, amount in demand.items())
        for node in ray.nodes()
        if node["Alive"]
    )
    if not fits:
        text = " and ".join(count(amount, name) for name, amount in demand.items())
        if is_own_ray():
            disconnect()
            raise UsageError(
                f"A trial needs {text}, more than Ray has on this machine.",
                "Request fewer: --trial-cpus, --devices",
            )
        terminal.note(f"no machine of the cluster has {text} now; trials wait for one", style="yellow")
    return max(1, fits)


def resources(ray: Any, job: TrialJob, cpus: int) -> tuple[int, int]:
    """CPUs and GPUs of a trial. With `--accelerator auto` it uses GPUs if the cluster has some."""
    devices, accelerator = int(job.options["devices"]), job.options["accelerator"]
    threads = int(job.options["threads"])
    if accelerator == "gpu" or (accelerator == "auto" and _has_gpus(ray)):
        return max(cpus, threads), devices
    return max(cpus, devices, devices * threads), 0


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    lines = (getattr(error, "strerror", "") or str(error)).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _import_ray() -> Any:
    # Otherwise Ray prints messages about dead nodes to standard output, where results belong. It reads the
    # variable when it is imported, and the processes that it starts should not inherit it.
    is_set = _SKIPPED_MESSAGES in os.environ
    os.environ.setdefault(_SKIPPED_MESSAGES, ".*")
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            f"--engine ray needs Ray, which cannot be imported: {error}.",
            "Install it with: pip install 'galaxynet[ray]'",
        ) from None
    finally:
        if not is_set:
            del os.environ[_SKIPPED_MESSAGES]
    return ray


def _has_gpus(ray: Any) -> bool:
    return any(node["Alive"] and node["Resources"].get("GPU", 0) >= 1 for node in ray.nodes())


@contextmanager
def _in_library() -> Iterator[None]:
    """Hide the current directory from Ray, which would put it first on the path of all workers."""
    before = Path.cwd()
    os.chdir(Path(os.__file__).parent)  # on their path anyway
    try:
        yield
    finally:
        os.chdir(before)


def _address() -> str:
    """The address of the cluster, found as Ray does, or empty."""
    with suppress(OSError):
        # `ray start` writes the address of the machine's cluster here.
        current = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir(), "ray", "ray_current_cluster")
        return os.environ.get("RAY_ADDRESS") or current.read_text(encoding="utf-8").strip()
    return ""


def _check_reachable(address: str) -> None:
    """Raise OSError if nothing answers at an address; Ray itself would try for ten minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_S).close()
