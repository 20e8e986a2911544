"""Rows of a comparison: one for each run, in tables of runs that can be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from galaxynet.report.wording import interval_of, measured, metric_name
from galaxynet.runs import Run

Item = TypeVar("Item")

_STOOD_FOR = ("seed", "cores", "precision", "devices", "accelerator")
"""What the record tells better than the trainer's options do: `auto` is what it came to.

The cores belong to it, as sums are rounded in another order with other ones. The epochs are not among them:
those done depend on the seed where a training stops early.
"""

PUBLISHED = "published/"
"""Before the name of a metric: the figure published for it, where runs are compared by another."""


@dataclass(frozen=True)
class Row:
    """A run as a row.

    Attributes:
        run: The run.
    """

    run: Run

    @cached_property
    def fields(self) -> dict[str, Any]:
        """Plain values by the name of their column; options and metrics are not among them."""
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
            "samples": record.splits.get("test"),
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
        """Every option but those that a field stands for; `option.<name>` if a field has its name."""
        values = self.run.record.options
        trained = {name: value for name, value in values.training.items() if name not in _STOOD_FOR}
        merged = {**values.model, **values.dataset, **trained}
        return {f"option.{name}" if name in self.fields else name: value for name, value in merged.items()}

    def _published(self) -> dict[str, float | None]:
        """The published figure as `published`, or as `published/<metric>` if it is one of another metric."""
        record = self.run.record
        if record.reference is None or record.reference.metric == record.metric:
            return {"published": record.reference.value if record.reference else None}
        return {"published": None, f"{PUBLISHED}{record.reference.metric}": record.reference.value}

    @property
    def value(self) -> float | None:
        """The metric by which the run is compared; None if there is none (yet), or it is undefined."""
        return measured(self.run.record.metrics.get(self.run.record.metric))

    @property
    def names(self) -> set[str]:
        """Everything that can be asked for: fields, options, metrics, and the metric's short name."""
        return {
            *self.fields,
            *self.options,
            *self.run.record.metrics,
            metric_name(self.run.record.metric),
            "interval",
        }

    def get(self, name: str) -> Any:
        """A field, an option or a metric by its name; None if this run has none of the name."""
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
    """Runs of one task, one dataset and one test set, which can be compared.

    Attributes:
        rows: The rows, in the order of the table.
        why: Why these runs stand apart from those of the first table; empty for the first.
        left_out: How many rows `top` left out.
        order: The column that `--sort` names, with its `-`; empty for the best first.
        always: Options that are shown although the runs of this table do not differ in them.
    """

    rows: list[Row]
    why: str = ""
    left_out: int = 0
    order: str = ""
    always: tuple[str, ...] = ()

    @property
    def first(self) -> Run:
        """A run of the group; all have its task, metric, dataset and test set."""
        return self.rows[0].run

    @property
    def best(self) -> Row | None:
        """The row with the best value of the metric; None if none has a value."""
        known = [row for row in self.rows if row.value is not None]
        sign = 1 if self.first.record.higher_is_better else -1
        return max(known, key=lambda row: sign * (row.value or 0.0), default=None)

    def published(self) -> list[str]:
        """The other metrics than the compared one for which there are published figures."""
        names = dict.fromkeys(name for row in self.rows for name in row.fields)
        return [name.removeprefix(PUBLISHED) for name in names if name.startswith(PUBLISHED)]

    def differing(self) -> list[str]:
        """The options in which the runs differ, in the order of their declaration; the seed comes last.

        Those of `always` are among them.
        """
        names = dict.fromkeys(name for row in self.rows for name in row.options)
        return [
            name
            for name in (*names, *reversed(_STOOD_FOR))
            if name.removeprefix("option.") in self.always
            or len({repr(row.get(name)) for row in self.rows}) > 1
        ]


def groups(rows: Iterable[Row]) -> list[Group]:
    """Put runs that can be compared together; the group with the newest run comes first."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.run.record.started, reverse=True):
        record = row.run.record
        found.setdefault((record.task, record.dataset.name, record.metric, record.test_set), []).append(row)
    keys = list(found)
    return [Group(found[key], _why(keys[0], key) if key != keys[0] else "") for key in keys]


def _why(first: tuple[str, ...], other: tuple[str, ...]) -> str:
    if first[0] != other[0]:
        return f"another task: {other[0]}, not {first[0]}"
    if first[1] != other[1]:
        return f"another dataset: {other[1]}, not {first[1]}"
    if first[2] != other[2]:
        return f"another metric: {other[2]}, not {first[2]}"
    ours, theirs = other[3][:8] or "unknown", first[3][:8] or "unknown"
    return f"the same dataset, but other test samples (test set {ours}, not {theirs})"


def sort(rows: list[Row], column: str = "") -> list[Row]:
    """Best first; by a column if one is named, in its `direction`. Runs without a value come last."""
    if not rows:
        return []
    name, backwards = direction(rows[0].run, column)
    return in_order(rows, lambda row: row.get(name), backwards)


def direction(run: Run, column: str) -> tuple[str, bool]:
    """The field to sort by and whether from the largest down, of what `--sort` takes.

    A column goes from the smallest up, with a `-` before it from the largest down. The metric by which runs
    are compared goes from the best down, with a `-` from the worst up; its field is `value`.
    """
    backwards = column.startswith("-")
    name = column.removeprefix("-")
    if name in ("", "value", run.record.metric, metric_name(run.record.metric)):
        return "value", run.record.higher_is_better != backwards
    return "low" if name == "interval" else name, backwards


def in_order(items: Sequence[Item], value: Callable[[Item], Any], backwards: bool) -> list[Item]:
    """Numbers by size, anything else by letters; what has no value comes last in either direction."""
    have = [item for item in items if value(item) is not None]
    numbers = all(as_number(value(item)) is not None for item in have)

    def key(item: Item) -> Any:
        return as_number(value(item)) if numbers else str(value(item))

    return sorted(have, key=key, reverse=backwards) + [item for item in items if value(item) is None]


def as_number(value: Any) -> float | None:
    """A number, or a word that is one; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
