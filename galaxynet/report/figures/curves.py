"""Learning curves: loss and metric of the training and the validation part over the epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from galaxynet.errors import RunError
from galaxynet.report.epochs import check_logged, read_log
from galaxynet.report.figures.style import (
    COLOURS,
    DASHES,
    heading,
    level,
    new_figure,
    percent_ticks,
    plain_axes,
    remark,
)
from galaxynet.report.seeds import run_labels
from galaxynet.report.wording import caption, metric_name, percentage_metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from galaxynet.runs import Run

MAX_RUNS = len(COLOURS) * len(DASHES)
_MIXED = "Learning curves"
_FAR = 3
"""In panel heights: a majority class further below the curves than that is not drawn."""
_PARTS = {"train": "training", "val": "validation"}


def learning_curves(runs: Sequence[Run], columns: Sequence[str] = ()) -> Figure:
    """Loss and metric over the epochs.

    One run shows the training and the validation part in two colours; several have a colour each, with
    the training part as a thin line.

    Args:
        runs: One to 28 runs.
        columns: Columns of `metrics.csv` to draw (`val/accuracy`), a panel for each name behind the slash;
            loss and the runs' metric if none are given.

    Raises:
        RunError: If there are too many runs, or none logged one of the columns.
    """
    if len(runs) > MAX_RUNS:
        raise RunError(
            f"{len(runs)} learning curves in one figure are unreadable.", f"Name at most {MAX_RUNS} runs."
        )
    logs = [read_log(run) for run in runs]
    selected = list(columns) or _usual(runs, [row for rows in logs for row in rows or ()])
    check_logged(runs, logs, selected or ["a loss or metric"])
    panels = list(dict.fromkeys(metric_name(name) for name in selected))
    labels = run_labels(runs)
    abreast = _legend_columns(labels, len(panels))
    rows = -(-len(runs) // abreast) if len(runs) > 1 else 0
    figure = new_figure(4.1 * len(panels) + (0.4 if len(panels) == 1 else 0), 3.5 + 0.21 * rows)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        _panel(axes, [name for name in selected if metric_name(name) == panel], labels, logs)
        if percentage_metric(panel):
            _majority(axes, runs)
    title = runs[0].record.model.name if len({run.record.model.name for run in runs}) == 1 else _MIXED
    if len(runs) == 1:
        grid[0].legend(frameon=False, fontsize=9, handlelength=1.6)
        heading(figure, f"{title}  ·  {runs[0].label}", caption(runs[0].record))
    else:
        parts = {name.partition("/")[0] for name in selected}
        figure.legend(
            *grid[0].get_legend_handles_labels(),
            loc="outside lower left",
            ncols=abreast,
            frameon=False,
            fontsize=9,
            title="thick: validation, thin: training" if {"train", "val"} <= parts else None,
            title_fontsize=8.5,
            alignment="left",
        )
        heading(figure, title if title == _MIXED else f"{title}  ·  {len(runs)} runs")
    return figure


def _legend_columns(labels: Sequence[str], panels: int) -> int:
    """As many as fit below the panels, at a twelfth of an inch per character."""
    room = 4.1 * panels
    return max(1, min(len(labels), int(room / (0.6 + max(map(len, labels), default=0) / 12))))


def _usual(runs: Sequence[Run], rows: Sequence[dict[str, float]]) -> list[str]:
    """Loss and metric; the metric alone if the loss has the same values."""
    names = {name for row in rows for name in row}
    metrics = dict.fromkeys(["loss", *(metric_name(run.record.metric) for run in runs)])
    if any(all(_same(row, metric) for row in rows) for metric in metrics if metric != "loss"):
        del metrics["loss"]
    return [f"{part}/{metric}" for metric in metrics for part in _PARTS if f"{part}/{metric}" in names]


def _same(row: dict[str, float], metric: str) -> bool:
    return all(
        f"{part}/{metric}" in row and row[f"{part}/{metric}"] == row[f"{part}/loss"]
        for part in _PARTS
        if f"{part}/loss" in row
    )


def _panel(
    axes: Axes,
    columns: Sequence[str],
    labels: Sequence[str],
    logs: Sequence[list[dict[str, float]] | None],
) -> None:
    """The columns of one metric, for each run."""
    from matplotlib.ticker import MaxNLocator

    plain_axes(axes)
    by_step = False
    alone = len(labels) == 1
    for number, (label, rows) in enumerate(zip(labels, logs, strict=True)):
        for column in columns:
            x, y, steps = _points(rows or [], column)
            if not x:
                continue
            by_step = by_step or steps
            part = column.partition("/")[0]
            marker = "o" if len(x) == 1 else ""
            if alone:
                colour = COLOURS[list(_PARTS).index(part)] if part in _PARTS else COLOURS[2]
                axes.plot(x, y, color=colour, marker=marker, label=_PARTS.get(part, part))
            else:
                thin = part == "train" and len(columns) > 1
                axes.plot(
                    x,
                    y,
                    color=COLOURS[number % len(COLOURS)],
                    linestyle=DASHES[number // len(COLOURS) % len(DASHES)],
                    linewidth=0.8 if thin else 1.9,
                    alpha=0.65 if thin else 1.0,
                    marker=marker,
                    label="_" if thin else label,
                )
            _mark_end(axes, x, y, alone)
    parts = {column.partition("/")[0] for column in columns}
    part = next(iter(parts))
    only = f", {_PARTS[part]}" if not alone and len(parts) == 1 and part in _PARTS else ""
    panel = metric_name(columns[0])
    axes.set_title(panel.replace("_", " ") + only)
    axes.set_xlabel("step" if by_step else "epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7, min_n_ticks=1))
    if by_step:
        axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
    elif axes.lines:
        axes.set_xlim(left=max(0.5, axes.get_xlim()[0]))  # there is no epoch 0
    if percentage_metric(panel):
        percent_ticks(axes)
    else:
        axes.yaxis.set_major_formatter(lambda value, _: f"{round(value, 12):,.10g}")


def _mark_end(axes: Axes, x: Sequence[float], y: Sequence[float], alone: bool) -> None:
    """Mark the last value before the loss became undefined; with a label if the run is alone."""
    ends = [n for n in range(1, len(y)) if math.isfinite(y[n - 1]) and not math.isfinite(y[n])]
    if not ends:
        return
    last = ends[0] - 1
    axes.plot(
        x[last], y[last], marker="X", markersize=7, color=axes.lines[-1].get_color(), label="_end", zorder=4
    )
    remark(axes, "undefined" if alone else "", (x[last], y[last]), (7, 0), va="center")


def _majority(axes: Axes, runs: Sequence[Run]) -> None:
    lines = {(base.label, base.accuracy) for run in runs if (base := run.record.baseline)}
    if len(lines) != 1:
        return
    _, accuracy = lines.pop()
    low, high = axes.get_ylim()
    text = f"majority class {accuracy:.1%} of the test part"
    if low - accuracy > _FAR * (high - low):
        # Showing the line would squeeze the curves to the upper edge.
        text += ": far below this panel"
        remark(axes, text, (1.0, 0.0), (0, 4), xycoords="axes fraction", ha="right")
        return
    line = level(axes, accuracy)
    right, above = _clear_place(axes, accuracy, line)
    remark(
        axes,
        text,
        (1.0 if right else 0.0, accuracy),
        (-3 if right else 3, 3 if above else -3),
        xycoords=("axes fraction", "data"),
        ha="right" if right else "left",
        va="bottom" if above else "top",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
        zorder=5,
    )


def _clear_place(axes: Axes, height: float, level: Line2D) -> tuple[bool, bool]:
    """The end and the side of a horizontal line that the fewest curves cross: (right, above)."""
    import numpy as np

    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    room, line = 0.62 * (right - left), 0.12 * (top - bottom)
    crossed = {}
    for at_right in (True, False):
        across = np.linspace(right - room, right, 50) if at_right else np.linspace(left, left + room, 50)
        drawn: list[Any] = [curve for curve in axes.lines if curve is not level]
        curves = [
            np.interp(across, curve.get_xdata(), curve.get_ydata(), left=np.nan, right=np.nan)
            for curve in drawn
            if len(curve.get_xdata()) > 1
        ]
        for above in (False, True):
            begin, end = sorted((height, height + (line if above else -line)))
            outside = end > top or begin < bottom
            crossed[at_right, above] = (
                outside,
                sum(int(((curve >= begin) & (curve <= end)).sum()) for curve in curves),
            )
    return min(crossed, key=lambda corner: crossed[corner])


def _points(rows: list[dict[str, float]], column: str) -> tuple[list[float], list[float], bool]:
    """Epochs counted from 1, or steps if an epoch has several values; the values; true for steps."""
    logged = [row for row in rows if column in row]
    epochs = [row.get("epoch", math.nan) for row in logged]
    by_step = len(set(epochs)) < len(epochs) and all("step" in row for row in logged)
    x = [row["step"] for row in logged] if by_step else [epoch + 1 for epoch in epochs]
    return x, [row[column] for row in logged], by_step
