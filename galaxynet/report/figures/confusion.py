"""The confusion matrix of a classifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from galaxynet.errors import RunError
from galaxynet.report.figures.style import FAINT, INK, heading, legible, new_figure
from galaxynet.report.wording import headings
from galaxynet.runs.folder import PREDICTIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from galaxynet.runs import Predictions, Run

_MAX_CLASSES = 200
_SIZES = ((8, 0.78, 9.5), (12, 0.62, 8), (20, 0.46, 6), (_MAX_CLASSES, 0.22, 0))
"""For up to that many classes: the side of a cell in inches, and the font size of its numbers; 0 for none."""
_MAX_NAME_LENGTH = 40


def confusion_matrix(run: Run) -> Figure:
    """Counts of a run's test set: a row for each true class, a column for each answer.

    The colour is the share of the row, so that rare classes are as visible as frequent ones.

    Raises:
        RunError: If the run has no predictions or too many classes.
    """
    predictions = run.predictions()
    if not len(predictions):
        raise RunError(f"The run {run.label} has no predictions: its test set is empty.")
    classes = class_names(run, predictions)
    try:
        return draw_confusion(classes, count(predictions, classes), *headings(run))
    except RunError as error:
        raise RunError(
            error.message, f"{error.hint} The predictions are in {run.path / PREDICTIONS}."
        ) from None


def draw_confusion(
    classes: Sequence[str], counts: Sequence[Sequence[int]], title: str, subtitle: str
) -> Figure:
    """Draw a confusion matrix.

    Args:
        classes: Names of the classes.
        counts: Samples of each true class (row) and each answer (column).
        title: The heading.
        subtitle: The line below.

    Raises:
        RunError: If there are too many classes.
    """
    if len(classes) > _MAX_CLASSES:
        raise RunError(
            f"A confusion matrix of {len(classes):,} classes is unreadable.", f"The limit is {_MAX_CLASSES}."
        )
    figure = _draw([legible(name.replace("\n", " "), _MAX_NAME_LENGTH) for name in classes], counts)
    heading(figure, title, subtitle)
    return figure


def class_names(run: Run, predictions: Predictions) -> list[str]:
    """The record's classes in their order, then other classes of the file."""
    seen = {*predictions.labels, *predictions.predictions}
    return [*run.record.classes, *sorted(seen - set(run.record.classes))]


def count(predictions: Predictions, classes: Sequence[str]) -> list[list[int]]:
    """Number of samples for each true class (row) and each answer (column)."""
    pairs = Counter(zip(predictions.labels, predictions.predictions, strict=True))
    return [[pairs[truth, answer] for answer in classes] for truth in classes]


def _draw(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Figure:
    from matplotlib.colors import LinearSegmentedColormap

    number = len(classes)
    totals = [sum(row) for row in counts]
    shares = [
        [cell / total if total else 0.0 for cell in row] for row, total in zip(counts, totals, strict=True)
    ]
    cell, size = next((cell, size) for most, cell, size in _SIZES if number <= most)
    longest = max(map(len, classes))
    side = cell * number
    figure = new_figure(max(4.4, side + 0.075 * longest + 1.9), max(3.4, side + 1.7))
    axes = figure.subplots()
    blues = LinearSegmentedColormap.from_list(
        "galaxynet", ["#f7f9fb", "#bcd7ea", "#5b9ec9", "#0072B2", "#04385c"]
    )
    axes.imshow(shares, cmap=blues, vmin=0, vmax=1)
    upright = longest <= (9 if number <= 8 else 6) and number <= 12
    ticks = range(number)
    axes.set_xticks(
        ticks,
        classes,
        rotation=0 if upright else 40,
        ha="center" if upright else "right",
        rotation_mode="anchor" if not upright else "default",
    )
    axes.set_yticks(ticks, [f"{name}  ({total:,})" for name, total in zip(classes, totals, strict=True)])
    axes.set_xlabel("answer")
    axes.set_ylabel("true class (samples)")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks([tick - 0.5 for tick in range(1, number)], minor=True)
    axes.set_yticks([tick - 0.5 for tick in range(1, number)], minor=True)
    axes.grid(which="minor", color="white", linewidth=2 if number <= 12 else 1)
    axes.tick_params(which="minor", length=0)
    if not size:
        return figure
    write = partial(axes.text, ha="center", va="center")
    for row in ticks:
        for column in ticks:
            if not counts[row][column]:
                write(column, row, "·", color="#b3bcc5", fontsize=size)
                continue
            share = shares[row][column]
            words = _percent(share)
            if words:
                colour = "white" if share > 0.45 else INK
                weight = "bold" if row == column else "normal"
                write(column, row - 0.1, words, color=colour, fontsize=size + 1, fontweight=weight)
            colour = "#e6eef5" if share > 0.45 else INK if share > 0.25 else FAINT
            number_row = row + 0.2 if words else row
            write(column, number_row, f"{counts[row][column]:,}", color=colour, fontsize=size - 1.5)
    return figure


def _percent(share: float) -> str:
    """Whole per cent; empty below one half, where the count says more; 100 only for all."""
    if share < 0.005:
        return ""
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"
