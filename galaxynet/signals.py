"""Signals that ask a program to stop, told apart from a network or a dataset that ends it by itself.

Ctrl-C sends SIGINT, a scheduler SIGTERM, a terminal that closes SIGHUP. All three end in a KeyboardInterrupt,
so whatever cleans up after Ctrl-C cleans up after the others.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from galaxynet.errors import RunError

_STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_REPEAT_S = 2.0
"""A shell and the kernel both send SIGHUP to a job: the second must not interrupt the cleaning up."""


class StopRequests:
    """The stop signals received so far; true as soon as there is one."""

    def __init__(self) -> None:
        self.received: list[int] = []
        self._previous: dict[int, Any] = {}
        self._last = -_REPEAT_S

    def __bool__(self) -> bool:
        return bool(self.received)

    def install(self) -> None:
        """Handle the stop signals; call it again after a library has taken one of them.

        A signal that was ignored, as SIGHUP is under `nohup`, stays ignored. Outside the main thread, where
        no signal arrives, nothing is changed.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        if not self._previous:
            handlers = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
            self._previous = {
                number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN
            }
        for number in self._previous:
            signal.signal(number, self._handle)

    def restore(self) -> None:
        """Put back the handlers from before, also where Lightning has left Ctrl-C ignored."""
        for number, handler in self._previous.items():
            if handler is not None:  # one that was not set from Python cannot be set again
                signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:
        self.received.append(number)
        repeated, self._last = time.monotonic() - self._last < _REPEAT_S, time.monotonic()
        previous = self._previous[number]
        if callable(previous):
            previous(number, frame)
            if number == signal.SIGINT:
                return  # what Ctrl-C means is up to the caller
        if number == signal.SIGINT or not repeated:
            raise KeyboardInterrupt


@contextmanager
def stop_signals() -> Iterator[StopRequests]:
    """Let SIGTERM and SIGHUP stop what runs in this block as Ctrl-C does, and note which signals came.

    Yields:
        The signals received so far.
    """
    requests = StopRequests()
    requests.install()
    try:
        yield requests
    finally:
        requests.restore()


@contextmanager
def deferred_stop_signals() -> Iterator[None]:
    """Let a stop signal wait for the end of this block, which imports PyTorch.

    An exception in the middle of that import is lost, or aborts the process with a page of C++.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handlers = {number: signal.getsignal(number) for number in _STOP_SIGNALS}
    for number, handler in handlers.items():
        if handler not in (signal.SIG_IGN, None):  # one that was not set from Python cannot be put back
            signal.signal(number, lambda number, _: received.append(number))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if handler is not None:
                signal.signal(number, handler)
        for number in received[:1]:
            signal.raise_signal(number)


def plugin_exit_error(error: BaseException) -> RunError:
    """The error for `sys.exit` in a plugin, or a KeyboardInterrupt without a signal.

    Args:
        error: What came out of the training; Lightning makes an exit of an interrupt.
    """
    cause = error.__context__ if isinstance(error.__context__, KeyboardInterrupt) else error
    what = f"{type(cause).__name__}: {cause}".rstrip(": ")
    return RunError(f"The network or the dataset ended the training itself: {what}.")
