"""Accuracy over training time: what each configuration reaches, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from galaxynet.errors import RunError
from galaxynet.report.comparison import majority_classes, title
from galaxynet.report.figures.style import (
    COLOURS,
    FAINT,
    INK,
    heading,
    level,
    new_figure,
    percent_ticks,
    plain_axes,
    remark,
)
from galaxynet.report.rows import Group
from galaxynet.report.seeds import Configuration, configurations
from galaxynet.report.wording import interval_of, natural_key, percentage_metric, show_metric, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

_SHAPES = ("o", "s", "^", "D", "v", "P", "X")
_MIN_POINTS_WITH_LEGEND = 5
"""With fewer points, labels are easier to read than a legend."""

_SHIFTS = sorted((sign * 0.6 * step for step in range(9) for sign in (1, -1)), key=abs)
"""Vertical offsets of a label from its point, in line heights, nearest first."""


def metric_over_time(group: Group) -> Figure:
    """A point for each configuration: mean metric over mean training time.

    The bar is the 95 % interval of a single run, or the deviation over several seeds. If configurations
    differ in two options, one sets the colour and the other the shape of the points, with a line through
    those of a colour; otherwise each point has a label. Diverged configurations are named below the figure.

    Raises:
        RunError: If no run has both a metric and a training time.
    """
    configs = configurations(group)
    placed = [config for config in configs if config.mean is not None and config.seconds is not None]
    if not placed:
        raise RunError("Nothing to plot: no run has both a metric and a training time.")
    figure = new_figure(7.4, 4.4)
    axes = figure.subplots()
    plain_axes(axes)
    axes.grid(axis="x", color="#eff1f4", linewidth=0.8)
    several = any(config.deviation is not None for config in placed)
    colours, shapes = _encoding(placed)
    # With several options, the first sets the colour, so that it can be followed across the others.
    kinds = [
        str(next(iter(config.options.values()), "")) if len(config.options) > 1 else config.label
        for config in configs
    ]
    if shapes:
        _lines(axes, placed, colours)
    else:
        colours = dict(zip(dict.fromkeys(kinds), cycle(COLOURS)))
    for config, kind in zip(configs, kinds, strict=True):
        if config in placed:
            _point(axes, config, colours[kind], shapes[_second(config)] if shapes else "o", several)
    _scales(axes, group, placed)
    if shapes:
        _legend(figure, placed, colours, shapes)
    else:
        _labels(axes, placed, several, [accuracy for _, accuracy in majority_classes(group)])
    heading(figure, title(group), _caption(configs))
    return figure


def _encoding(placed: Sequence[Configuration]) -> tuple[dict[str, str], dict[str, str]]:
    """Colours by the values of the first of two options, shapes by the second; empty if there are many."""
    if len(placed) < _MIN_POINTS_WITH_LEGEND or any(len(config.options) != 2 for config in placed):
        return {}, {}
    firsts = sorted({_first(config) for config in placed}, key=natural_key)
    seconds = sorted({_second(config) for config in placed}, key=natural_key)
    if len(firsts) > len(COLOURS) or len(seconds) > len(_SHAPES) or len(seconds) < 2:
        return {}, {}
    return dict(zip(firsts, COLOURS, strict=False)), dict(zip(seconds, _SHAPES, strict=False))


def _first(config: Configuration) -> str:
    return str(next(iter(config.options.values())))


def _second(config: Configuration) -> str:
    return str(list(config.options.values())[1])


def _lines(axes: Axes, placed: Sequence[Configuration], colours: dict[str, str]) -> None:
    """A faint line through the points of each colour, sorted by the second option."""
    for first, colour in colours.items():
        points = sorted(
            (config for config in placed if _first(config) == first),
            key=lambda config: natural_key(_second(config)),
        )
        xs, ys = [config.seconds or 0.0 for config in points], [config.mean or 0.0 for config in points]
        axes.plot(xs, ys, color=colour, linewidth=1.1, alpha=0.45, zorder=1.5)


def _legend(
    figure: Figure, placed: Sequence[Configuration], colours: dict[str, str], shapes: dict[str, str]
) -> None:
    from matplotlib.lines import Line2D

    names = [name.removeprefix("option.").replace("_", " ") for name in placed[0].options]
    handles = [Line2D([], [], color="none", label=names[0])]
    handles += [
        Line2D([], [], color=colour, linewidth=2.2, label=show_value(value))
        for value, colour in colours.items()
    ]
    handles += [Line2D([], [], color="none", label=names[1])]
    handles += [
        Line2D([], [], color=FAINT, linestyle="none", marker=shape, markersize=7, label=show_value(value))
        for value, shape in shapes.items()
    ]
    legend = figure.legend(
        handles=handles, loc="outside right center", frameon=False, fontsize=9, handlelength=1.4
    )
    for text in legend.get_texts():
        if text.get_text() in names:
            text.set_fontweight("bold")


def _point(axes: Axes, config: Configuration, colour: str, shape: str, several: bool) -> None:
    low, high = _bar(config, several)
    mean = config.mean or 0.0
    axes.errorbar(
        [config.seconds or 0.0],
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


def _bar(config: Configuration, several: bool) -> tuple[float, float]:
    """Ends of the bar; no bar for a single run among means, whose bars show another measure."""
    mean = config.mean or 0.0
    if config.deviation is not None:
        return mean - config.deviation, mean + config.deviation
    if several:
        return mean, mean
    tested = next(row for row in config.rows if row.value is not None)
    return interval_of(tested.run.record) or (mean, mean)


def _scales(axes: Axes, group: Group, placed: Sequence[Configuration]) -> None:
    metric = group.first.record.metric
    times = [config.seconds or 0.0 for config in placed]
    minutes = max(times) >= 180
    axes.set_xlabel("training time, minutes" if minutes else "training time, seconds")
    if minutes:
        axes.xaxis.set_major_formatter(lambda time, _: f"{time / 60:g}")
        axes.xaxis.set_major_locator(_minutes(max(times)))
    axes.set_xlim(0, max(times) * 1.18 or 1.0)
    axes.set_ylabel(metric.replace("/", " "))
    if percentage_metric(metric):
        percent_ticks(axes)
    for label, accuracy in majority_classes(group):
        level(axes, accuracy)
        text = f"always {label} {show_metric(metric, accuracy)}"
        remark(axes, text, (0.0, accuracy), (4, 3), xycoords=("axes fraction", "data"))


def _minutes(longest: float) -> MultipleLocator:
    from matplotlib.ticker import MultipleLocator

    steps = (60, 120, 300, 600, 1800, 3600, 7200, 18_000, 36_000)
    return MultipleLocator(next((step for step in steps if longest / step <= 8), longest / 6))


def _labels(axes: Axes, placed: Sequence[Configuration], several: bool, levels: Sequence[float] = ()) -> None:
    """Label the points, each at the first position free of points, levels and other labels."""
    low, high = axes.get_ylim()
    right = axes.get_xlim()[1]
    height, width, gap = (high - low) * 0.05, right / 78, right * 0.013
    points = [(config.seconds or 0.0, *sorted(_bar(config, several))) for config in placed]
    bars = [(x - gap / 2, x + gap / 2, bottom - height / 4, top + height / 4) for x, bottom, top in points]
    bars += [(0.0, right, level - height / 4, level + height / 4) for level in levels]
    taken: list[tuple[float, float, float, float]] = []
    for config in placed:
        x, y = config.seconds or 0.0, config.mean or 0.0
        long = width * len(config.label)
        positions = [
            (start, y + shift * height)
            for shift in _SHIFTS
            for start in (x + gap, x - gap - long)
            if start >= 0 and start + long <= right
        ] or [(x + gap, y)]
        boxes = [
            (start, start + long, middle - height / 2, middle + height / 2) for start, middle in positions
        ]
        clear = [box for box in boxes if not any(_overlap(box, other) for other in taken)] or boxes
        free = next((box for box in clear if not any(_overlap(box, bar) for bar in bars)), clear[0])
        taken.append(free)
        left = free[1] < x  # then the label ends at the point, as its width is only estimated
        axes.text(
            free[1] if left else free[0],
            (free[2] + free[3]) / 2,
            config.label,
            ha="right" if left else "left",
            va="center",
            fontsize=8.5,
            color=INK,
        )


def _overlap(box: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return box[0] < other[1] and other[0] < box[1] and box[2] < other[3] and other[2] < box[3]


def _caption(configs: Sequence[Configuration]) -> str:
    lines = []
    if any(config.deviation is not None for config in configs):
        lines.append("bars: deviation over the seeds")
    elif any(interval_of(row.run.record) for config in configs for row in config.rows):
        lines.append("bars: 95% interval of the test set")
    lost = [
        config.label if config.mean is None else f"{config.label} ({config.diverged} of {len(config.rows)})"
        for config in configs
        if config.diverged
    ]
    if lost:
        lines.append("undefined loss: " + "; ".join(lost))
    return "\n".join(lines)
