"""How long to wait for a server, and how often to ask again."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from galaxynet.fetching.errors import FetchError, TransientError
from galaxynet.fetching.notes import note

T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """Time-outs and retries of a download.

    Attributes:
        silence: Seconds without a byte after which a connection is given up.
        connect: Seconds for making a connection.
        retries: Failures in a row, with no new byte between them, after which to give up.
        pause: Seconds before the first retry; each further pause is twice as long.
        longest: Seconds that no pause exceeds. A server that asks for a longer one is not waited for.
    """

    silence: float = 60.0
    connect: float = 15.0
    retries: int = 5
    pause: float = 1.0
    longest: float = 120.0

    @property
    def timeout(self) -> tuple[float, float]:
        """What requests takes as `timeout`."""
        return (min(self.connect, self.silence), self.silence)

    def wait(self, failures: int) -> float:
        """Seconds to pause after so many failures in a row (1 or more)."""
        return float(min(self.pause * 2 ** (failures - 1), self.longest))


def retry_after(value: str | None) -> float | None:
    """Seconds that a `Retry-After` header asks for: a number or a date (RFC 9110, section 10.2.3)."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


class Retries:
    """Counts the failures of one task, and waits after each."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._failures = 0

    def after(self, error: TransientError, progress: bool = False) -> None:
        """Wait before the next try.

        Args:
            error: Why the last try failed.
            progress: Whether it got further than any before it: then the count starts anew.

        Raises:
            FetchError: If it failed too often, or the server asks for too long a pause.
        """
        self._failures = 1 if progress else self._failures + 1
        wait = self._patience.wait(self._failures) if error.wait is None else error.wait
        if wait > self._patience.longest:
            raise FetchError(
                f"{error.message} It asks for a pause of {wait:.0f} s.",
                "Run the same command again after that; it goes on where it stopped.",
            ) from None
        if self._failures > self._patience.retries:
            tries = f"{self._failures} times in a row" if self._failures > 1 else "once"
            raise FetchError(f"{error.message} It was tried {tries}.", error.hint) from None
        note(f"{error.message} Trying again in {wait:g} s.")
        time.sleep(wait)


def patiently(task: Callable[[], T], patience: Patience) -> T:
    """Do something that may fail in passing, as often as patience lasts.

    Raises:
        FetchError: If it failed too often.
    """
    retries = Retries(patience)
    while True:
        try:
            return task()
        except TransientError as error:
            retries.after(error)
