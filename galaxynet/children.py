"""Processes that this one starts: they end when it ends, and import nothing from the current directory.

A child notices the end of its parent by a closed pipe (processes of `multiprocessing`) or by a changed parent
id (other processes). Both work on Linux and macOS, whatever ended the parent, even SIGKILL.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import context
from multiprocessing.connection import wait
from typing import Any

from galaxynet.safe_path import SAFE_PATH, without_current_directory

GRACE_S = 30.0
"""Seconds in which a child whose parent has gone may end by itself, after SIGTERM."""

_POLL_S = 0.5

_SHELTER = threading.RLock()
"""What a start changes of this process, another thread must not take for what was there before."""


def end_with_parent(pid: int | None = None, *, grace_s: float = GRACE_S) -> Callable[[], None]:
    """Make this process end when its parent does.

    When the parent is gone, this process is sent SIGTERM and, if that does not end it, SIGKILL.

    Args:
        pid: The parent, for a process that was given its id as an argument; it may be gone already.
            None for the one that started this process through `multiprocessing`, or else the present one.
        grace_s: Seconds between the two; 0 for SIGKILL at once.

    Returns:
        A function that stops the watch.
    """
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(pid, over, grace_s), name="parent watch", daemon=True)
    watch.start()

    def stop() -> None:
        over.set()
        watch.join()

    return stop


def _watch(pid: int | None, over: threading.Event, grace_s: float) -> None:
    parent = multiprocessing.parent_process() if pid is None else None
    pid = pid or os.getppid()
    while not over.is_set():
        if os.getppid() != pid if parent is None else wait([parent.sentinel], _POLL_S):
            break
        if parent is None:
            over.wait(_POLL_S)
    else:
        return
    if grace_s:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s)
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def isolated_start() -> Iterator[None]:
    """Start Python processes that import neither files from the current directory nor the main module.

    Within it, `multiprocessing` finds neither the current directory on the path nor a main module (which it
    would run again in every child: a script may have no guard, a notebook no file), and any other Python
    process that is started leaves the current directory off its path.
    """
    with _SHELTER:
        yield from _sheltered()


def _sheltered() -> Iterator[None]:
    main: Any = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    path, safe = sys.path, os.environ.get(SAFE_PATH)
    main.__spec__ = None
    if file is not None:
        del main.__file__
    sys.path = without_current_directory(path)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        main.__spec__ = spec
        if file is not None:
            main.__file__ = file
        sys.path = path
        if safe is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = safe


class _Child:
    """Common base of the processes of both contexts.

    Attributes:
        grace_s: Seconds that it has to end by itself once its parent is gone.
    """

    grace_s = GRACE_S

    def start(self) -> None:
        """Start the process; see `isolated_start`."""
        with isolated_start():
            super().start()  # type: ignore[misc]

    def run(self) -> None:
        """Run the target, and end when the parent does."""
        end_with_parent(grace_s=self.grace_s)
        super().run()  # type: ignore[misc]


class SpawnProcess(_Child, context.SpawnProcess):
    """A process with a fresh interpreter."""


class ForkServerProcess(_Child, context.ForkServerProcess):
    """A process forked from one that has done the imports."""


class SpawnContext(context.SpawnContext):
    """The `multiprocessing` context of fresh interpreters, for pools too."""

    Process = SpawnProcess


class ForkServerContext(context.ForkServerContext):
    """The `multiprocessing` context of processes forked from one that has done the imports."""

    Process = ForkServerProcess
