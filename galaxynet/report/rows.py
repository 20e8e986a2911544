"""The rows of a comparison: one for each run, grouped into tables of comparable runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from galaxynet.report.wording import interval_of, measured, metric_name, metric_samples
from galaxynet.runs import Run

Item = TypeVar("Item")

_RECORDED_OPTIONS = ("seed", "cores", "precision", "devices", "accelerator")
"""Options for which the record has what was used, where the option may say `auto`.

The number of cores counts, as it changes the order in which sums are rounded. The epochs do not: where a
training stops early, how many were trained depends on the seed.
"""

PUBLISHED = "published/"
"""Prefix of the figure published for a metric other than the one by which runs are compared."""


@dataclass(frozen=True)
class Row:
    """A run as a row.

    Attributes:
        run: The run.
    """

    run: Run

    @cached_property
    def fields(self) -> dict[str, Any]:
        """Plain values by column, without options and metrics."""
        record = self.run.record
        interval = interval_of(record)
        return {
            "run": self.run.label,
            "id": record.id,
            "name": record.name,
            "folder": self.run.path.name,
            "model": record.model.name,
            "dataset": record.dataset.name,
            "task": record.task,
            "parameters": record.parameters,
            "epochs": record.epochs,
            "seed": record.seed,
            "metric": record.metric,
            "value": self.value,
            "low": interval[0] if interval else None,
            "high": interval[1] if interval else None,
            "samples": metric_samples(record) or None,
            "majority": record.baseline.accuracy if record.baseline else None,
            "majority_class": record.baseline.label if record.baseline else None,
            **self._published(),
            "source": record.reference.source if record.reference else None,
            "train_seconds": measured(record.seconds.get("train")),
            "samples_per_second": measured(record.samples_per_second),
            "device": record.device,
            "devices": record.devices,
            "precision": record.precision,
            "cores": record.environment.cores if record.accelerator == "cpu" else None,
            "accelerator": record.accelerator,
            "status": self.run.status,
            "started": record.started.isoformat(),
            "test_set": record.test_set,
        }

    @cached_property
    def options(self) -> dict[str, Any]:
        """The options, except those recorded as a field; `option.<name>` if a field has the same name."""
        values = self.run.record.options
        trained = {name: value for name, value in values.training.items() if name not in _RECORDED_OPTIONS}
        merged = {**values.model, **values.dataset, **trained}
        return {f"option.{name}" if name in self.fields else name: value for name, value in merged.items()}

    def _published(self) -> dict[str, float | None]:
        """The published figure: `published`, or `published/<metric>` if it is of another metric."""
        record = self.run.record
        if record.reference is None or record.reference.metric == record.metric:
            return {"published": record.reference.value if record.reference else None}
        return {"published": None, f"{PUBLISHED}{record.reference.metric}": record.reference.value}

    @property
    def value(self) -> float | None:
        """The metric by which the run is compared; None if it is missing or undefined."""
        return measured(self.run.record.metrics.get(self.run.record.metric))

    @property
    def names(self) -> set[str]:
        """The names that `get` knows: fields, options, metrics, and the metric's short name."""
        return {
            *self.fields,
            *self.options,
            *self.run.record.metrics,
            metric_name(self.run.record.metric),
            "interval",
        }

    def get(self, name: str) -> Any:
        """A field, an option or a metric; None if this run has none of that name."""
        flag = name.replace("-", "_")  # as it is typed on the command line
        if flag in self.fields or flag in self.options:
            name = flag
        if name in self.fields:
            return self.fields[name]
        if name in self.options:
            return self.options[name]
        if name == metric_name(self.run.record.metric):
            return self.value
        return self.run.record.metrics.get(name)


