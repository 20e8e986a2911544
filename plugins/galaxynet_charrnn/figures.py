"""The figure of charrnn: the smoothed loss over the updates, with the published values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from galaxynet.errors import RunError
from galaxynet.report.figures.style import COLOURS, DASHES, INK, heading, new_figure, plain_axes
from galaxynet_charrnn import CHARRNN, PUBLISHED_UPDATES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from galaxynet.runs import Run

_COLUMN = "train/smooth_loss"


def smooth_loss(runs: Sequence[Run]) -> Figure:
    """min-char-rnn's smoothed loss (nats, summed over a sequence) of one or several runs over the updates.

    The report's values are drawn as points if a run that they apply to was trained that long.

    Raises:
        RunError: If none of the runs logged it.
    """
    figure = new_figure(6.6, 3.8)
    axes = figure.subplots()
    plain_axes(axes)
    drawn: list[Run] = []
    widths: set[int] = set()
    for number, run in enumerate(runs):
        rows = [row for row in run.metrics() if _COLUMN in row]
        if not rows:
            continue
        drawn.append(run)
        options, reference = run.record.options, run.record.reference
        updates = run.record.splits["train"] // int(str(options.dataset.get("streams", 1)))
        updates_done = [(row["epoch"] + 1) * updates for row in rows]
        width = int(str(options.model["hidden"]))
        if (
            reference
            and reference.metric == _COLUMN
            and updates_done[-1] >= PUBLISHED_UPDATES.get(width, math.inf)
        ):
            widths.add(width)
        axes.plot(
            updates_done,
            [row[_COLUMN] for row in rows],
            color=COLOURS[number % len(COLOURS)],
            linestyle=DASHES[number // len(COLOURS) % len(DASHES)],
            marker="o" if len(rows) == 1 else "",
            label=f"{run.label}: {width} units, {options.model.get('cell')}",
        )
    if not drawn:
        raise RunError(f"No run of these logged {_COLUMN}.")
    for published, marker in zip(CHARRNN.references, ("D", "s"), strict=True):
        width = published.options["hidden"]
        if width in widths:
            axes.plot(
                PUBLISHED_UPDATES[width],
                published.metrics[_COLUMN],
                marker,
                color=INK,
                markerfacecolor="none",
                markersize=6,
                label=f"2019 student report: {width} units",
            )
    axes.margins(x=0.02)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("updates of the weights")
    axes.set_ylabel("smoothed loss, nats a sequence")
    axes.legend(frameon=False, fontsize=9)
    what = drawn[0].label if len(drawn) == 1 else f"{len(drawn)} runs"
    heading(figure, f"{CHARRNN.name}  ·  {what}", _texts(drawn))
    return figure


def _texts(runs: Sequence[Run]) -> str:
    """The texts that were read, without repetition: the dataset, and the file name of a user's own text."""
    texts = []
    for run in runs:
        file = run.record.options.dataset.get("file")
        texts.append(run.record.dataset.name + (f" {Path(str(file)).name}" if file else ""))
    return ", ".join(dict.fromkeys(texts))
