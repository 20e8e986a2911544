"""Predicted against observed vote fractions, question by question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from galaxynet.errors import DataError, RunError
from galaxynet.evaluation.vote_shares import VotedTest
from galaxynet.evaluation.votes import rmse
from galaxynet.report.figures.style import COLOURS, FAINT, GRID, heading, new_figure, remark
from galaxynet.runs.votes import VOTES, Votes
from galaxynet.vote_tree import VoteQuestion, VoteTree

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from galaxynet.runs import Run

_COLUMNS = 4
_PANEL = 2.55
_MOST_QUESTIONS = 40
_MOST_POINTS = 2000
_LONGEST = 22


def voted_test(run: Run) -> VotedTest:
    """The votes of a run's test set.

    Raises:
        RunError: If the run has no votes.
    """
    import numpy as np

    try:
        tree = VoteTree.from_dict(run.record.vote_tree)
    except DataError as error:
        raise RunError(f"The record of the run {run.label} has no questions: {error.message}") from None
    votes = Votes.read(run.path / VOTES)
    if tuple(votes.columns) != tree.columns or len(tree.questions) > _MOST_QUESTIONS:
        raise RunError(f"{run.path / VOTES} does not fit the questions of the run.")
    if not len(votes.ids):
        raise RunError(f"The run {run.label} has no predictions: its test set is empty.")
    return VotedTest(tree, votes.ids, np.array(votes.observed), np.array(votes.predicted))


def draw_panels(test: VotedTest, title: str, subtitle: str) -> Figure:
    """A panel for each question: the volunteers' fractions across, the network's upwards.

    Above each panel is the error of the network and, in brackets, that of the best constant answer.
    """
    tree, observed, predicted = test.tree, test.observed, test.predicted
    rows = -(-len(tree.questions) // _COLUMNS)
    columns = min(_COLUMNS, len(tree.questions))
    figure = new_figure(columns * _PANEL + 0.4, rows * (_PANEL + 0.35) + 0.9)
    panels = figure.subplots(rows, columns, squeeze=False).flatten().tolist()
    for axes, question, part in zip(panels, tree.questions, tree.slices, strict=False):
        _draw(axes, question, observed[:, part], predicted[:, part])
    for axes in panels[len(tree.questions) :]:
        axes.set_axis_off()
    for index in range(0, len(tree.questions), columns):
        panels[index].set_ylabel("network")
    for axes in panels[max(0, len(tree.questions) - columns) : len(tree.questions)]:
        axes.set_xlabel("volunteers")
    heading(figure, title, subtitle)
    return figure


def _draw(
    axes: Axes,
    question: VoteQuestion,
    observed: npt.NDArray[np.float64],
    predicted: npt.NDArray[np.float64],
) -> None:
    import numpy as np

    known = ~np.isnan(observed).any(axis=1)
    shown = np.flatnonzero(known)[:: max(1, int(known.sum()) // _MOST_POINTS)]
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, zorder=1)
    for index, answer in enumerate(question.answers):
        points: Any = axes.scatter(
            observed[shown, index],
            predicted[shown, index],
            s=5,
            alpha=0.45,
            linewidths=0,
            color=COLOURS[index % len(COLOURS)],
            label=(answer.text or answer.column)[:_LONGEST],
            zorder=2,
        )
        # As an image in an SVG: tens of thousands of circles are slow to show.
        points.set_rasterized(True)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=2, labelsize=8)
    if known.any():
        constant = np.nanmean(observed, axis=0, keepdims=True)
        errors = f"rmse {rmse(observed, predicted):.3f} (best constant {rmse(observed, constant):.3f})"
    else:
        errors = "no votes known"
    name = question.name.replace("_", " ")
    axes.set_title(name, fontsize=9, pad=14)
    remark(axes, errors, (0, 1), (0, 4), xycoords="axes fraction", fontsize=7.5)
    axes.legend(
        fontsize=6.5,
        loc="upper left",
        frameon=False,
        handletextpad=0.1,
        borderpad=0.1,
        labelspacing=0.2,
        markerscale=1.8,
        borderaxespad=0.2,
    )
