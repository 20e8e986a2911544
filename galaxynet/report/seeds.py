"""Runs that differ only in their seed: mean and deviation of their results, and the table of these."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from galaxynet.phrases import count
from galaxynet.report.comparison import majority_rows, run_column, title
from galaxynet.report.rows import Group, Row, sort_direction, sort_items
from galaxynet.report.table import BEST_STYLE, STATUS_STYLE, Column, Line, Table
from galaxynet.report.table_layout import hide_columns
from galaxynet.report.wording import (
    NONE,
    UNDEFINED,
    measured,
    metric_name,
    percentage_metric,
    show_deviation,
    show_metric,
    show_options,
    show_seconds,
)
from galaxynet.runs import Run

SUMMARIES = ("mean", "deviation", "lowest", "highest", "runs", "seeds", "diverged", "failed", "unfinished")
"""Columns of `--sort` that a configuration has and a run has not."""

_HIDDEN_FIRST = ("lowest", "train_seconds", "unfinished", "failed", "diverged")
"""The columns hidden first; `runs` also says how many runs the mean rests on."""


@dataclass(frozen=True)
class Configuration:
    """The runs of one model with the same options.

    Attributes:
        options: The options in which configurations of the table differ.
        rows: The runs. Several may have the same seed.
    """

    options: dict[str, Any]
    rows: list[Row]

    @property
    def label(self) -> str:
        """Its options in a few words; the run's name without options."""
        return show_options(self.options) or self.rows[0].run.label

    @property
    def values(self) -> list[float]:
        """The metric for each seed that has one: the mean, if several runs share a seed.

        A repeated run is not another sample: counted as one, it would make the deviation too small.
        """
        by_seed: dict[int, list[float]] = {}
        for row in self.rows:
            if row.value is not None:
                by_seed.setdefault(row.fields["seed"], []).append(row.value)
        return [statistics.fmean(values) for values in by_seed.values()]

    @property
    def seeds(self) -> int:
        """Number of different seeds."""
        return len({row.fields["seed"] for row in self.rows})

    @property
    def mean(self) -> float | None:
        """Mean of the metric over the seeds; None if no run has one."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation over the seeds; None for fewer than two values."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def diverged(self) -> int:
        """Number of runs that ended with an undefined loss."""
        return sum(row.run.status == "diverged" for row in self.rows)

    @property
    def seconds(self) -> float | None:
        """Mean training time in s of the runs with a value, else of all; None if unknown."""
        # A run that diverged ended early, so its time is not comparable.
        rows = [row for row in self.rows if row.value is not None] or self.rows
        known = [time for row in rows if (time := row.fields["train_seconds"]) is not None]
        return statistics.fmean(known) if known else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values by column."""
        record = self.rows[0].run.record
        statuses = Counter(row.run.status for row in self.rows)
        return {
            "model": record.model.name,
            "dataset": record.dataset.name,
            "metric": record.metric,
            **self.options,
            "runs": len(self.rows),
            "seeds": self.seeds,
            "mean": self.mean,
            "deviation": self.deviation,
            "lowest": min(self.values, default=None),
            "highest": max(self.values, default=None),
            "diverged": self.diverged,
            "failed": statuses["failed"],
            "unfinished": statuses["interrupted"] + statuses["running"],
            "train_seconds": self.seconds,
            "test_set": record.test_set,
            "ids": " ".join(row.run.record.id for row in self.rows),
        }

    def get(self, name: str) -> Any:
        """A value of `to_dict`, else the mean over the runs of a field, an option or a metric."""
        if name == "value":
            return self.mean
        known = self.to_dict()
        if (flag := name.replace("-", "_")) in known:
            return known[flag]
        values = [value for row in self.rows if (value := row.get(name)) is not None]
        if values and all(isinstance(value, int | float) for value in values):
            numbers = [value for value in values if measured(value) is not None]
            return statistics.fmean(numbers) if numbers else None
        return values[0] if values else None


def run_labels(runs: Sequence[Run]) -> list[str]:
    """Labels that tell runs apart: their names, the options in which they differ, or their ids."""
    rows = [Row(run) for run in runs]
    names = Group(rows).differing()
    labels = [row.run.record.name or show_options({name: row.get(name) for name in names}) for row in rows]
    return [
        label if label and labels.count(label) == 1 else f"{label} {row.run.record.id}".strip()
        for label, row in zip(labels, rows, strict=True)
    ]


def configurations(group: Group) -> list[Configuration]:
    """The configurations of a group, sorted as `--sort` asks, by default best mean first.

    They are sorted by a configuration's own value (`mean`, `deviation`, the mean of `train_seconds`), not by
    that of one of its runs.
    """
    names = [name for name in group.differing() if name != "seed"]
    if len({row.fields["model"] for row in group.rows}) > 1:
        names.insert(0, "model")
    by_options: dict[str, list[Row]] = {}
    for row in group.rows:
        by_options.setdefault(repr([row.get(name) for name in names]), []).append(row)
    members = [
        Configuration({name: rows[0].get(name) for name in names}, rows) for rows in by_options.values()
    ]
    order = {"mean": "value", "-mean": "-value"}.get(group.order, group.order)
    name, descending = sort_direction(group.first, order)
    return sort_items(members, lambda configuration: configuration.get(name), descending)


