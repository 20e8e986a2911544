"""Runs that differ in their seed alone, taken together: mean and deviation of what they reached."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from galaxynet.report.columns import NONE, column, show_value
from galaxynet.report.layout import Line
from galaxynet.report.rows import Group, Row
from galaxynet.report.table import BEST_STYLE, majority_lines
from galaxynet.report.wording import (
    UNDEFINED,
    metric_name,
    percentage_metric,
    show_deviation,
    show_metric,
    show_seconds,
)
from galaxynet.runs import Run


@dataclass(frozen=True)
class Configuration:
    """The runs of one model with the same options.

    Attributes:
        options: The options in which configurations of the table differ.
        rows: The runs. Several may have one seed.
    """

    options: dict[str, Any]
    rows: list[Row]

    @property
    def label(self) -> str:
        """Its options in a few words; the run's name where there are none."""
        return words(self.options) or self.rows[0].run.label

    @property
    def values(self) -> list[float]:
        """The metric of every seed that has one: the mean, where runs repeat a seed.

        A repeated run is no further sample, and would make the deviation smaller than it is.
        """
        by_seed: dict[int, list[float]] = {}
        for row in self.rows:
            if row.value is not None:
                by_seed.setdefault(row.fields["seed"], []).append(row.value)
        return [statistics.fmean(values) for values in by_seed.values()]

    @property
    def seeds(self) -> int:
        """How many different seeds the runs have."""
        return len({row.fields["seed"] for row in self.rows})

    @property
    def mean(self) -> float | None:
        """The mean of the metric over the seeds; None if no run has one."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def deviation(self) -> float | None:
        """The sample standard deviation over the seeds; None for fewer than two values."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def diverged(self) -> int:
        """How many runs ended in an undefined loss."""
        return sum(row.run.status == "diverged" for row in self.rows)

    @property
    def seconds(self) -> float | None:
        """Mean training time in s of the runs that have a value, else of all; None if it is not known."""
        # A run whose loss became undefined ended early: its time says nothing of the others'.
        rows = [row for row in self.rows if row.value is not None] or self.rows
        known = [time for row in rows if (time := row.fields["train_seconds"]) is not None]
        return statistics.fmean(known) if known else None

    def plain(self) -> dict[str, Any]:
        """Plain values for programs."""
        record = self.rows[0].run.record
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
            "train_seconds": self.seconds,
            "ids": " ".join(row.run.record.id for row in self.rows),
        }


def words(options: dict[str, Any]) -> str:
    """Options in a few words: `tanh, extra convs 1`."""
    return ", ".join(
        value
        if isinstance(value, str) and value
        else f"{name.removeprefix('option.').replace('_', ' ')} {show_value(value)}"
        for name, value in options.items()
    )


def run_labels(runs: Sequence[Run]) -> list[str]:
    """What tells runs apart: their names, or the options in which they differ, or else their ids."""
    rows = [Row(run) for run in runs]
    names = Group(rows).differing()
    labels = [row.run.record.name or words({name: row.get(name) for name in names}) for row in rows]
    return [
        label if label and labels.count(label) == 1 else f"{label} {row.run.record.id}".strip()
        for label, row in zip(labels, rows, strict=True)
    ]


def configurations(group: Group) -> list[Configuration]:
    """The runs of a table by configuration: best mean first, those without a value last.

    Rows that are in an order which was asked for keep it: a configuration stands where its first run does.
    """
    names = [name for name in group.differing() if name != "seed"]
    if len({row.fields["model"] for row in group.rows}) > 1:
        names.insert(0, "model")
    found: dict[str, list[Row]] = {}
    for row in group.rows:
        found.setdefault(repr([row.get(name) for name in names]), []).append(row)
    made = [Configuration({name: rows[0].get(name) for name in names}, rows) for rows in found.values()]
    if group.ordered:
        return made
    sign = -1 if group.first.record.higher_is_better else 1
    return sorted(made, key=lambda one: (one.mean is None, sign * (one.mean or 0.0)))


def cells(group: Group, made: Sequence[Configuration]) -> tuple[list[str], list[bool], list[Line]]:
    """Headings, alignments and rows of the table of configurations."""
    metric = group.first.record.metric
    names = list(made[0].options) or ["model"]
    options = [column(group, name) for name in names]
    titles = [
        *(option.title for option in options),
        "runs",
        f"mean {metric_name(metric)}",
        "± deviation",
        "range",
        "diverged",
        "training",
    ]
    rights = [*(option.number for option in options), True, True, True, True, True, True]
    means = [one.mean for one in made if one.mean is not None]
    best_mean = (max if group.first.record.higher_is_better else min)(means, default=None)
    lines = []
    for one in made:
        texts = [
            *(option.show(one.rows[0]) for option in options),
            _runs(one),
            UNDEFINED if one.mean is None and one.diverged else show_metric(metric, one.mean),
            _deviation(metric, one),
            f"{show_metric(metric, min(one.values))} to {show_metric(metric, max(one.values))}"
            if one.values
            else NONE,
            str(one.diverged) if one.diverged else NONE,
            show_seconds(one.seconds),
        ]
        best = len(made) > 1 and one.mean is not None and one.mean == best_mean
        lines.append(Line(texts, {len(options) + 1: BEST_STYLE} if best else {}))
    # A mean without the majority class beside it misleads as much as a single accuracy does.
    for number, (label, accuracy) in enumerate(majority_lines(group)):
        texts = [""] * len(titles)
        texts[0], texts[len(options) + 1] = f"always {label}", show_metric(metric, accuracy)
        lines.append(Line(texts, style="dim", rule=number == 0))
    return titles, rights, lines


def _runs(one: Configuration) -> str:
    number = len(one.rows)
    return str(number) if one.seeds == number else f"{number} of {one.seeds} seed{'s' * (one.seeds > 1)}"


def _deviation(metric: str, one: Configuration) -> str:
    if one.deviation is None or one.mean is None:
        return NONE
    # Points of a per cent, not per cent of the mean.
    return show_deviation(metric, one.deviation, one.mean) + " points" * percentage_metric(metric)
