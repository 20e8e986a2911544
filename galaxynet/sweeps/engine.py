"""The protocol of an engine: what the scheduler needs of the place where trials run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from galaxynet.sweeps.job import TrialJob

STOP_TIMEOUT_S = 30.0
"""How long a trial may take to stop by itself, which it does after a step."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial.

    Attributes:
        key: The trial's key.
        run: The folder of its run, if there is one.
        ended: True if the trial is over.
        requeued: True if the trial waits again, because its machine is gone.
        message: Why it has no result, or empty.
    """

    key: str
    run: str = ""
    ended: bool = False
    requeued: bool = False
    message: str = ""


class Engine(Protocol):
    """Runs trials.

    Attributes:
        slots: How many trials the scheduler may hand over at once.
    """

    slots: int

    def start(self, job: TrialJob) -> bool:
        """Start a trial; the scheduler keeps to the slots.

        Returns:
            True if it runs now; False if it waits for its turn, which an event reports.
        """

    def wait(self, timeout_s: float) -> list[Event]:
        """Return what has happened, after at most `timeout_s` seconds."""

    def stop(self) -> None:
        """Interrupt all running trials, so that they can be resumed, and wait for them."""

    def close(self) -> None:
        """Stop what is left and release resources."""
