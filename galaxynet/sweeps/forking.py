"""Processes forked from one that has done the imports; they do not import the calling program."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any

from galaxynet.children import (
    ForkServerContext,
    ForkServerProcess,
    isolated_start,
)
from galaxynet.launch import isolate_environment
from galaxynet.signals import ignored_terminal_signals

PRELOAD_VARIABLE = "GALAXYNET_SWEEP_MODULES"
"""Names the modules that `preload` imports, separated by commas."""


def fork(
    target: Callable[..., None], arguments: tuple[Any, ...], modules: Iterable[str]
) -> tuple[ForkServerProcess, Connection]:
    """Start a process.

    Args:
        target: What it runs; called with `arguments` and a pipe to send by.
        arguments: Plain values.
        modules: What the process that it is forked from imports in advance. The first call decides.

    Returns:
        The process, and the receiving end of the pipe, which closes when the process ends.
    """
    os.environ[PRELOAD_VARIABLE] = ",".join(dict.fromkeys(modules))
    context = ForkServerContext()
    context.set_forkserver_preload(["galaxynet.sweeps.preload"])
    receiver, sender = context.Pipe(duplex=False)
    process = ForkServerProcess(target=_call, args=(target, *arguments, sender))
    with isolated_start(), ignored_terminal_signals():
        forkserver.ensure_running()
    process.start()
    sender.close()
    return process, receiver


def _call(target: Callable[..., None], *arguments: Any) -> None:
    """Start in a clean launch environment: the server may have been started from an older one."""
    isolate_environment()
    target(*arguments)
