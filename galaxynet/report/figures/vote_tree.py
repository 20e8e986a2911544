"""The tree of questions: how often each answer is given, by the volunteers and by the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from galaxynet.evaluation.vote_shares import VotedTest
from galaxynet.evaluation.votes import rmse
from galaxynet.report.figures.style import COLOURS, FAINT, INK, heading, new_figure
from galaxynet.vote_tree import VoteTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _GAP = 1.0, 0.16
"""Of a box, and between two levels of the tree."""
_HEADER, _SPACE = 2.3, 0.9
"""Rows of a box above its answers, and between two boxes."""
_LEVEL_INCHES, _ROW_INCHES = 3.1, 0.205
_BAR, _BAR_WIDTH = 0.49, 0.25
"""Where the bars of a box begin, and how long one of 100 % is."""
_LONGEST = 21


@dataclass(frozen=True)
class _Box:
    """Where a question is drawn: its level from the left, and its upper edge in rows from the top."""

    level: int
    top: float

    @property
    def left(self) -> float:
        return self.level * (_WIDTH + _GAP)

    def row(self, number: int) -> float:
        """The middle of an answer's row."""
        return self.top + _HEADER + number + 0.5


def draw_tree(test: VotedTest, title: str, subtitle: str) -> Figure:
    """Each question as a box with its error and, for each answer, the mean fraction of all volunteers.

    A line leads from an answer to the question that it leads to.
    """
    tree = test.tree
    boxes = _placed(tree)
    levels = 1 + max(box.level for box in boxes)
    rows = max(box.row(len(q.answers)) for box, q in zip(boxes, tree.questions, strict=True)) + 0.4
    figure = new_figure(levels * _LEVEL_INCHES + 0.3, rows * _ROW_INCHES + 1.1)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(-0.01, levels * (_WIDTH + _GAP) - _GAP + 0.01)
    axes.set_ylim(rows, -1.6)
    for number, part in enumerate(tree.slices):
        _draw_box(axes, test, number, part, boxes[number])
    owner = [number for number, size in enumerate(tree.sizes) for _ in range(size)]
    for box, parent in zip(boxes, tree.parents, strict=True):
        if parent is not None:
            start = boxes[owner[parent]]
            y = start.row(parent - tree.slices[owner[parent]].start)
            _connect(axes, (start.left + _WIDTH, y), (box.left, box.top + _HEADER / 2))
    for x, colour, name in ((0.0, FAINT, "volunteers"), (0.33, COLOURS[0], "network")):
        axes.barh(-1.1, 0.05, 0.45, left=x, color=colour)
        axes.text(x + 0.065, -1.1, name, va="center", fontsize=8.5)
    axes.text(0.6, -1.1, "mean fractions of all volunteers, in %", va="center", fontsize=8.5, color=FAINT)
    heading(figure, title, subtitle)
    return figure


def _placed(tree: VoteTree) -> list[_Box]:
    """A box for each question: in the level after its parent's, ordered as the answers that lead there."""
    owner = [number for number, size in enumerate(tree.sizes) for _ in range(size)]
    level: dict[int, int] = {}
    for number in tree.order:
        parent = tree.parents[number]
        level[number] = 0 if parent is None else level[owner[parent]] + 1
    heights = [_HEADER + size + _SPACE for size in tree.sizes]
    columns: list[list[int]] = []
    for depth in range(1 + max(level.values())):
        above = columns[-1] if columns else []

        def position(number: int, above: Sequence[int] = above) -> tuple[int, int]:
            parent = tree.parents[number]
            return (0, number) if parent is None else (above.index(owner[parent]), parent)

        columns.append(sorted((n for n in level if level[n] == depth), key=lambda n: (*position(n), n)))
    tallest = max(sum(heights[n] for n in column) for column in columns)
    boxes: dict[int, _Box] = {}
    for depth, column in enumerate(columns):
        top = (tallest - sum(heights[n] for n in column)) / 2
        for number in column:
            boxes[number] = _Box(depth, top)
            top += heights[number]
    return [boxes[number] for number in range(len(tree.questions))]


def _draw_box(axes: Axes, test: VotedTest, number: int, part: slice, box: _Box) -> None:
    import numpy as np
    from matplotlib.patches import FancyBboxPatch

    question = test.tree.questions[number]
    known = ~np.isnan(test.observed[:, part]).any(axis=1)
    observed, predicted = test.observed[known, part], test.predicted[known, part]
    frame = FancyBboxPatch(
        (box.left, box.top), _WIDTH, _HEADER + len(question.answers) + 0.15,
        boxstyle="round,pad=0,rounding_size=0.02", facecolor="#f7f9fb", edgecolor="#9aa5b1", linewidth=0.8,
        mutation_aspect=14,
    )  # fmt: skip
    axes.add_patch(frame)
    axes.text(
        box.left + 0.02, box.top + 0.7, question.name.replace("_", " "), va="center", fontsize=9.5,
        fontweight="bold",
    )  # fmt: skip
    if not known.any():
        note = "no votes known"
    else:
        constant = rmse(observed, observed.mean(axis=0, keepdims=True))
        note = (
            f"rmse {rmse(observed, predicted):.3f}, best constant {constant:.3f}, {len(observed):,} samples"
        )
    axes.text(box.left + 0.02, box.top + 1.7, note, va="center", fontsize=7.5, color=FAINT)
    for index, answer in enumerate(question.answers):
        y = box.row(index)
        text = answer.text or answer.column
        shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
        axes.text(box.left + 0.02, y, shown, va="center", fontsize=8.5, color=INK)
        if not known.any():
            continue
        means = observed[:, index].mean(), predicted[:, index].mean()
        for mean, offset, colour in zip(means, (-0.2, 0.2), (FAINT, COLOURS[0]), strict=True):
            axes.barh(y + offset, mean * _BAR_WIDTH, 0.36, left=box.left + _BAR, color=colour)
        numbers = f"{100 * means[0]:.1f}", f"{100 * means[1]:.1f}"
        for x, words, colour in zip((0.87, 0.985), numbers, (FAINT, COLOURS[0]), strict=True):
            axes.text(box.left + x, y, words, va="center", ha="right", fontsize=8, color=colour)


def _connect(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    middle = (start[0] + end[0]) / 2
    path = Path(
        [start, (middle, start[1]), (middle, end[1]), end],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    axes.add_patch(PathPatch(path, fill=False, edgecolor="#9aa5b1", linewidth=1.1, zorder=0))
