"""The figure of charrnn: the smoothed loss over the updates, beside the published values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from galaxynet.errors import RunError
from galaxynet.report.figures.style import COLOURS, DASHES, FAINT, heading, new_figure, plain_axes
from galaxynet_charrnn import CHARRNN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from galaxynet.runs import Run

_COLUMN = "train/smooth_loss"


def smooth_loss(runs: Sequence[Run]) -> Figure:
    """min-char-rnn's smoothed loss (nats, summed over a sequence) of one or several runs over the updates.

    Raises:
        RunError: If none of the runs logged it.
    """
    figure = new_figure(5.4, 3.5)
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
    widths = {run.record.options.model.get("hidden") for run in runs}
    for reference in CHARRNN.references:
        if reference.options["hidden"] in widths:
            axes.axhline(
                reference.metrics[_COLUMN], color=FAINT, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1
            )
            axes.annotate(
                f"{reference.options['hidden']} units, {reference.source}",
                (1.0, reference.metrics[_COLUMN]),
                xycoords=("axes fraction", "data"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="right",
                fontsize=8,
                color=FAINT,
            )
    axes.set_xlabel("updates of the weights")
    axes.set_ylabel("smoothed loss, nats a sequence")
    axes.legend(frameon=False, fontsize=9)
    heading(figure, CHARRNN.name, runs[0].record.dataset.name)
    return figure
