"""What asks a training to stop, told from a network or a dataset that ends it by itself."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from galaxynet.errors import RunError

_ASKING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def heeded_signals() -> Iterator[list[int]]:
    """Note the signals that ask to stop, and let them do what they did before.

    Afterwards Ctrl-C has its meaning again, which Lightning takes from it while it shuts down. In another
    thread than the main one no signal arrives, and none is noted.

    Yields:
        The signals that have come so far; it grows as they come.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in _ASKING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, _noting(asked, handler))
    try:
        yield asked
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that was not set from Python cannot be set again
                signal.signal(number, handler)


def _noting(asked: list[int], before: Any) -> Callable[[int, Any], None]:
    def handle(number: int, frame: Any) -> None:
        asked.append(number)
        if callable(before):
            before(number, frame)
        elif signal.getsignal(number) is handle:
            # What it did was to end the process, and Lightning, which would stop after a step, has not begun.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    return handle


def ended_by_itself(error: BaseException) -> RunError:
    """The error for `sys.exit` in a plugin, or a KeyboardInterrupt that nobody has asked for.

    Args:
        error: What came out of the training; Lightning makes an exit of an interrupt.
    """
    cause = error.__context__ if isinstance(error.__context__, KeyboardInterrupt) else error
    what = f"{type(cause).__name__}: {cause}".rstrip(": ")
    return RunError(f"The network or the dataset ended the training itself: {what}.")
