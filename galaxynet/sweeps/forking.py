"""Processes forked from one that has done the imports; they know nothing of the program that calls."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from galaxynet.launch import settle
from galaxynet.sweeps.worker import WARM_VARIABLE


def fork(
    target: Callable[..., None], arguments: tuple[Any, ...], modules: Iterable[str]
) -> tuple[ForkServerProcess, Connection]:
    """Start a process.

    Args:
        target: What it does; it is given `arguments`, and then a pipe to send by.
        arguments: Plain values.
        modules: What the process that it is forked from imports beforehand. The first call decides.

    Returns:
        The process, and the end of the pipe to receive from. Its end is the end of the process.
    """
    os.environ[WARM_VARIABLE] = ",".join(dict.fromkeys(modules))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["galaxynet.sweeps.warm"])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(target, *arguments, sender))
    with _nameless_main():
        with _ignore_stop_signals():
            forkserver.ensure_running()
        process.start()
    sender.close()
    return process, receiver


def _work(target: Callable[..., None], *arguments: Any) -> None:
    """Begin in a clean launch environment: the process forked from may be an older one of the caller's."""
    settle(started_by_galaxynet=True)
    target(*arguments)


@contextmanager
def _nameless_main() -> Iterator[None]:
    """Keep the processes from running the calling program again: it may have no guard, or no file."""
    main: Any = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    main.__spec__ = None
    if file is not None:
        del main.__file__
    try:
        yield
    finally:
        main.__spec__ = spec
        if file is not None:
            main.__file__ = file


@contextmanager
def _ignore_stop_signals() -> Iterator[None]:
    """Keep Ctrl-C and the end of a terminal from a process that would print where it was, or die of it.

    The terminal sends them to all processes; the one that conducts the sweep then stops the others.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
