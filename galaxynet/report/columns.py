"""The columns of a comparison as a person reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from galaxynet.report.rows import PUBLISHED, Group, Row
from galaxynet.report.wording import (
    UNDEFINED,
    metric_name,
    percentage_metric,
    show_interval,
    show_metric,
    show_seconds,
)

NONE = "–"
"""What an empty cell shows."""

USUAL = ("run", "model", "options", "parameters", "epochs", "value", "interval", "published")
ASKED_EPOCHS = "option.epochs"
AT_THE_END = ("train_seconds", "samples_per_second", "device", "status")

# Which columns go first when there is no room, as far as all runs have the same in them.
SAME_GOES_FIRST = ("model", "device", "status", "parameters", "epochs", "published", "samples_per_second")
GOES_FIRST = (
    *("samples_per_second", "device", "published", "status", "parameters", "epochs"),
    "train_seconds",
)


@dataclass(frozen=True)
class Column:
    """A column: the name that `--columns` takes, its title, and its cells.

    Attributes:
        name: The name.
        title: The heading.
        show: A row's cell.
        number: Whether it is aligned to the right.
        option: Whether it is an option.
    """

    name: str
    title: str
    show: Callable[[Row], str]
    number: bool = False
    option: bool = False

    def cells(self, group: Group) -> list[str]:
        """The cells of all rows."""
        return [self.show(row) for row in group.rows]

    def same(self, group: Group) -> bool:
        """Whether all rows show the same."""
        return len(set(self.cells(group))) == 1


def columns(group: Group, names: Sequence[str] = ()) -> list[Column]:
    """The columns of a table: the named ones, or the usual ones with the options in which the runs differ."""
    if names:
        return [column(group, name) for name in names]
    absent = set()
    if all(row.fields["epochs"] == row.get(ASKED_EPOCHS) for row in group.rows):
        absent.add(ASKED_EPOCHS)  # the epochs done say the same
    if not percentage_metric(group.first.record.metric):
        absent.add("interval")
    if all(row.fields["published"] is None for row in group.rows):
        absent.add("published")
    wanted: list[str] = []
    for name in (*USUAL, *AT_THE_END):
        wanted += group.differing() if name == "options" else [name]
        if name == "published":  # never beside another metric alone, as if it were one of that
            wanted += [part for other in group.published() for part in (other, f"{PUBLISHED}{other}")]
    return [column(group, name) for name in dict.fromkeys(wanted) if name not in absent]


def column(group: Group, name: str) -> Column:
    """One column by the name of a field, an option or a metric."""
    metric = group.first.record.metric
    short = metric_name(metric)
    if name in ("value", metric, short):
        return Column("value", metric.replace("/", " "), _value, number=True)
    doubled = {label for label, times in Counter(row.run.label for row in group.rows).items() if times > 1}
    known: dict[str, Column] = {
        "run": Column("run", "run", lambda row: _label(row, doubled)),
        "parameters": Column(
            "parameters", "parameters", lambda row: f"{row.fields['parameters']:,}", number=True
        ),
        "epochs": Column("epochs", "epochs", lambda row: str(row.fields["epochs"]), number=True),
        "seed": Column("seed", "seed", lambda row: str(row.fields["seed"]), number=True, option=True),
        "interval": Column("interval", "95% interval", _interval, number=True),
        "majority": Column(
            "majority", "majority class", lambda row: show_metric(metric, row.get("majority")), True
        ),
        "published": Column(
            "published", "published", lambda row: show_metric(metric, row.get("published")), True
        ),
        "train_seconds": Column(
            "train_seconds", "training", lambda row: show_seconds(row.get("train_seconds")), True
        ),
        "samples_per_second": Column("samples_per_second", "samples/s", _rate, number=True),
        "status": Column("status", "status", lambda row: row.run.status),
    }
    if name in known:
        return known[name]
    if name.startswith(PUBLISHED):
        other = name.removeprefix(PUBLISHED)
        heading = f"published {other.replace('/', ' ')}"
        return Column(name, heading, lambda row: show_metric(other, row.get(name)), number=True)
    if "/" in name:
        return Column(name, name.replace("/", " "), lambda row: show_metric(name, row.get(name)), number=True)
    option = any(name.replace("-", "_") in row.options for row in group.rows)
    values = [value for row in group.rows if (value := row.get(name)) is not None]
    numbers = bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
    title = "epochs asked for" if name == ASKED_EPOCHS else name.removeprefix("option.").replace("_", " ")
    return Column(name, title, lambda row: show_value(row.get(name)), number=numbers, option=option)


def show_value(value: Any) -> str:
    """An option's value: `yes` and `no`, six digits of a number, the last part of a path."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return PurePath(text).name if "/" in text else text


def _label(row: Row, doubled: set[str]) -> str:
    label = row.run.label
    return f"{label} {row.run.record.id}" if label in doubled else label


def _value(row: Row) -> str:
    if row.run.status == "diverged" and row.value is None:
        return UNDEFINED
    return show_metric(row.run.record.metric, row.value)


def _interval(row: Row) -> str:
    low, high = row.fields["low"], row.fields["high"]
    return NONE if low is None else show_interval((low, high))


def _rate(row: Row) -> str:
    rate = row.fields["samples_per_second"]
    return NONE if rate is None else f"{rate:,.0f}"
