"""What a person sees of a sweep: a live table in a terminal, a line a trial elsewhere."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from galaxynet import terminal
from galaxynet.errors import RunError
from galaxynet.report.layout import GAP, Line, lay_out, widest
from galaxynet.report.wording import UNDEFINED, metric_name, show_deviation, show_metric, show_seconds
from galaxynet.runs import Run
from galaxynet.sweeps.axes import show
from galaxynet.sweeps.estimate import Estimate
from galaxynet.sweeps.record import DONE, Sweep, TrialRecord, TrialStatus
from galaxynet.sweeps.remaining import Clock
from galaxynet.sweeps.run import SweepPlan
from galaxynet.sweeps.trials import Trial

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

_REFRESH = 1.0
_OTHER_LINES = 5
_BAR = 30
_MESSAGE = 100
"""Characters of a message that are shown; the record and the log have all of it."""
_WORDS: dict[TrialStatus, str] = {
    "finished": "finished",
    "diverged": f"with an {UNDEFINED}",
    "failed": "failed",
    "running": "running",
    "interrupted": "interrupted",
    "waiting": "waiting",
}
_STYLES = {"failed": "red", "diverged": "magenta", "running": "cyan", "interrupted": "yellow"}


class Board:
    """Shows how a sweep goes on.

    Args:
        plan: The sweep.
        estimate: How long its trials should take.
    """

    def __init__(self, plan: SweepPlan, estimate: Estimate) -> None:
        self.plan = plan
        self.records: dict[str, TrialRecord] = {}
        self.runs: dict[str, Run] = {}
        self.left: set[str] = set()
        self.clock = Clock(estimate.seconds, plan.parallel)
        self._progress: dict[str, str] = {}
        self._started = time.monotonic()
        self._shown = 0.0
        self._live: Live | None = None

    def __enter__(self) -> Board:
        if terminal.notes().is_terminal and not terminal.is_quiet():
            from rich.live import Live

            self._live = Live(console=terminal.notes(), auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def begins(self, sweep: Sweep, left: Sequence[Trial]) -> None:
        """The record is up to date, and these trials are left."""
        self.records = {record.key: record for record in sweep.record.trials}
        self.runs = sweep.runs()
        self.left = {trial.key for trial in left}
        self._started = time.monotonic()
        total = len(self.plan.trials)
        done = [self.records[trial.key].status for trial in self.plan.trials if trial.key not in self.left]
        if done and left:
            are = "is" if len(done) == 1 else "are"
            terminal.note(f"{len(done)} of {total} trials {are} done already: {count_words(done)}")
        self.tick()

    def changed(self, trial: TrialRecord, run: Run | None) -> None:
        """A trial has begun or ended."""
        if run is not None:
            self.runs[trial.key] = run
        if trial.status == "running":
            self.clock.begins(trial.key, run)
        elif trial.status == "waiting":
            self.clock.waits(trial.key)
        elif trial.status in DONE:
            self.clock.ends(trial.key)
            if self._live is None:
                self._line(trial)
        self._shown = 0.0
        self.tick()

    def tick(self) -> None:
        """Some time has passed."""
        now = time.monotonic()
        if self._live is None or now - self._shown < _REFRESH:
            return
        self._shown = now
        for key, record in self.records.items():
            if record.status == "running" and key in self.runs:
                self._progress[key] = _progress(self.runs[key])
        self._live.update(self.picture(self._live.console.width, self._live.console.height), refresh=True)

    def time_left(self) -> float | None:
        """Seconds until the sweep ends; None if that is not known."""
        statuses = {key: self.records[key].status for key in self.left}
        return self.clock.left(
            {key: self.runs.get(key) for key, status in statuses.items() if status == "running"},
            [key for key, status in statuses.items() if status in ("waiting", "interrupted")],
        )

    def state(self) -> str:
        """How far the sweep is, in words; empty before it has begun."""
        if not self.records:
            return ""
        return count_words(self.records[trial.key].status for trial in self.plan.trials)

    def picture(self, width: int, height: int) -> RenderableType:
        """The state as a bar and a table that fit into a terminal of that size."""
        from rich.console import Group

        seeds = self._seeds()
        several = len(seeds) > 1
        titles = [*self._names(), *(f"seed {seed}" for seed in seeds), *(["mean"] if several else [])]
        lines = self._lines(seeds)
        needed = sum(widest(titles, [line for _, line in lines])) + GAP * (len(titles) - 1)
        if several and needed > width:  # how many seeds are done stands for them all
            titles, lines = [*self._names(), "seeds", "mean"], self._lines([])
        room = max(3, height - _OTHER_LINES)
        hidden = 0
        if len(lines) > room:
            busy = [line for line in lines if line[0]]
            calm = [line for line in lines if not line[0]]
            hidden = len(lines) - room + 1
            lines = (busy + calm)[: room - 1]
        table = lay_out(titles, [False] * len(titles), [line for _, line in lines], width)
        if hidden:
            table.append(f"\nand {hidden} more", style="dim")
        return Group(self._bar(), table)

    def _bar(self) -> Text:
        from rich.text import Text

        counts = dict.fromkeys(("finished", "diverged", "failed", "running"), 0)
        for trial in self.plan.trials:
            status = self.records[trial.key].status
            if status in counts:
                counts[status] += 1
        done, total = sum(counts[status] for status in DONE), len(self.plan.trials)
        full = round(_BAR * done / total)
        text = Text("█" * full, style="green")
        text.append("─" * (_BAR - full), style="dim")
        words = [f"{done} of {total} trials"]
        words += [
            f"{counts[status]} {word}"
            for status, word in (("diverged", UNDEFINED), ("failed", "failed"))
            if counts[status]
        ]
        words.append(f"{show_seconds(time.monotonic() - self._started)} gone")
        left = self.time_left()
        if left is not None:
            words.append(f"about {show_seconds(left)} left")
        text.append("  " + ", ".join(words), style="default")
        return text

    def _names(self) -> list[str]:
        names = [
            axis.name.replace("_", " ") for axis in self.plan.axes if axis.varies and axis.name != "seed"
        ]
        return names or ["network"]

    def _seeds(self) -> list[Any]:
        return list(dict.fromkeys(trial.plan.training.seed for trial in self.plan.trials))

    def _lines(self, seeds: Sequence[Any]) -> list[tuple[bool, Line]]:
        """A line for each configuration, and whether something goes on in it; without seeds, their number."""
        rows: dict[str, list[Trial]] = {}
        for trial in self.plan.trials:
            rows.setdefault(repr(sorted(trial.configuration.items(), key=str)), []).append(trial)
        lines = []
        for trials in rows.values():
            texts = [show(value) for value in trials[0].configuration.values()] or [trials[0].plan.model.name]
            styles = {}
            by_seed = {trial.plan.training.seed: trial for trial in trials}
            for seed in seeds:
                text, style = self._cell(by_seed[seed]) if seed in by_seed else ("", "")
                styles[len(texts)] = style
                texts.append(text)
            if not seeds:
                done = sum(self.records[trial.key].status in DONE for trial in trials)
                texts.append(f"{done} of {len(trials)} done")
            if len(seeds) != 1:
                texts.append(self._mean(trials))
            busy = any(self.records[trial.key].status == "running" for trial in trials)
            lines.append((busy, Line(texts, styles)))
        return lines

    def _cell(self, trial: Trial) -> tuple[str, str]:
        record, run = self.records[trial.key], self.runs.get(trial.key)
        style = _STYLES.get(record.status, "")
        if record.status == "running":
            return self._progress.get(trial.key) or "begins", style
        if record.status == "diverged":
            return UNDEFINED, style
        if record.status == "finished" and run is not None:
            return show_metric(run.record.metric, run.record.metrics.get(run.record.metric)), style
        return ("·", "dim") if record.status == "waiting" else (record.status, style)

    def _mean(self, trials: Sequence[Trial]) -> str:
        runs = [self.runs[trial.key] for trial in trials if trial.key in self.runs]
        values = [value for run in runs if (value := run.record.metrics.get(run.record.metric)) is not None]
        if len(values) < 2:
            return ""
        metric, mean = runs[0].record.metric, statistics.fmean(values)
        return f"{show_metric(metric, mean)} ± {show_deviation(metric, statistics.stdev(values), mean)}"

    def _line(self, trial: TrialRecord) -> None:
        done = sum(self.records[one.key].status in DONE for one in self.plan.trials)
        values = ", ".join(f"{name.replace('_', ' ')} {show(value)}" for name, value in trial.values.items())
        run = self.runs.get(trial.key)
        if trial.status == "finished" and run is not None:
            metric = run.record.metric
            what = f"{metric_name(metric)} {show_metric(metric, run.record.metrics.get(metric))}"
        else:
            what = UNDEFINED if trial.status == "diverged" else f"failed: {_shortened(trial.message)}"
        left = self.time_left()
        after = f"; about {show_seconds(left)} left" if left is not None else ""
        spent, network = show_seconds(self.clock.spent[trial.key]), self.plan.trials[0].plan.model.name
        terminal.notes().print(
            f"{done}/{len(self.plan.trials)}  {values or network}: {what} ({spent}){after}",
            markup=False,
            soft_wrap=True,
        ) if not terminal.is_quiet() else None


def count_words(statuses: Iterable[TrialStatus]) -> str:
    """How many trials are how far: `4 finished, 1 with an undefined loss, 2 failed`."""
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {word}" for status, word in _WORDS.items() if counts[status])


def _shortened(message: str) -> str:
    return message if len(message) <= _MESSAGE else message[: _MESSAGE - 1].rstrip() + "…"


def _progress(run: Run) -> str:
    """How far a run is: `7/12 64.1%`."""
    try:
        rows = run.metrics()
    except RunError:  # a damaged file is no reason to stop showing the others
        return ""
    if not rows:
        return ""
    name = f"val/{metric_name(run.record.metric)}"
    value = rows[-1].get(name)
    epochs = run.record.options.training.get("epochs")
    shown = show_metric(name, value) if value is not None and math.isfinite(value) else ""
    return f"{int(rows[-1].get('epoch', 0)) + 1}/{epochs} {shown}".strip()
