"""Learning curves as a table: a row for each epoch, a column for each run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from galaxynet.errors import RunError
from galaxynet.report.seeds import run_labels
from galaxynet.report.table import BEST_STYLE, Column, Line, Table
from galaxynet.report.table_layout import split_columns
from galaxynet.report.wording import NONE, metric_name, show_metric
from galaxynet.runs import Run
from galaxynet.runs.folder import METRICS

_MARK = "*"
_MAX_ROWS = 30


@dataclass(frozen=True)
class Curve:
    """One metric of one run over its epochs.

    Attributes:
        run: The label of the run.
        metric: The column of `metrics.csv`, such as `val/accuracy`.
        values: The values by epoch, counted from 1; the last one of each epoch.
        higher_is_better: True if a larger value is better.
        is_damaged: True if the file of the values cannot be read.
    """

    run: str
    metric: str
    values: dict[int, float]
    higher_is_better: bool
    is_damaged: bool = False

    @property
    def best(self) -> int | None:
        """The epoch with the best value; None if there are fewer than two to choose from."""
        defined = {epoch: value for epoch, value in self.values.items() if math.isfinite(value)}
        sign = 1 if self.higher_is_better else -1
        return max(defined, key=lambda epoch: sign * defined[epoch]) if len(defined) > 1 else None


def read_log(run: Run) -> list[dict[str, float]] | None:
    """The rows of a run's `metrics.csv`; None if it is damaged."""
    try:
        return run.metrics()
    except RunError:
        return None


def check_logged(
    runs: Sequence[Run], logs: Sequence[list[dict[str, float]] | None], metrics: Sequence[str]
) -> None:
    """Check that each metric was logged by one of the runs at least.

    Raises:
        RunError: If not, with the metrics that were.
    """
    known = {name for rows in logs for row in rows or () for name in row}
    absent = [name for name in metrics if name not in known]
    if not absent:
        return
    known -= {"epoch", "step"}
    hint = f"They logged: {', '.join(sorted(known))}." if known else "They have logged nothing yet."
    if not known and None in logs:
        hint = f"{runs[logs.index(None)].path / METRICS} is damaged."
    raise RunError(f"None of these runs logged {', '.join(absent)}.", hint)


def read_curves(runs: Sequence[Run], metrics: Sequence[str]) -> list[Curve]:
    """The curves of some metrics, run by run.

    Raises:
        RunError: If no run logged one of the metrics.
    """
    logs = [read_log(run) for run in runs]
    check_logged(runs, logs, metrics)
    return [
        Curve(
            label,
            metric,
            {int(row["epoch"]) + 1: row[metric] for row in rows or () if metric in row and "epoch" in row},
            run.record.higher_is_better and metric_name(metric) == metric_name(run.record.metric),
            rows is None,
        )
        for run, rows, label in zip(runs, logs, run_labels(runs), strict=True)
        for metric in metrics
    ]


def titles(curves: Sequence[Curve]) -> list[str]:
    """Headings: the epoch and the run of each curve, with the metric if there are several."""
    several = len({curve.metric for curve in curves}) > 1
    return ["epoch", *(f"{curve.run} {curve.metric}" if several else curve.run for curve in curves)]


def epoch_rows(curves: Sequence[Curve]) -> list[dict[str, float | int | None]]:
    """Plain values: a dict for each epoch, with None for an undefined value."""
    names = titles(curves)
    return [
        dict(zip(names, [epoch, *(_finite(curve.values.get(epoch)) for curve in curves)], strict=True))
        for epoch in _epochs(curves)
    ]


def epochs_table(curves: Sequence[Curve], max_rows: int | None = _MAX_ROWS) -> Table:
    """The table of some curves, the best value of each marked, with notes in the footer.

    Args:
        curves: The curves; those without a value are named in the footer.
        max_rows: With more epochs, the table has some evenly spread ones, the best ones and the last; None
            for all.
    """
    shown = [curve for curve in curves if curve.values]
    epochs = _epochs(shown)
    best = [curve.best for curve in shown]
    selected = epochs
    if max_rows is not None and len(epochs) > max_rows:
        step = -(-len(epochs) // max_rows)
        selected = sorted({*epochs[::step], *filter(None, best), epochs[-1]})
    lines = [
        Line(
            [str(epoch), *(_cell(curve, epoch) for curve in shown)],
            {index: BEST_STYLE for index, best_epoch in enumerate(best, 1) if best_epoch == epoch},
        )
        for epoch in selected
    ]
    notes = []
    for metric in dict.fromkeys(curve.metric for curve in curves):
        empty = [
            curve.run + " (its metrics.csv is damaged)" * curve.is_damaged
            for curve in curves
            if curve.metric == metric and not curve.values
        ]
        if empty:
            notes.append(f"no value of {metric}: {', '.join(empty)}")
    if len(epochs) > len(selected):
        notes.append(f"hidden: {len(epochs) - len(selected)} epochs (use --format csv)")
    columns: list[Column[Any]] = [Column(heading, right_aligned=True) for heading in titles(shown)]
    return Table(columns, lines, footer=notes)


def split_epochs(table: Table, width: int) -> list[Table]:
    """The table for a terminal, split to fit; a `*` marks the best values, as colour may be missing."""
    marked = [
        replace(line, cells=[_MARK * (index in line.styles) + cell for index, cell in enumerate(line.cells)])
        for line in table.lines
    ]
    parts = split_columns(replace(table, lines=marked, footer=()), width)
    # A part ends with its own longest run.
    parts = [
        replace(part, lines=[line for line in part.lines if any(cell != NONE for cell in line.cells[1:])])
        for part in parts
    ]
    notes = [f"{_MARK} the best epoch"] if any(line.styles for line in table.lines) else []
    return [*parts[:-1], replace(parts[-1], footer=[*notes, *table.footer])]


def _cell(curve: Curve, epoch: int) -> str:
    value = curve.values.get(epoch)
    if value is None or math.isfinite(value):
        return show_metric(curve.metric, value)
    return "undefined"


def _epochs(curves: Sequence[Curve]) -> list[int]:
    return sorted({epoch for curve in curves for epoch in curve.values})


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
