"""Accuracy over training time: what each configuration reaches, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galaxynet.errors import RunError
from galaxynet.report.comparison import majority_classes, title
from galaxynet.report.figures.style import COLOURS, FAINT, INK, heading, new_figure, plain_axes
from galaxynet.report.rows import Group
from galaxynet.report.seeds import Configuration, configurations
from galaxynet.report.wording import interval_of, percentage_metric, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

_SHAPES = ("o", "s", "^", "D", "v", "P", "X")
_LEAST_KEYED = 5
"""With fewer points, names beside them are read more easily than a key."""

_SHIFTS = sorted((sign * 0.6 * step for step in range(9) for sign in (1, -1)), key=abs)
"""How far above or below its point a name may stand, in heights of a line, nearest first."""


def metric_over_time(group: Group) -> Figure:
    """A point for each configuration: mean metric over mean training time.

    The bar is the 95 % interval of a single run, and the deviation over the seeds where there are several.
    Where configurations differ in two options, one is the colour and the other the shape of the points, with
    a line through those of a colour; else each point has its name beside it. Configurations whose loss became
    undefined are named beneath.

    Raises:
        RunError: If no run has both a metric and a training time.
    """
    made = configurations(group)
    placed = [one for one in made if one.mean is not None and one.seconds is not None]
    if not placed:
        raise RunError("There is nothing to plot: no run has both a metric and a training time.")
    figure = new_figure(7.4, 4.4)
    axes = figure.subplots()
    plain_axes(axes)
    axes.grid(axis="x", color="#eff1f4", linewidth=0.8)
    several = any(one.deviation is not None for one in placed)
    keys = _keys(placed)
    # With more than one option, the first gives the colour: the eye then follows it over the others.
    kinds = [str(next(iter(one.options.values()), "")) if len(one.options) > 1 else one.label for one in made]
    colours = {kind: COLOURS[number % len(COLOURS)] for number, kind in enumerate(dict.fromkeys(kinds))}
    if keys is not None:
        colours = keys.colours
        _lines(axes, placed, keys)
    for one, kind in zip(made, kinds, strict=True):
        if one in placed:
            key = _second(one) if keys else ""
            _point(axes, one, colours[kind], keys.shapes[key] if keys else "o", several)
    _scales(axes, group, placed)
    if keys is None:
        _labels(axes, placed, several, [accuracy for _, accuracy in majority_classes(group)])
    else:
        _legend(figure, placed, keys)
    heading(figure, title(group), _caption(made))
    return figure


@dataclass(frozen=True)
class _Keys:
    """What colours and shapes stand for, by the values of the first and of the second option."""

    colours: dict[str, str]
    shapes: dict[str, str]


def _keys(placed: Sequence[Configuration]) -> _Keys | None:
    """Colours and shapes, if there are two options with few enough values."""
    if len(placed) < _LEAST_KEYED or any(len(one.options) != 2 for one in placed):
        return None
    firsts = sorted({_first(one) for one in placed}, key=_order)
    seconds = sorted({_second(one) for one in placed}, key=_order)
    if len(firsts) > len(COLOURS) or len(seconds) > len(_SHAPES) or len(seconds) < 2:
        return None
    return _Keys(dict(zip(firsts, COLOURS, strict=False)), dict(zip(seconds, _SHAPES, strict=False)))


def _first(one: Configuration) -> str:
    return str(next(iter(one.options.values())))


def _second(one: Configuration) -> str:
    return str(list(one.options.values())[1])


def _order(value: str) -> tuple[float, str]:
    """Numbers by their size, words by the alphabet behind them."""
    try:
        return float(value), ""
    except ValueError:
        return math.inf, value


def _lines(axes: Axes, placed: Sequence[Configuration], keys: _Keys) -> None:
    """A faint line through the points of each colour, in the order of the second option."""
    for first, colour in keys.colours.items():
        points = sorted((one for one in placed if _first(one) == first), key=lambda one: _order(_second(one)))
        xs, ys = [one.seconds or 0.0 for one in points], [one.mean or 0.0 for one in points]
        axes.plot(xs, ys, color=colour, linewidth=1.1, alpha=0.45, zorder=1.5)


def _legend(figure: Figure, placed: Sequence[Configuration], keys: _Keys) -> None:
    from matplotlib.lines import Line2D

    names = [name.removeprefix("option.").replace("_", " ") for name in placed[0].options]
    handles = [Line2D([], [], color="none", label=names[0])]
    handles += [
        Line2D([], [], color=colour, linewidth=2.2, label=show_value(value))
        for value, colour in keys.colours.items()
    ]
    handles += [Line2D([], [], color="none", label=names[1])]
    handles += [
        Line2D([], [], color=FAINT, linestyle="none", marker=shape, markersize=7, label=show_value(value))
        for value, shape in keys.shapes.items()
    ]
    legend = figure.legend(
        handles=handles, loc="outside right center", frameon=False, fontsize=9, handlelength=1.4
    )
    for text in legend.get_texts():
        if text.get_text() in names:
            text.set_fontweight("bold")


def _point(axes: Axes, one: Configuration, colour: str, shape: str, several: bool) -> None:
    low, high = _bar(one, several)
    mean = one.mean or 0.0
    axes.errorbar(
        [one.seconds or 0.0],
        [mean],
        yerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]],
        fmt=shape,
        markersize=7,
        color=colour,
        ecolor=colour,
        elinewidth=1.4,
        capsize=3,
        markeredgecolor="white",
        markeredgewidth=0.8,
    )


def _bar(one: Configuration, several: bool) -> tuple[float, float]:
    """Ends of the bar; none for a single run among others with a deviation, which is another measure."""
    mean = one.mean or 0.0
    if one.deviation is not None:
        return mean - one.deviation, mean + one.deviation
    if several:
        return mean, mean
    tested = next(row for row in one.rows if row.value is not None)
    return interval_of(tested.run.record) or (mean, mean)


def _scales(axes: Axes, group: Group, placed: Sequence[Configuration]) -> None:
    from matplotlib.ticker import FuncFormatter

    metric = group.first.record.metric
    times = [one.seconds or 0.0 for one in placed]
    minutes = max(times) >= 180
    axes.set_xlabel("training time, minutes" if minutes else "training time, seconds")
    if minutes:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda time, _: f"{time / 60:g}"))
        axes.xaxis.set_major_locator(_minutes(max(times)))
    axes.set_xlim(0, max(times) * 1.18 or 1.0)
    axes.set_ylabel(metric.replace("/", " "))
    if percentage_metric(metric):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g}%"))
    for label, accuracy in majority_classes(group):
        axes.axhline(accuracy, color=FAINT, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
        axes.annotate(
            f"always {label} {accuracy:.1%}",
            (0.0, accuracy),
            xycoords=("axes fraction", "data"),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=8,
            color=FAINT,
        )


def _minutes(longest: float) -> MultipleLocator:
    from matplotlib.ticker import MultipleLocator

    steps = (60, 120, 300, 600, 1800, 3600, 7200, 18_000, 36_000)
    return MultipleLocator(next((step for step in steps if longest / step <= 8), longest / 6))


def _labels(axes: Axes, placed: Sequence[Configuration], several: bool, levels: Sequence[float] = ()) -> None:
    """Names beside the points: at the first of several places that is free of points, levels and names."""
    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    height, width, gap = (high - low) * 0.05, right / 78, right * 0.013
    points = [(one.seconds or 0.0, *sorted(_bar(one, several))) for one in placed]
    bars = [(x - gap / 2, x + gap / 2, bottom - height / 4, top + height / 4) for x, bottom, top in points]
    bars += [(0.0, right, level - height / 4, level + height / 4) for level in levels]
    taken: list[tuple[float, float, float, float]] = []
    for one in placed:
        x, y = one.seconds or 0.0, one.mean or 0.0
        long = width * len(one.label)
        places = [
            (start, y + shift * height)
            for shift in _SHIFTS
            for start in (x + gap, x - gap - long)
            if start >= 0 and start + long <= right
        ] or [(x + gap, y)]
        boxes = [(start, start + long, middle - height / 2, middle + height / 2) for start, middle in places]
        clear = [box for box in boxes if not any(_overlap(box, other) for other in taken)] or boxes
        free = next((box for box in clear if not any(_overlap(box, bar) for bar in bars)), clear[0])
        taken.append(free)
        left = free[1] < x  # then its end lies at the point, for the width is only estimated
        axes.text(
            free[1] if left else free[0],
            (free[2] + free[3]) / 2,
            one.label,
            ha="right" if left else "left",
            va="center",
            fontsize=8.5,
            color=INK,
        )


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _caption(made: Sequence[Configuration]) -> str:
    lines = []
    if any(one.deviation is not None for one in made):
        lines.append("bars: deviation over the seeds")
    elif any(interval_of(row.run.record) for one in made for row in one.rows):
        lines.append("bars: 95% interval of the test set")
    lost = [
        one.label if one.mean is None else f"{one.label} ({one.diverged} of {len(one.rows)})"
        for one in made
        if one.diverged
    ]
    if lost:
        lines.append("undefined loss: " + "; ".join(lost))
    return "\n".join(lines)
