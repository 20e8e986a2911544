"""Time-outs and retries."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from galaxynet.fetching.errors import FetchError, TransientError
from galaxynet.terminal import note

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """Time-outs and retries of a download. All times are in seconds.

    Attributes:
        read_timeout: Silence after which a connection is dropped.
        connect_timeout: Time to establish a connection.
        retries: Consecutive failures, with no new byte between them, before giving up.
        pause: Pause before the first retry; each further pause is twice as long.
        max_pause: The longest pause. A server that asks for more is not waited for.
    """

    read_timeout: float = 60.0
    connect_timeout: float = 15.0
    retries: int = 5
    pause: float = 1.0
    max_pause: float = 120.0

    @property
    def timeout(self) -> tuple[float, float]:
        """The `timeout` argument of requests."""
        return (min(self.connect_timeout, self.read_timeout), self.read_timeout)


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
    """Counts the failures of one task and pauses after each."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._failures = 0

    def pause_after(self, error: TransientError, progress: bool = False) -> None:
        """Pause before the next attempt.

        Args:
            error: Why the last attempt failed.
            progress: True if that attempt got further than any before; the count then restarts.

        Raises:
            FetchError: If the task failed too often, or the server asks for too long a pause.
        """
        policy = self._policy
        self._failures = 1 if progress else self._failures + 1
        wait = error.retry_after_s
        if wait is None:
            wait = min(policy.pause * 2 ** (self._failures - 1), policy.max_pause)
        if wait > policy.max_pause:
            raise FetchError(
                f"{error.message} It asks for a pause of {wait:.0f} s.",
                "Run the same command again after that; it continues where it stopped.",
            ) from None
        if self._failures > policy.retries:
            attempts = f"{self._failures} attempts" if self._failures > 1 else "one attempt"
            raise FetchError(f"{error.message} Gave up after {attempts}.", error.hint) from None
        note(f"{error.message} Trying again in {wait:g} s.")
        time.sleep(wait)


def with_retries(task: Callable[[], T], policy: RetryPolicy) -> T:
    """Run a task, again after each transient failure.

    Raises:
        FetchError: If it failed too often.
    """
    retries = Retries(policy)
    while True:
        try:
            return task()
        except TransientError as error:
            retries.pause_after(error)
