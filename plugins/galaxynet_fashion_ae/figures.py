"""Originals over decodings, for one run or several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from galaxynet.errors import RunError
from galaxynet.report.figures.style import FAINT, INK, heading, new_figure
from galaxynet.runs.reconstructions import RECONSTRUCTIONS, ReconstructedSamples

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from galaxynet.runs import Run

_SHOWN = 10
_MOST_RUNS = 12
# Inches: an image, the gap between two, the margin of the figure, and the space above and below the images.
_CELL, _BETWEEN, _MARGIN, _ABOVE, _BELOW = 0.68, 0.04, 0.1, 0.53, 0.32


def reconstructions(runs: Sequence[Run]) -> Figure:
    """Ten test images, and below them their reconstructions by each run.

    The figure shows the first test image of each class, or the first ten if there are no classes. Grey levels
    run from black, 0, to white, 255; values beyond are clipped.

    Args:
        runs: One to twelve runs that were tested on the same images.

    Raises:
        RunError: If there are more, a run has no reconstructions, or they are of different images.
    """
    if len(runs) > _MOST_RUNS:
        raise RunError(f"{len(runs)} runs are too many for one figure.", f"Name up to {_MOST_RUNS}.")
    all_samples = [ReconstructedSamples.read(run.path / RECONSTRUCTIONS) for run in runs]
    first = all_samples[0]
    for run, samples in zip(runs, all_samples, strict=True):
        same = list(samples.ids) == list(first.ids) and samples.originals.shape == first.originals.shape
        if not same or run.record.dataset.name != runs[0].record.dataset.name:
            raise RunError(
                f"The runs {runs[0].label} and {run.label} were tested on different images.",
                "Draw runs together that were trained on the same dataset.",
            )
    indices = _one_of_each(first.classes)
    number = len(indices)
    figure = new_figure(1.0, 1.0)
    figure.set_layout_engine(
        "none"
    )  # all sizes are known but that of the names, and the gaps have to be equal
    grid = figure.subplots(len(runs) + 1, number, squeeze=False)
    for axes, index in zip(grid[0], indices, strict=True):
        _show(axes, first.originals[index])
        axes.set_title(
            first.classes[index], fontsize=7, fontweight="normal", loc="center", color=FAINT, pad=3
        )
    _name(grid[0][0], "original", "")
    for row, run, samples in zip(grid[1:], runs, all_samples, strict=True):
        for axes, index in zip(row, indices, strict=True):
            _show(axes, samples.decodings[index])
        _name(row[0], *_words(run, several=len(runs) > 1))
    models = list(dict.fromkeys(run.record.model.name for run in runs))
    what = runs[0].label if len(runs) == 1 else f"{len(runs)} runs"
    heading(
        figure,
        f"{', '.join(models)}  ·  {what}",
        f"{runs[0].record.dataset.name}, test images; mse in grey levels squared",
    )
    _place(figure, grid)
    return figure


def _place(figure: Figure, grid: npt.NDArray[Any]) -> None:
    """Give all images the same size and spacing, and the labels the space that they need."""
    rows, columns = grid.shape
    title, footer = figure.texts
    named = max(
        text.get_window_extent().width for row in grid for text in (row[0].yaxis.label, *row[0].texts)
    )
    left = _MARGIN + named / figure.dpi + 0.1
    widest = max(text.get_window_extent().width for text in (title, footer)) / figure.dpi + 2 * _MARGIN
    width = max(left + columns * (_CELL + _BETWEEN) + _MARGIN, widest)
    height = _ABOVE + rows * (_CELL + _BETWEEN) + _BELOW
    figure.set_size_inches(width, height)
    for number, row in enumerate(grid):
        bottom = height - _ABOVE - (number + 1) * _CELL - number * _BETWEEN
        for column, axes in enumerate(row):
            across = left + column * (_CELL + _BETWEEN)
            axes.set_position((across / width, bottom / height, _CELL / width, _CELL / height))
    title.set_position((_MARGIN / width, 1 - _MARGIN / height))
    footer.set_position((_MARGIN / width, _MARGIN / height))


def _one_of_each(classes: Sequence[str]) -> list[int]:
    first_index = {name: index for index, name in reversed(list(enumerate(classes))) if name}
    return sorted(first_index.values() if first_index else range(len(classes)))[:_SHOWN]


def _words(run: Run, several: bool) -> tuple[str, str]:
    """The label of a row: the size of the code, or the run's name; and its error."""
    options = run.record.options.model
    code = f"code {options['code']}" if "code" in options else run.label
    mse = run.record.metrics.get("test/mse")
    second = [run.label] if several and code != run.label else []
    second += [] if mse is None else [f"mse {mse:,.0f}"]
    return code, "\n".join(second)


def _show(axes: Axes, sample: npt.NDArray[np.float32]) -> None:
    """A gray image of shape (1, height, width), or a colour one of shape (3, height, width)."""
    channels = sample.shape[0]
    if channels == 3:
        axes.imshow((sample.transpose(1, 2, 0) / 255).clip(0, 1), interpolation="nearest")
    else:
        axes.imshow(sample[0], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def _name(axes: Axes, first: str, second: str) -> None:
    label = axes.set_ylabel(first, rotation=0, ha="right", va="center", fontsize=9.5, color=INK, labelpad=6)
    label.set_y(0.5 if not second else 0.66)
    if second:
        axes.annotate(
            second,
            (0, 0.36),
            xycoords="axes fraction",
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=7.5,
            color=FAINT,
        )
