"""The table of a comparison of runs: its columns, its rows, and the notes below it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from galaxynet.phrases import count
from galaxynet.report.rows import PUBLISHED, Group, Row
from galaxynet.report.table import BEST_STYLE, STATUS_STYLE, Column, Line, Table
from galaxynet.report.table_layout import hidden_notes, hide_columns
from galaxynet.report.wording import (
    NONE,
    UNDEFINED,
    metric_name,
    metric_samples,
    percentage_metric,
    show_interval,
    show_metric,
    show_result,
    show_seconds,
    show_value,
)

_USUAL = (
    *("run", "model", "options", "parameters", "epochs", "value", "interval", "published"),
    *("train_seconds", "samples_per_second", "device", "status"),
)
_EPOCHS_OPTION = "option.epochs"

_HIDDEN_FIRST_IF_CONSTANT = (
    *("model", "device", "status", "parameters", "epochs", "published", "samples_per_second"),
)
_HIDDEN_FIRST = (
    *("samples_per_second", "device", "published", "status", "parameters", "epochs", "train_seconds"),
)


def comparison_table(group: Group, width: int | None = None, names: Sequence[str] = ()) -> Table:
    """The table of a group.

    Args:
        group: The runs.
        width: Terminal cells in a line; None to show every column.
        names: The columns; if none are named, the usual ones, of which some are hidden if need be.
    """
    columns = run_columns(group, names)
    # With a single value there is nothing to be best of.
    best = group.best if sum(row.value is not None for row in group.rows) > 1 else None
    table = Table(
        columns,
        [_line(row, columns, row is best) for row in group.rows],
        majority_rows(group, columns, "value"),
        title=title(group),
        subtitle=group.subtitle,
    )
    notes: list[str] = []
    visible = table
    if width is not None and not names:
        visible, hidden = hide_columns(table, width, *_priorities(group, table))
        notes = hidden_notes(table, hidden, "--columns or --format csv", omit=["model"])
    if any(column.name.partition("/")[0] == "published" for column in columns):
        sources = dict.fromkeys(row.get("source") for row in group.rows if row.get("source"))
        notes.append("published: " + "; ".join(sources))
    if group.n_hidden:
        notes.append(f"--top hides {count(group.n_hidden, 'more run')}")
    return replace(visible, footer=notes)


def title(group: Group) -> str:
    """What the table compares: `galaxy_alexnet on galaxy-zoo: test accuracy on 1,000 samples`."""
    record = group.first.record
    models = list(dict.fromkeys(row.run.record.model.name for row in group.rows))
    samples = metric_samples(record)
    on = f" on {samples:,} samples" if samples else ""
    what = models[0] if len(models) == 1 else f"{len(models)} networks"
    return f"{what} on {record.dataset.name}: {record.metric.replace('/', ' ')}{on}"


def majority_classes(group: Group) -> list[tuple[str, float]]:
    """Label and accuracy of the majority class; several if the runs' training parts differ in it."""
    classes = {(base.label, base.accuracy) for row in group.rows if (base := row.run.record.baseline)}
    return sorted(classes, key=lambda label_and_accuracy: -label_and_accuracy[1])


def majority_rows(group: Group, columns: Sequence[Column[Any]], value: str) -> list[Line]:
    """A row for each majority class, those that look the same once; `value` is the metric's column."""
    metric, names = group.first.record.metric, [column.key for column in columns]
    if value not in names:
        return []
    rows = []
    shown = ((label, show_metric(metric, accuracy)) for label, accuracy in majority_classes(group))
    for label, accuracy in dict.fromkeys(shown):
        cells = dict.fromkeys(names, "")
        cells |= {value: accuracy, names[0]: f"always {label}"}
        rows.append(Line(list(cells.values()), style="dim"))
    return rows


def run_columns(group: Group, names: Sequence[str] = ()) -> list[Column[Row]]:
    """The named columns, or the usual ones with the options in which the runs differ."""
    if names:
        return [run_column(group, name) for name in names]
    absent = set()
    if all(row.fields["epochs"] == row.get(_EPOCHS_OPTION) for row in group.rows):
        absent.add(_EPOCHS_OPTION)  # the same as the epochs trained
    if all(row.fields["low"] is None for row in group.rows) and not percentage_metric(
        group.first.record.metric
    ):
        absent.add("interval")
    if all(row.fields["published"] is None for row in group.rows):
        absent.add("published")
    selected: list[str] = []
    for name in _USUAL:
        selected += group.differing() if name == "options" else [name]
        if name == "published":  # a figure of another metric is next to that metric
            selected += [part for other in group.published() for part in (other, f"{PUBLISHED}{other}")]
    return [run_column(group, name) for name in dict.fromkeys(selected) if name not in absent]


