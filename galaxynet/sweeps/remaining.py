"""How much longer a sweep takes: the estimate of each trial, corrected by how it really goes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence

from galaxynet.errors import RunError
from galaxynet.runs import Run
from galaxynet.runs.folder import METRICS

_LEAST = 0.5
"""Seconds that are worth telling."""


class Clock:
    """Knows when trials began, and what that says of those that are left.

    Args:
        estimated: Seconds that each trial should take, by its key; None where nothing is known.
        parallel: How many run at once.
    """

    def __init__(self, estimated: Mapping[str, float | None], parallel: int) -> None:
        self.estimated = estimated
        self.parallel = parallel
        self.spent: dict[str, float] = {}
        self._began: dict[str, float] = {}
        self._before: dict[str, int] = {}

    def begins(self, key: str, run: Run | None) -> None:
        """A trial runs; its run, once there is one, may have epochs of an earlier call."""
        self._began.setdefault(key, time.time())
        if run is not None:
            self._before.setdefault(key, epochs_of(run))

    def waits(self, key: str) -> None:
        """A trial has to begin again, as its machine is gone."""
        self._began.pop(key, None)
        self._before.pop(key, None)

    def ends(self, key: str) -> None:
        """A trial is over."""
        now = time.time()
        self.spent[key] = max(0.0, now - self._began.get(key, now))

    def left(self, running: Mapping[str, Run | None], waiting: Sequence[str]) -> float | None:
        """Seconds until all are over; None if that is not known, or hardly worth telling.

        Args:
            running: The trials that run, with their runs as far as there are some.
            waiting: Those that wait for their turn.
        """
        factor = self._factor()
        mean = statistics.fmean(self.spent.values()) if self.spent else None

        def whole(key: str) -> float | None:
            wanted = self.estimated.get(key)
            return wanted * factor if wanted is not None else mean

        each = [self._of_running(key, run, whole(key)) for key, run in running.items()]
        each += [whole(key) for key in waiting]
        known = [one for one in each if one is not None]
        if not known or len(known) < len(each):
            return None
        # The last one has nobody to share its time with.
        seconds = max(sum(known) / self.parallel, *known[: len(running)], 0.0)
        return seconds if seconds >= _LEAST else None

    def _factor(self) -> float:
        """How much longer trials took than was estimated."""
        pairs = [(spent, self.estimated.get(key)) for key, spent in self.spent.items()]
        ratios = [spent / wanted for spent, wanted in pairs if wanted]
        return statistics.median(ratios) if ratios else 1.0

    def _of_running(self, key: str, run: Run | None, whole: float | None) -> float | None:
        now = time.time()
        began = self._began.get(key, now)
        if run is not None and key in self._before:
            done, total = epochs_of(run), run.record.options.training.get("epochs")
            trained = done - self._before[key]
            if trained > 0 and isinstance(total, int) and total > done:
                last = min(max(_last_epoch_ended(run, now), began), now)
                return max(0.0, (last - began) / trained * (total - done) - (now - last))
        left = None if whole is None else whole - (now - began)
        # What was estimated is over, and the trial is not: nobody knows.
        return left if left is not None and left > 0 else None


def epochs_of(run: Run) -> int:
    """Epochs that a run has finished, as its `metrics.csv` has them."""
    try:
        return max((int(row["epoch"]) + 1 for row in run.metrics() if "epoch" in row), default=0)
    except RunError:
        return 0


def _last_epoch_ended(run: Run, otherwise: float) -> float:
    try:
        return (run.path / METRICS).stat().st_mtime
    except OSError:
        return otherwise
