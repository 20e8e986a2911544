"""The figure of charrnn: the smoothed loss over the updates, beside the published values."""

from __future__ import annotations

from collections.abc import Sequence
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

    The values of the report stand as points beside the runs that they apply to.

    Raises:
        RunError: If none of the runs logged it.
    """
    figure = new_figure(6.6, 3.8)
    axes = figure.subplots()
    plain_axes(axes)
    drawn = 0
    for number, run in enumerate(runs):
        rows = [row for row in run.metrics() if _COLUMN in row]
        if not rows:
            continue
        drawn += 1
        options = run.record.options
        updates = run.record.splits["train"] // int(str(options.dataset.get("streams", 1)))
        axes.plot(
            [(row["epoch"] + 1) * updates for row in rows],
            [row[_COLUMN] for row in rows],
            color=COLOURS[number % len(COLOURS)],
            linestyle=DASHES[number // len(COLOURS) % len(DASHES)],
            marker="o" if len(rows) == 1 else "",
            label=f"{run.label}: {options.model.get('hidden')} units, {options.model.get('cell')}",
        )
    if not drawn:
        raise RunError(f"No run of these logged {_COLUMN}.")
    beside = [run for run in runs if run.record.reference and run.record.reference.metric == _COLUMN]
    widths = {run.record.options.model["hidden"] for run in beside}
    for reference, marker in zip(CHARRNN.references, ("D", "s"), strict=True):
        width = reference.options["hidden"]
        if width in widths:
            axes.plot(
                PUBLISHED_UPDATES[width],
                reference.metrics[_COLUMN],
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
    heading(figure, CHARRNN.name, runs[0].record.dataset.name)
    return figure