def run_column(group: Group, name: str) -> Column[Row]:
    """A column by the name of a field, an option or a metric."""
    metric = group.first.record.metric
    if name in ("value", metric, metric_name(metric)):
        heading = metric.replace("/", " ")
        return Column(heading, lambda row: show_result(row.run.record), "value", right_aligned=True)
    if name in _FIELDS:
        return _FIELDS[name]
    if name == "run":
        counts = Counter(row.run.label for row in group.rows)
        return Column("run", lambda row: _label(row, counts), overflow="wrap")
    if name in ("majority", "published"):
        heading = "majority class" if name == "majority" else name
        return Column(heading, lambda row: show_metric(metric, row.get(name)), name, right_aligned=True)
    if "/" in name:
        other = name.removeprefix(PUBLISHED)
        heading = name.replace("/", " ")
        return Column(heading, lambda row: show_metric(other, row.get(name)), name, right_aligned=True)
    heading = "epochs requested" if name == _EPOCHS_OPTION else name.removeprefix("option.").replace("_", " ")
    values = [value for row in group.rows if (value := row.get(name)) is not None]
    numeric = bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
    return Column(heading, lambda row: show_value(row.get(name)), name, numeric)


def _label(row: Row, counts: Counter[str]) -> str:
    label = row.run.label
    return label if counts[label] == 1 else f"{label} {row.run.record.id}"


def _interval(row: Row) -> str:
    low, high = row.fields["low"], row.fields["high"]
    return NONE if low is None else show_interval((low, high), row.run.record.metric)


def _rate(row: Row) -> str:
    rate = row.fields["samples_per_second"]
    return NONE if rate is None else f"{rate:,.0f}"


_FIELDS: dict[str, Column[Row]] = {
    column.key: column
    for column in (
        Column[Row]("parameters", lambda row: f"{row.fields['parameters']:,}", right_aligned=True),
        Column[Row]("epochs", lambda row: str(row.fields["epochs"]), right_aligned=True),
        Column[Row]("seed", lambda row: str(row.fields["seed"]), right_aligned=True),
        Column[Row]("95% interval", _interval, "interval", right_aligned=True),
        Column[Row](
            "training",
            lambda row: show_seconds(row.get("train_seconds")),
            "train_seconds",
            right_aligned=True,
        ),
        Column[Row]("samples/s", _rate, "samples_per_second", right_aligned=True),
        Column[Row]("status", lambda row: row.run.status),
    )
}


def _line(row: Row, columns: Sequence[Column[Row]], is_best: bool) -> Line:
    cells = [column.show(row) for column in columns]
    styles = {}
    for index, (column, text) in enumerate(zip(columns, cells, strict=True)):
        if column.key == "status":
            styles[index] = STATUS_STYLE[row.run.status]
        elif column.key == "value" and text == UNDEFINED:
            styles[index] = STATUS_STYLE["diverged"]
        elif is_best and column.key in ("value", "run"):
            styles[index] = BEST_STYLE
        elif text == NONE:
            styles[index] = "dim"
    keys = [row.get("low" if column.key == "interval" else column.key) for column in columns]
    return Line(cells, styles, sort_keys=keys)


def _priorities(group: Group, table: Table) -> tuple[list[str], list[str]]:
    """Which columns are hidden first and last: first those in which all runs are the same."""
    names = [column.key for column in table.columns]
    constant = [
        name
        for name in _HIDDEN_FIRST_IF_CONSTANT
        if name in names and len({line.cells[names.index(name)] for line in table.lines}) == 1
    ]
    other_metrics = [part for other in group.published() for part in (f"{PUBLISHED}{other}", other)]
    differing = group.differing()
    # The epochs distinguish runs of different lengths.
    kept = {"epochs"} if _EPOCHS_OPTION in differing else set()
    first = [name for name in (*constant, *other_metrics, *_HIDDEN_FIRST) if name not in kept]
    # An option that tells runs apart goes before the interval of their accuracy.
    options = [name for name in names if name in differing]
    return first, [*reversed(options), "model", "epochs", "interval"]
