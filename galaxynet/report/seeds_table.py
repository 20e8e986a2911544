"""The table of configurations: their means over the seeds, and how many runs these rest on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from galaxynet.report.columns import NONE, Column, column
from galaxynet.report.layout import Line, left_out, widest
from galaxynet.report.rows import Group
from galaxynet.report.seeds import Configuration, configurations
from galaxynet.report.table import BEST_STYLE, STATUS_STYLE, Content, always, majority_lines
from galaxynet.report.wording import (
    UNDEFINED,
    metric_name,
    percentage_metric,
    show_deviation,
    show_metric,
    show_seconds,
)

_GOES_FIRST = ("lowest", "train_seconds", "unfinished", "failed", "diverged")
"""What goes first where there is no room; how many runs the mean rests on is also said by `runs`."""


@dataclass(frozen=True)
class _Column:
    """A column: its name in `Configuration.get`, its heading and its cells."""

    name: str
    title: str
    show: Callable[[Configuration], str]
    number: bool = True
    option: bool = False


def content(group: Group, width: int | None = None, top: int | None = None) -> Content:
    """What the table says.

    Args:
        group: The runs.
        width: Cells that there are in a line; None for any number, so that nothing is left out.
        top: How many configurations there may be; None for all.
    """
    every = configurations(group)
    made = every[:top]
    shown = _columns(group, made)
    dropped: list[_Column] = []
    if width is not None:
        shown, dropped = _fit(shown, _lines(group, shown, made), width)
    notes = []
    if dropped:
        notes.append(f"no room for {', '.join(one.title for one in dropped)} (see them with --format csv)")
    if len(made) < len(every):
        notes.append(f"{len(every) - len(made):,} more configurations are left out by --top")
    return Content(
        [one.title for one in shown],
        [one.number for one in shown],
        _lines(group, shown, made),
        notes,
        [[one.get(column.name) for column in shown] for one in made],
    )


def _columns(group: Group, made: Sequence[Configuration]) -> list[_Column]:
    metric = group.first.record.metric
    found = [_option(column(group, name)) for name in list(made[0].options) or ["model"]]
    found += [
        _Column("runs", "runs", _runs),
        _Column("mean", f"mean {metric_name(metric)}", lambda one: _mean(metric, one)),
        _Column("deviation", "± deviation", lambda one: _deviation(metric, one)),
    ]
    if any(len(one.values) > 1 for one in made):
        found.append(_Column("lowest", "range", lambda one: _range(metric, one)))
    # A column of nothing but dashes says what `runs` says already.
    found += [
        _count(name) for name in ("diverged", "failed", "unfinished") if any(one.get(name) for one in made)
    ]
    return [*found, _Column("train_seconds", "training", lambda one: show_seconds(one.seconds))]


def _option(one: Column) -> _Column:
    return _Column(one.name, one.title, lambda made: one.show(made.rows[0]), one.number, option=True)


def _count(name: str) -> _Column:
    return _Column(name, name, lambda made: str(made.get(name) or NONE))


def _lines(group: Group, shown: Sequence[_Column], made: Sequence[Configuration]) -> list[Line]:
    metric = group.first.record.metric
    means = [one.mean for one in made if one.mean is not None]
    best = (max if group.first.record.higher_is_better else min)(means, default=None)
    at = [one.name for one in shown].index("mean")
    lines = []
    for one in made:
        styles = {}
        if one.mean is None and (status := _status(one)):
            styles[at] = STATUS_STYLE[status]
        elif len(made) > 1 and one.mean is not None and one.mean == best:
            styles[at] = BEST_STYLE
        lines.append(Line([column.show(one) for column in shown], styles))
    # A mean without the majority class beside it misleads as much as a single accuracy does.
    for number, (label, accuracy) in enumerate(majority_lines(group)):
        texts = [""] * len(shown)
        texts[0], texts[at] = always(label), show_metric(metric, accuracy)
        lines.append(Line(texts, style="dim", rule=number == 0))
    return lines


def _fit(shown: list[_Column], lines: Sequence[Line], width: int) -> tuple[list[_Column], list[_Column]]:
    widths = widest([one.title for one in shown], lines)
    last = ["deviation", *(one.name for one in reversed(shown) if one.option and one is not shown[0])]
    names = left_out(
        {one.name: (room, one.number) for one, room in zip(shown, widths, strict=True)},
        width,
        _GOES_FIRST,
        last,
    )
    return [one for one in shown if one.name not in names], [one for one in shown if one.name in names]


def _runs(one: Configuration) -> str:
    """`3`; `2 of 3` where only two have a value; how many seeds these are where some are repeated."""
    number = len(one.rows)
    counted = f"{one.measured} of {number}" if 0 < one.measured < number else str(number)
    return counted if one.seeds == number else f"{counted} ({one.seeds} seed{'s' * (one.seeds > 1)})"


def _status(one: Configuration) -> str:
    """How the runs ended, where none of them has a value; empty if they did finish."""
    statuses = {row.run.status for row in one.rows}
    return next((name for name in ("diverged", "failed", "interrupted", "running") if name in statuses), "")


def _mean(metric: str, one: Configuration) -> str:
    if one.mean is not None:
        return show_metric(metric, one.mean)
    status = _status(one)
    return UNDEFINED if status == "diverged" else status or NONE


def _deviation(metric: str, one: Configuration) -> str:
    if one.deviation is None or one.mean is None:
        return NONE
    # Points of a per cent, not per cent of the mean.
    return show_deviation(metric, one.deviation, one.mean) + " points" * percentage_metric(metric)


def _range(metric: str, one: Configuration) -> str:
    if not one.values:
        return NONE
    return f"{show_metric(metric, min(one.values))} to {show_metric(metric, max(one.values))}"
