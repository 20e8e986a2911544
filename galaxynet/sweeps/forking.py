"""Processes forked from one that has done the imports; they know nothing of the program that calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

from galaxynet.children import (
    ForkServerContext,
    ForkServerProcess,
    sheltered_start,
    unheeded_stop_signals,
)
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
    context = ForkServerContext()
    context.set_forkserver_preload(["galaxynet.sweeps.warm"])
    receiver, sender = context.Pipe(duplex=False)
    process = ForkServerProcess(target=_work, args=(target, *arguments, sender))
    with sheltered_start(), unheeded_stop_signals():
        forkserver.ensure_running()
    process.start()
    sender.close()
    return process, receiver


def _work(target: Callable[..., None], *arguments: Any) -> None:
    """Begin in a clean launch environment: the process forked from may be an older one of the caller's."""
    settle()
    target(*arguments)
