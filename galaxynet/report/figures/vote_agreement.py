"""Accuracy of the answers with the most votes, by how far the volunteers agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from galaxynet.evaluation.vote_agreement import (
    AGREEMENTS,
    AgreementScore,
    MarginScore,
    agreement_scores,
    margin_scores,
)
from galaxynet.evaluation.vote_shares import VotedTest
from galaxynet.report.figures.style import COLOURS, DASHES, INK, heading, new_figure, plain_axes, remark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AGREED = 0.8
"""The agreement for which the samples are said."""

_FEWEST = 10
"""Samples below which an accuracy is not drawn: its interval covers most of the panel."""


def draw_agreement(test: VotedTest, title: str, subtitle: str) -> Figure:
    """Left: a curve for each question, over the agreement; right: the plurality, over the margin."""
    figure = new_figure(11.5, 5.6)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    scores = agreement_scores(test.tree, test.observed, test.predicted)
    lowest = 1.0
    for number, question in enumerate(test.tree.questions):
        parts = [part for part in scores[question.name] if part.accuracy.samples >= _FEWEST]
        if parts:
            lowest = min(lowest, *(part.accuracy.value or 0.0 for part in parts))
            _curve(left, question.name.replace("_", " "), parts, number)
    left.set_xticks(AGREEMENTS, [f"{100 * least:.0f}%" for least in AGREEMENTS])
    left.set_xlabel("volunteers who agree, of those asked, at least")
    left.set_title("most frequent answer of a question")
    left.set_ylabel("accuracy")
    left.set_ylim(max(0.0, lowest - 0.08), 1.004)
    left.legend(
        frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1.02), handlelength=3.2,
        title=f"question (samples at {100 * AGREED:.0f}%)", title_fontsize=8, alignment="left",
    )  # fmt: skip
    _margins(right, margin_scores(test.tree, test.observed, test.predicted))
    for axes in (left, right):
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}%")
        plain_axes(axes)
    heading(figure, title, subtitle)
    return figure


def _curve(axes: Axes, name: str, parts: Sequence[AgreementScore], number: int) -> None:
    """One question; the first one with its intervals."""
    samples = next((part.accuracy.samples for part in parts if part.least == AGREED), 0)
    colour = COLOURS[number % len(COLOURS)]
    x = [part.least for part in parts]
    axes.plot(
        x,
        [part.accuracy.value or 0.0 for part in parts],
        color=colour,
        linestyle=DASHES[number // len(COLOURS) % len(DASHES)],
        linewidth=2.6 if number == 0 else 1.4,
        marker="o",
        markersize=5 if number == 0 else 3.5,
        label=f"{name} ({samples:,})",
        zorder=3 if number == 0 else 2,
        clip_on=False,
    )
    if number == 0:
        ends = [part.accuracy.interval or (0.0, 1.0) for part in parts]
        axes.fill_between(
            x, [e[0] for e in ends], [e[1] for e in ends], color=colour, alpha=0.13, linewidth=0
        )


def _margins(axes: Axes, scores: Sequence[MarginScore]) -> None:
    for at, part in enumerate(scores):
        low, high = part.accuracy.interval or (0.0, 1.0)
        value = part.accuracy.value or 0.0
        axes.bar(at, value, width=0.7, color=COLOURS[0], alpha=0.85)
        axes.plot([at, at], [low, high], color="black", linewidth=1.1)
        remark(axes, f"{100 * value:.0f}%", (at, high), (0, 3), ha="center", fontsize=8.5, color=INK)
        remark(axes, f"{part.accuracy.samples:,}", (at, 0), (0, 3), ha="center", color="white")
    axes.set_xticks(range(len(scores)), [f"{part.low:g} to {part.high:g}" for part in scores], fontsize=8)
    axes.set_ylim(0, 1.1)
    axes.set_xlabel("margin between the two largest answers\n(in the bars: samples)")
    axes.set_title("answer with the most votes of all")
