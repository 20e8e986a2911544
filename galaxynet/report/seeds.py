"""Runs that differ in their seed alone, taken together: mean and deviation of what they reached."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from galaxynet.report.columns import show_value
from galaxynet.report.rows import Group, Row, direction, in_order
from galaxynet.report.wording import measured
from galaxynet.runs import Run

SUMMARIES = ("mean", "deviation", "lowest", "highest", "runs", "seeds", "diverged", "failed", "unfinished")
"""What is said of a configuration and not of a run, by the names that `--sort` takes."""


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
        return self._count("diverged")

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return self._count("failed")

    @property
    def unfinished(self) -> int:
        """How many runs were interrupted or are still running."""
        return self._count("interrupted", "running")

    @property
    def measured(self) -> int:
        """How many runs have a value of the metric, and so are in the mean."""
        return sum(row.value is not None for row in self.rows)

    def _count(self, *statuses: str) -> int:
        return sum(row.run.status in statuses for row in self.rows)

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
            "failed": self.failed,
            "unfinished": self.unfinished,
            "train_seconds": self.seconds,
            "test_set": record.test_set,
            "ids": " ".join(row.run.record.id for row in self.rows),
        }

    def get(self, name: str) -> Any:
        """What `plain` says of it, or else the mean over the runs of a field, an option or a metric."""
        if name == "value":
            return self.mean
        known = self.plain()
        if (flag := name.replace("-", "_")) in known:
            return known[flag]
        values = [value for row in self.rows if (value := row.get(name)) is not None]
        if values and all(isinstance(value, int | float) for value in values):
            numbers = [value for value in values if measured(value) is not None]
            return statistics.fmean(numbers) if numbers else None
        return values[0] if values else None


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
    """The runs of a table by configuration: best mean first, or in the order of the group.

    They are sorted by what is said of a configuration (`mean`, `deviation`, the mean of `train_seconds`), not
    by what one of its runs has.
    """
    names = [name for name in group.differing() if name != "seed"]
    if len({row.fields["model"] for row in group.rows}) > 1:
        names.insert(0, "model")
    found: dict[str, list[Row]] = {}
    for row in group.rows:
        found.setdefault(repr([row.get(name) for name in names]), []).append(row)
    made = [Configuration({name: rows[0].get(name) for name in names}, rows) for rows in found.values()]
    order = {"mean": "value", "-mean": "-value"}.get(group.order, group.order)
    name, backwards = direction(group.first, order)
    return in_order(made, lambda one: one.get(name), backwards)