def seeds_table(group: Group, width: int | None = None, top: int | None = None) -> Table:
    """The table of the configurations of a group.

    Args:
        group: The runs.
        width: Terminal cells in a line; None to show every column.
        top: Most configurations to show; None for all.
    """
    everything = configurations(group)
    shown = everything[:top]
    columns = _columns(group, shown)
    table = Table(
        columns,
        _lines(group, columns, shown),
        # Without the majority class beside it, a mean misleads as much as a single accuracy does.
        majority_rows(group, columns, "mean"),
        title=title(group),
        subtitle=group.subtitle,
    )
    visible, notes = table, []
    if width is not None:
        options = list(shown[0].options)[1:]
        visible, hidden = hide_columns(table, width, _HIDDEN_FIRST, ["deviation", *reversed(options)])
        if hidden:
            titles = [table.titles[index] for index in sorted(hidden)]
            notes.append(f"hidden: {', '.join(titles)} (use --format csv)")
    if len(shown) < len(everything):
        notes.append(f"--top hides {count(len(everything) - len(shown), 'more configuration')}")
    return replace(visible, footer=notes)


def _columns(group: Group, shown: Sequence[Configuration]) -> list[Column[Configuration]]:
    metric = group.first.record.metric

    def number(name: str, heading: str, show: Callable[[Configuration], str]) -> Column[Configuration]:
        return Column(heading, show, name, right_aligned=True)

    def option(name: str) -> Column[Configuration]:
        column = run_column(group, name)
        return Column(
            column.title,
            lambda configuration: column.show(configuration.rows[0]),
            column.key,
            column.right_aligned,
        )

    def status(name: str) -> Column[Configuration]:
        return number(name, name, lambda configuration: str(configuration.get(name) or NONE))

    columns = [option(name) for name in list(shown[0].options) or ["model"]]
    columns += [
        number("runs", "runs", _runs),
        number("mean", f"mean {metric_name(metric)}", lambda configuration: _mean(metric, configuration)),
        number("deviation", "± deviation", lambda configuration: _deviation(metric, configuration)),
    ]
    if any(len(configuration.values) > 1 for configuration in shown):
        columns.append(number("lowest", "range", lambda configuration: _range(metric, configuration)))
    # A column of nothing but dashes says what `runs` says already.
    columns += [
        status(name)
        for name in ("diverged", "failed", "unfinished")
        if any(configuration.get(name) for configuration in shown)
    ]
    return [
        *columns,
        number("train_seconds", "training", lambda configuration: show_seconds(configuration.seconds)),
    ]


def _lines(
    group: Group, columns: Sequence[Column[Configuration]], shown: Sequence[Configuration]
) -> list[Line]:
    means = [configuration.mean for configuration in shown if configuration.mean is not None]
    best = (max if group.first.record.higher_is_better else min)(means, default=None)
    mean_index = [column.key for column in columns].index("mean")
    lines = []
    for configuration in shown:
        styles = {}
        if configuration.mean is None and (status := _status(configuration)):
            styles[mean_index] = STATUS_STYLE[status]
        elif len(shown) > 1 and configuration.mean is not None and configuration.mean == best:
            styles[mean_index] = BEST_STYLE
        cells = [column.show(configuration) for column in columns]
        lines.append(Line(cells, styles, sort_keys=[configuration.get(column.key) for column in columns]))
    return lines


def _runs(configuration: Configuration) -> str:
    """`3`; `2 of 3` if only two have a value; with the number of seeds if some are repeated."""
    number = len(configuration.rows)
    n_measured = sum(row.value is not None for row in configuration.rows)
    text = f"{n_measured} of {number}" if 0 < n_measured < number else str(number)
    return text if configuration.seeds == number else f"{text} ({count(configuration.seeds, 'seed')})"


def _status(configuration: Configuration) -> str:
    """How the runs ended if none of them has a value; empty if they finished."""
    statuses = {row.run.status for row in configuration.rows}
    return next((name for name in ("diverged", "failed", "interrupted", "running") if name in statuses), "")


def _mean(metric: str, configuration: Configuration) -> str:
    if configuration.mean is not None:
        return show_metric(metric, configuration.mean)
    status = _status(configuration)
    return UNDEFINED if status == "diverged" else status or NONE


def _deviation(metric: str, configuration: Configuration) -> str:
    if configuration.deviation is None or configuration.mean is None:
        return NONE
    # Percentage points, not per cent of the mean.
    points = " points" * percentage_metric(metric)
    return show_deviation(metric, configuration.deviation, configuration.mean) + points


def _range(metric: str, configuration: Configuration) -> str:
    if not configuration.values:
        return NONE
    low, high = min(configuration.values), max(configuration.values)
    return f"{show_metric(metric, low)} to {show_metric(metric, high)}"
