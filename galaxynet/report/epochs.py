"""Learning curves as numbers: a row an epoch, a column for each run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from galaxynet.errors import RunError
from galaxynet.report.columns import NONE
from galaxynet.report.layout import Line
from galaxynet.report.seeds import run_labels
from galaxynet.report.table import BEST_STYLE
from galaxynet.report.wording import metric_name, show_metric
from galaxynet.runs import Run
from galaxynet.runs.folder import METRICS

MARK = "*"
"""Stands before the best value of a run."""

_MOST_ROWS = 30


@dataclass(frozen=True)
class Curve:
    """One metric of one run over its epochs.

    Attributes:
        run: What the run is called.
        metric: The column of `metrics.csv`, `val/accuracy`.
        values: Its value by epoch, counted from 1; of several in an epoch the last.
        higher_is_better: Whether a larger value is better.
        damaged: Whether the file of the values cannot be read.
    """

    run: str
    metric: str
    values: dict[int, float]
    higher_is_better: bool
    damaged: bool = False

    @property
    def best(self) -> int | None:
        """The epoch with the best value; None if there are fewer than two to choose from."""
        defined = {epoch: value for epoch, value in self.values.items() if math.isfinite(value)}
        sign = 1 if self.higher_is_better else -1
        return max(defined, key=lambda epoch: sign * defined[epoch]) if len(defined) > 1 else None


def logged_by(run: Run) -> list[dict[str, float]] | None:
    """The rows of a run's `metrics.csv`; None if it is damaged, which takes no other run down."""
    try:
        return run.metrics()
    except RunError:
        return None


def not_logged(
    runs: Sequence[Run], logged: Sequence[list[dict[str, float]] | None], absent: Sequence[str]
) -> RunError:
    """The error for what none of some runs logged; it says what they logged, or why that is not known."""
    known = {name for rows in logged for row in rows or () for name in row} - {"epoch", "step"}
    hint = f"They logged: {', '.join(sorted(known))}." if known else "They logged nothing yet."
    if not known and None in logged:
        hint = f"{runs[logged.index(None)].path / METRICS} is damaged."
    return RunError(f"No run of these logged {', '.join(absent)}.", hint)


def curves(runs: Sequence[Run], metrics: Sequence[str]) -> list[Curve]:
    """The curves of some metrics of some runs, run by run.

    Raises:
        RunError: If no run logged one of the metrics.
    """
    logged = [logged_by(run) for run in runs]
    if absent := [name for name in metrics if not any(name in row for rows in logged for row in rows or ())]:
        raise not_logged(runs, logged, absent)
    return [
        Curve(
            label,
            metric,
            {int(row["epoch"]) + 1: row[metric] for row in rows or () if metric in row and "epoch" in row},
            run.record.higher_is_better and metric_name(metric) == metric_name(run.record.metric),
            rows is None,
        )
        for run, rows, label in zip(runs, logged, run_labels(runs), strict=True)
        for metric in metrics
    ]


def titles(found: Sequence[Curve]) -> list[str]:
    """Headings: the epoch, and the run of each curve, with the metric where there are several."""
    several = len({curve.metric for curve in found}) > 1
    return ["epoch", *(f"{curve.run} {curve.metric}" if several else curve.run for curve in found)]


def rows(found: Sequence[Curve]) -> list[dict[str, float | int | None]]:
    """Plain values: a dict an epoch, an undefined value as None."""
    names = titles(found)
    return [
        dict(zip(names, [epoch, *(_finite(curve.values.get(epoch)) for curve in found)], strict=True))
        for epoch in _epochs(found)
    ]


def lines(found: Sequence[Curve], most: int = _MOST_ROWS) -> tuple[list[Line], int]:
    """Rows for a person, the best value of each curve marked.

    Args:
        found: The curves.
        most: How many rows there may be; with more epochs, some of them evenly spread, the best ones and the
            last.

    Returns:
        The rows, and how many epochs are left out.
    """
    epochs = _epochs(found)
    best = [curve.best for curve in found]
    shown = epochs
    if len(epochs) > most:
        step = -(-len(epochs) // most)
        shown = sorted({*epochs[::step], *filter(None, best), epochs[-1]})
    made = []
    for epoch in shown:
        texts = [str(epoch)]
        for curve in found:
            value = curve.values.get(epoch)
            defined = value is None or math.isfinite(value)
            texts.append(
                (show_metric(curve.metric, value) if value is not None else NONE) if defined else "undefined"
            )
        marked = {place + 1: BEST_STYLE for place, one in enumerate(best) if one == epoch}
        made.append(Line(texts, marked))
    return made, len(epochs) - len(shown)


def starred(made: Sequence[Line]) -> list[Line]:
    """The rows with a `*` before the best values, for where no colour marks them."""
    return [
        replace(line, cells=[MARK * (n in line.styles) + text for n, text in enumerate(line.cells)])
        for line in made
    ]


def filled(made: Sequence[Line]) -> list[Line]:
    """The rows in which there is a value."""
    return [line for line in made if any(text != NONE for text in line.cells[1:])]


def notes(found: Sequence[Curve], left_out: int = 0) -> list[str]:
    """What stands beneath: the meaning of the mark, runs without a value, how many epochs are left out."""
    said = [f"{MARK} the best epoch"] if any(curve.best for curve in found) else []
    for metric in dict.fromkeys(curve.metric for curve in found):
        empty = [
            curve.run + " (its metrics.csv is damaged)" * curve.damaged
            for curve in found
            if curve.metric == metric and not curve.values
        ]
        if empty:
            said.append(f"no value of {metric}: {', '.join(empty)}")
    if left_out:
        said.append(f"{left_out} more epochs with --format csv")
    return said


def _epochs(found: Sequence[Curve]) -> list[int]:
    return sorted({epoch for curve in found for epoch in curve.values})


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
