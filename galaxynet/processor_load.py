"""Processor load: notes for trainings and sweeps that other programs slow down."""

from __future__ import annotations

import os
from dataclasses import dataclass

from galaxynet.phrases import count

BUSY_BELOW = 0.7
"""Share of the time of its threads that a training computes; below it, something else slows it down."""

WINDOW_S = 10.0
"""Seconds of training that have to be slow before anything is said."""


def usable_cores() -> int:
    """The cores that this process may use; in a container or a batch job fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_average() -> float | None:
    """Average number of programs in the last minute that wanted a core of this machine; None if unknown."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


@dataclass
class BusyMeter:
    """Measures whether a training gets enough processor time.

    Attributes:
        threads: Threads of the training.
        window_s: Seconds that the training must be slow before a note.
    """

    threads: int
    window_s: float = WINDOW_S
    _wall_s: float = 0.0
    _processor_s: float = 0.0

    def add(self, wall_s: float, processor_s: float) -> float | None:
        """Add a period of training.

        Args:
            wall_s: Its duration in seconds.
            processor_s: Its processor time in seconds, over all threads.

        Returns:
            The share of its threads' time that the training computed, once it has stayed below `BUSY_BELOW`
            for the window; else None.
        """
        self._wall_s += wall_s
        self._processor_s += processor_s
        if self._wall_s <= 0:
            return None
        share = self._processor_s / (self.threads * self._wall_s)
        if share >= BUSY_BELOW:
            self._wall_s = self._processor_s = 0.0
        return share if self._wall_s >= self.window_s else None


def busy_note(share: float, threads: int, load: float | None) -> str:
    """The note for a training that lacks processor time, with a remedy.

    Args:
        share: The share of its threads' time in which it computed.
        threads: Number of its threads.
        load: The load average, if it is known.
    """
    known = "" if load is None else f" (load average {load:.1f})"
    note = f"the processor computed only {share:.0%} of the time for this training's "
    if threads == 1:
        return f"{note}thread: other programs keep it busy{known}; without them it is faster"
    fewer = max(1, min(threads - 1, int(share * threads)))
    return (
        f"{note}{threads} threads: other programs keep it busy{known}, or the threads wait for one another. "
        f"Fewer threads may be faster: --threads {fewer}"
    )


def crowded_note(trials: int, threads: int, cores: int) -> str:
    """The note for a sweep whose trials need more cores than there are; empty if they do not.

    Args:
        trials: Number of trials at once.
        threads: Threads of each trial.
        cores: Cores that they share.
    """
    if trials * threads <= cores:
        return ""
    room = max(1, cores // threads)
    each = f" of {threads} threads" if threads > 1 else ""
    helps = f"--parallel {room}" if room < trials else "fewer --threads"
    return (
        f"{count(trials, 'trial')}{each} at once on {count(cores, 'core')}: "
        f"they wait for one another, and the sweep is faster with {helps}"
    )
