"""The display of a running sweep: a live table in a terminal, one line per trial elsewhere."""

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
from galaxynet.options import format_value
from galaxynet.report.table import Column, Line, Table
from galaxynet.report.table_layout import format_table
from galaxynet.report.wording import UNDEFINED, metric_name, show_deviation, show_metric, show_seconds
from galaxynet.runs import Run
from galaxynet.sweeps.estimate import Estimate, EtaTracker
from galaxynet.sweeps.sweep_plan import SweepPlan
from galaxynet.sweeps.sweep_record import DONE, Sweep, TrialRecord, TrialStatus
from galaxynet.sweeps.trials import Trial

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.text import Text

_REFRESH_S = 1.0
_LINES_AROUND_TABLE = 5
_BAR_WIDTH = 30
_MAX_MESSAGE = 100
"""Characters of a message to show; the record and the log have all of it."""
_WORDS: dict[TrialStatus, str] = {
    "finished": "finished",
    "diverged": f"with an {UNDEFINED}",
    "failed": "failed",
    "running": "running",
    "interrupted": "interrupted",
    "waiting": "waiting",
}
_STYLES = {"failed": "red", "diverged": "magenta", "running": "cyan", "interrupted": "yellow"}


class ProgressDisplay:
    """Shows the progress of a sweep.

    Args:
        plan: The sweep.
        estimate: How long its trials take.
    """

    def __init__(self, plan: SweepPlan, estimate: Estimate) -> None:
        self.plan = plan
        self.records: dict[str, TrialRecord] = {}
        self.runs: dict[str, Run] = {}
        self.remaining: set[str] = set()
        self.eta = EtaTracker(estimate.seconds, plan.parallel)
        self._progress: dict[str, str] = {}
        self._started = time.monotonic()
        self._last_refresh = 0.0
        self._live: Live | None = None

    def __enter__(self) -> ProgressDisplay:
        if terminal.messages().is_terminal and not terminal.is_quiet():
            from rich.live import Live

            self._live = Live(console=terminal.messages(), auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def started(self, sweep: Sweep, remaining: Sequence[Trial]) -> None:
        """The record is up to date, and `remaining` are about to run."""
        self.records = {record.key: record for record in sweep.record.trials}
        self.runs = sweep.runs()
        self.remaining = {trial.key for trial in remaining}
        self._started = time.monotonic()
        trials = self.plan.trials
        done = [self.records[trial.key].status for trial in trials if trial.key not in self.remaining]
        if done and remaining:
            are = "is" if len(done) == 1 else "are"
            terminal.note(f"{len(done)} of {len(trials)} trials {are} done already: {count_statuses(done)}")
        self.tick()

    def changed(self, trial: TrialRecord, run: Run | None) -> None:
        """The status of a trial has changed."""
        if run is not None:
            self.runs[trial.key] = run
        if trial.status == "running":
            self.eta.start(trial.key, run)
        elif trial.status == "waiting":
            self.eta.requeue(trial.key)
        elif trial.status in DONE:
            self.eta.finish(trial.key)
            if self._live is None and not terminal.is_quiet():
                terminal.warn(self._result_line(trial))
        self._last_refresh = 0.0
        self.tick()

    def tick(self) -> None:
        """Some time has passed."""
        now = time.monotonic()
        if self._live is None or now - self._last_refresh < _REFRESH_S:
            return
        self._last_refresh = now
        for key, record in self.records.items():
            if record.status == "running" and key in self.runs:
                self._progress[key] = _progress(self.runs[key])
        self._live.update(self.render(self._live.console.width, self._live.console.height), refresh=True)

    def summary(self) -> str:
        """The trials counted by status; empty before the sweep has started."""
        if not self.records:
            return ""
        return count_statuses(self.records[trial.key].status for trial in self.plan.trials)

    def render(self, width: int, height: int) -> RenderableType:
        """A progress bar and a table that fit a terminal of that size."""
        from rich.console import Group

        seeds = list(dict.fromkeys(trial.plan.training.seed for trial in self.plan.trials))
        names = [name.replace("_", " ") for name in self.plan.trials[0].configuration] or ["network"]
        several = len(seeds) > 1
        titles = [*names, *(f"seed {seed}" for seed in seeds), *(["mean"] if several else [])]
        rows = self._rows(seeds)
        if several and _table(titles, rows).width() > width:  # show how many seeds are done instead of each
            titles, rows = [*names, "seeds", "mean"], self._rows([])
        max_rows = max(3, height - _LINES_AROUND_TABLE)
        n_hidden = 0
        if len(rows) > max_rows:
            n_hidden = len(rows) - max_rows + 1
            rows = sorted(rows, key=lambda row: not row[0])[: max_rows - 1]
        table = format_table(_table(titles, rows), width)
        if n_hidden:
            table.append(f"\nand {n_hidden} more", style="dim")
        return Group(self._bar(), table)

    def _bar(self) -> Text:
        from rich.text import Text

        counts = Counter(self.records[trial.key].status for trial in self.plan.trials)
        done, total = sum(counts[status] for status in DONE), len(self.plan.trials)
        filled = round(_BAR_WIDTH * done / total)
        text = Text("█" * filled, style="green")
        text.append("─" * (_BAR_WIDTH - filled), style="dim")
        words = [f"{done} of {total} trials"]
        words += [f"{counts['diverged']} {UNDEFINED}"] * bool(counts["diverged"])
        words += [f"{counts['failed']} failed"] * bool(counts["failed"])
        words.append(f"{show_seconds(time.monotonic() - self._started)} elapsed")
        text.append("  " + ", ".join(words) + self._time_left(", "), style="default")
        return text

    def _time_left(self, separator: str) -> str:
        """`about 5 min left` after a separator; empty if unknown."""
        statuses = {key: self.records[key].status for key in self.remaining}
        seconds = self.eta.remaining(
            {key: self.runs.get(key) for key, status in statuses.items() if status == "running"},
            [key for key, status in statuses.items() if status in ("waiting", "interrupted")],
        )
        return f"{separator}about {show_seconds(seconds)} left" if seconds is not None else ""

    def _rows(self, seeds: Sequence[Any]) -> list[tuple[bool, Line]]:
        """A row for each configuration, and whether it is running; without seeds, with their number."""
        by_configuration: dict[str, list[Trial]] = {}
        for trial in self.plan.trials:
            key = repr(sorted(trial.configuration.items(), key=str))
            by_configuration.setdefault(key, []).append(trial)
        rows = []
        for trials in by_configuration.values():
            cells = [format_value(value) for value in trials[0].configuration.values()]
            cells = cells or [trials[0].plan.model.name]
            styles = {}
            by_seed = {trial.plan.training.seed: trial for trial in trials}
            for seed in seeds:
                text, styles[len(cells)] = self._cell(by_seed[seed]) if seed in by_seed else ("", "")
                cells.append(text)
            if not seeds:
                done = sum(self.records[trial.key].status in DONE for trial in trials)
                cells.append(f"{done} of {len(trials)} done")
            if len(seeds) != 1:
                cells.append(self._mean(trials))
            running = any(self.records[trial.key].status == "running" for trial in trials)
            rows.append((running, Line(cells, styles)))
        return rows

    def _cell(self, trial: Trial) -> tuple[str, str]:
        """The text and style of a trial."""
        record, run = self.records[trial.key], self.runs.get(trial.key)
        style = _STYLES.get(record.status, "")
        if record.status == "running":
            return self._progress.get(trial.key) or "starting", style
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

    def _result_line(self, trial: TrialRecord) -> str:
        trials = self.plan.trials
        done = sum(self.records[trial.key].status in DONE for trial in trials)
        values = [f"{name.replace('_', ' ')} {format_value(value)}" for name, value in trial.values.items()]
        run = self.runs.get(trial.key)
        if trial.status == "finished" and run is not None:
            metric = run.record.metric
            result = f"{metric_name(metric)} {show_metric(metric, run.record.metrics.get(metric))}"
        else:
            result = UNDEFINED if trial.status == "diverged" else f"failed: {_shortened(trial.message)}"
        name = ", ".join(values) or trials[0].plan.model.name
        elapsed = show_seconds(self.eta.elapsed[trial.key])
        return f"{done}/{len(trials)}  {name}: {result} ({elapsed}){self._time_left('; ')}"


def _table(titles: Sequence[str], rows: Sequence[tuple[bool, Line]]) -> Table:
    return Table([Column[Any](title) for title in titles], [line for _, line in rows])


def count_statuses(statuses: Iterable[TrialStatus]) -> str:
    """The number of trials by status: `4 finished, 1 with an undefined loss, 2 failed`."""
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {word}" for status, word in _WORDS.items() if counts[status])


def _shortened(message: str) -> str:
    return message if len(message) <= _MAX_MESSAGE else message[: _MAX_MESSAGE - 1].rstrip() + "…"


def _progress(run: Run) -> str:
    """The epoch and metric of a running trial: `7/12 64.1%`."""
    try:
        rows = run.metrics()
    except RunError:  # a damaged file should not end the display
        return ""
    if not rows:
        return ""
    value = rows[-1].get(f"val/{metric_name(run.record.metric)}")
    epochs = run.record.options.training.get("epochs")
    shown = show_metric(run.record.metric, value) if value is not None and math.isfinite(value) else ""
    return f"{int(rows[-1].get('epoch', 0)) + 1}/{epochs} {shown}".strip()
