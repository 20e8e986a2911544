"""Signals that ask a program to stop, as distinct from a plugin that exits by itself.

Ctrl-C sends SIGINT, a scheduler SIGTERM, a terminal that closes SIGHUP. All three end in a KeyboardInterrupt,
so code that cleans up after Ctrl-C cleans up after the others. Handlers are set only in the main thread, as
Python requires, and put back at the end of each block.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from galaxynet.errors import RunError

STOP_SIGNALS: tuple[int, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_REPEAT_S = 2.0
"""A shell and the kernel both send SIGHUP to a job: the second must not interrupt the clean-up."""


@contextmanager
def restored_handlers(numbers: Iterable[int] = STOP_SIGNALS) -> Iterator[Mapping[int, Any]]:
    """Put the handlers of signals back at the end of this block.

    Yields:
        The handlers by signal; empty outside the main thread.
    """
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in numbers} if is_main else {}
    try:
        yield handlers
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # a handler that was not set from Python cannot be set again
                signal.signal(number, handler)


class StopRequests:
    """The stop signals received so far; true once there is one.

    Args:
        handlers: The handlers from before. A signal that was ignored, as SIGHUP is under `nohup`, stays
            ignored.

    Attributes:
        received: The signals, in order.
        interrupts: True once a KeyboardInterrupt was raised. It can be lost: Python ignores exceptions in
            destructors and in callbacks of C code.
    """

    def __init__(self, handlers: Mapping[int, Any]) -> None:
        self.received: list[int] = []
        self.interrupts = False
        self._previous = {
            number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN
        }
        self._last = -_REPEAT_S

    def __bool__(self) -> bool:
        return bool(self.received)

    def install(self) -> None:
        """Handle the stop signals; call it again after a library has taken one of them."""
        for number in self._previous:
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: Any) -> None:
        self.received.append(number)
        repeated, self._last = time.monotonic() - self._last < _REPEAT_S, time.monotonic()
        try:
            previous = self._previous[number]
            if callable(previous):
                previous(number, frame)
                if number == signal.SIGINT:
                    return  # what Ctrl-C means is up to the caller
            if number == signal.SIGINT or not repeated:
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            self.interrupts = True
            raise


@contextmanager
def stop_signals() -> Iterator[StopRequests]:
    """Let SIGTERM and SIGHUP stop this block as Ctrl-C does, and record which signals came.

    Yields:
        The signals received so far.
    """
    with restored_handlers() as handlers:
        requests = StopRequests(handlers)
        requests.install()
        yield requests


@contextmanager
def deferred_stop_signals() -> Iterator[None]:
    """Defer stop signals to the end of this block, which imports PyTorch.

    An exception in the middle of that import is lost, or aborts the process with a page of C++.
    """
    received: list[int] = []
    try:
        with restored_handlers() as handlers:
            for number, handler in handlers.items():
                if handler not in (signal.SIG_IGN, None):
                    signal.signal(number, lambda number, _: received.append(number))
            yield
    finally:
        for number in received[:1]:
            signal.raise_signal(number)


@contextmanager
def ignored_terminal_signals() -> Iterator[None]:
    """Ignore Ctrl-C and the end of the terminal, also in processes that are started in this block.

    The terminal sends both to all processes; the one that started the others stops them.
    """
    with restored_handlers() as handlers:
        for number in set(handlers) - {signal.SIGTERM}:
            signal.signal(number, signal.SIG_IGN)
        yield


def plugin_exit_error(error: BaseException) -> RunError:
    """The error for `sys.exit` in a plugin, or a KeyboardInterrupt without a signal.

    Args:
        error: What the training raised; Lightning turns an interrupt into an exit.
    """
    cause = error.__context__ if isinstance(error.__context__, KeyboardInterrupt) else error
    what = f"{type(cause).__name__}: {cause}".rstrip(": ")
    return RunError(f"The network or the dataset ended the training itself: {what}.")