@dataclass(frozen=True)
class Group:
    """Comparable runs: of one task, one dataset and one test set.

    Attributes:
        rows: The rows, sorted as the table is.
        reason: Why these runs are not in the first table; empty for the first.
        n_hidden: Number of rows that `--top` hides.
        order: The column given with `--sort`, with its `-`; empty for the best first.
        always_shown: Options that are shown even if the runs do not differ in them.
    """

    rows: list[Row]
    reason: str = ""
    n_hidden: int = 0
    order: str = ""
    always_shown: tuple[str, ...] = ()

    @property
    def subtitle(self) -> str:
        """Why the table stands apart, as a line below its title; empty for the first."""
        return f"in a separate table: {self.reason}" if self.reason else ""

    @property
    def first(self) -> Run:
        """A run of the group; its task, metric, dataset and test set are those of all."""
        return self.rows[0].run

    @property
    def best(self) -> Row | None:
        """The row with the best value of the metric; None if none has a value."""
        known = [row for row in self.rows if row.value is not None]
        sign = 1 if self.first.record.higher_is_better else -1
        return max(known, key=lambda row: sign * (row.value or 0.0), default=None)

    def published(self) -> list[str]:
        """The metrics with published figures, other than the one by which runs are compared."""
        names = dict.fromkeys(name for row in self.rows for name in row.fields)
        return [name.removeprefix(PUBLISHED) for name in names if name.startswith(PUBLISHED)]

    def differing(self) -> list[str]:
        """The options in which the runs differ, and `always_shown`, as declared; the seed comes last."""
        names = dict.fromkeys(name for row in self.rows for name in row.options)
        return [
            name
            for name in (*names, *reversed(_RECORDED_OPTIONS))
            if name.removeprefix("option.") in self.always_shown
            or len({repr(row.get(name)) for row in self.rows}) > 1
        ]


def group_rows(rows: Iterable[Row]) -> list[Group]:
    """Group comparable runs; the group with the newest run comes first."""
    by_key: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.run.record.started, reverse=True):
        record = row.run.record
        by_key.setdefault((record.task, record.dataset.name, record.metric, record.test_set), []).append(row)
    first = next(iter(by_key), ())
    return [Group(members, _difference(first, key)) for key, members in by_key.items()]


def _difference(first: tuple[str, ...], other: tuple[str, ...]) -> str:
    """Why runs with the key `other` cannot be compared with those of the first table."""
    if first == other:
        return ""
    for index, noun in enumerate(("task", "dataset", "metric")):
        if first[index] != other[index]:
            return f"another {noun}: {other[index]}, not {first[index]}"
    ours, theirs = other[3][:8] or "unknown", first[3][:8] or "unknown"
    return f"the same dataset, but other test samples (test set {ours}, not {theirs})"


def sort_rows(rows: list[Row], column: str = "") -> list[Row]:
    """Sort by a column as `--sort` takes it, best first without one. Runs without a value come last."""
    if not rows:
        return []
    name, descending = sort_direction(rows[0].run, column)
    return sort_items(rows, lambda row: row.get(name), descending)


def sort_direction(run: Run, column: str) -> tuple[str, bool]:
    """The field that a value of `--sort` means, and whether it is sorted in descending order.

    A column is sorted in ascending order, with a `-` before it in descending order. The metric by which runs
    are compared, `value`, is sorted from the best to the worst, with a `-` from the worst to the best.
    """
    reverse = column.startswith("-")
    name = column.removeprefix("-")
    if name in ("", "value", run.record.metric, metric_name(run.record.metric)):
        return "value", run.record.higher_is_better != reverse
    return "low" if name == "interval" else name, reverse


def sort_items(items: Sequence[Item], key: Callable[[Item], Any], descending: bool = False) -> list[Item]:
    """Sort numbers by size and anything else by letters; items without a value come last either way."""
    known = [item for item in items if key(item) is not None]
    numeric = all(as_number(key(item)) is not None for item in known)

    def sort_key(item: Item) -> Any:
        return as_number(key(item)) if numeric else str(key(item))

    ordered = sorted(known, key=sort_key, reverse=descending)
    return ordered + [item for item in items if key(item) is None]


def as_number(value: Any) -> float | None:
    """A number, or a text that is one; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
