"""An evaluation of vote fractions as tables for a reader, and as rows for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from galaxynet.evaluation.vote_intervals import CONFIDENCE, VOLUNTEERS
from galaxynet.evaluation.vote_scores import QuestionScore, VoteScores
from galaxynet.report.evaluation_cells import percent, share_cells, share_figures, text_table
from galaxynet.report.table import Table
from galaxynet.report.wording import NONE, show_interval

_INTERVALS = f"{CONFIDENCE:.0%} intervals that hold the votes"


def summary_rows(votes: VoteScores) -> list[tuple[str, str, str, str]]:
    """The first rows of the summary: a name, a value, its 95 % interval, samples."""
    samples = f"{len(votes.test.ids):,}"
    rows = [("rmse", f"{votes.rmse:.4f}", f"{votes.low:.4f} to {votes.high:.4f}", samples)]
    if votes.mean_row is not None:
        rows.append(("always the mean row of the training", f"{votes.mean_row:.4f}", "", samples))
    for derived in votes.derived:
        rows.append((f"accuracy, {derived.name}", *share_cells(derived.accuracy)))
        rows.append((f"always {derived.majority[0]}", *share_cells(derived.majority[1])))
    if votes.intervals is not None:
        score = votes.intervals
        ends = show_interval((score.low, score.high))
        rows.append((_INTERVALS, percent(score.coverage), ends, f"{score.samples:,}"))
    return rows


def vote_notes(votes: VoteScores) -> list[str]:
    """What is to be said besides the figures."""
    notes = []
    if votes.unknown:
        total = votes.known + votes.unknown
        notes.append(f"{votes.unknown:,} of {total:,} vote fractions are unknown, and do not count")
    if votes.intervals is not None:
        notes.append(f"the intervals assume {VOLUNTEERS} volunteers for each sample")
    return notes


def vote_tables(votes: VoteScores, width: int | None) -> list[Table]:
    """The tables.

    Args:
        votes: The scores.
        width: Terminal cells in a line; None to show everything.
    """
    tables = [_questions(votes), _agreement(votes, everything=width is None), _margin(votes)]
    if width is None:
        tables.append(_calibration(votes))
    return [table for table in tables if table.lines]


def vote_rows(votes: VoteScores, data: str) -> Iterator[tuple[Any, ...]]:
    """Every figure as a tuple of figure, of, value, low, high, count and samples."""
    samples = len(votes.test.ids)
    yield "rmse", data, votes.rmse, votes.low, votes.high, votes.known, samples
    if votes.mean_row is not None:
        yield "rmse of the mean row of the training", data, votes.mean_row, None, None, votes.known, samples
    for derived in votes.derived:
        yield "accuracy", derived.name, *share_figures(derived.accuracy)
        name, share = derived.majority
        yield f"always {name}", derived.name, *share_figures(share)
    scores = [(data, votes.intervals), *((q.name, q.intervals) for q in votes.questions)]
    for name, score in scores:
        if score is not None:
            ends = score.low, score.high
            yield f"coverage of {CONFIDENCE:.0%} intervals", name, score.coverage, *ends, None, score.samples
            yield "width of intervals", name, score.width, None, None, None, score.samples
    for question in votes.questions:
        if question.rmse is not None:
            yield "rmse", question.name, question.rmse, None, None, None, question.samples
            yield (
                "rmse of the best constant",
                question.name,
                question.constant,
                None,
                None,
                None,
                (question.samples),
            )
            yield (
                "calibration error",
                question.name,
                question.calibration,
                None,
                None,
                None,
                (question.samples),
            )
        for part in question.bins:
            yield (
                f"observed at predicted {part.predicted:.3f}",
                question.name,
                part.observed,
                None,
                None,
                (part.answers),
                question.samples,
            )
        for agreed in question.agreement:
            yield f"accuracy where {agreed.least:.0%} agree", question.name, *share_figures(agreed.accuracy)
    for margin in votes.margin:
        yield (
            f"accuracy at margin {margin.low:g} to {margin.high:g}",
            "plurality",
            *share_figures(margin.accuracy),
        )


def _questions(votes: VoteScores) -> Table:
    rows = [
        (
            question.name,
            f"{question.samples:,}",
            _number(question.rmse),
            _number(question.constant),
            _number(question.calibration),
            NONE if question.intervals is None else percent(question.intervals.coverage),
            NONE if question.intervals is None else f"{question.intervals.width:.2f}",
            NONE if question.intervals is None else f"{question.intervals.samples:,}",
        )
        for question in votes.questions
    ]
    titles = ("question", "samples", "rmse", "constant", "calib.", "coverage", "width", "of")
    footer = [
        "constant: rmse of the best constant answer on these samples; calib.: calibration error of the "
        f"fractions; coverage: {_INTERVALS}, of the samples in the last column, and their width"
    ]
    return text_table("Questions", titles, rows, footer)


def _agreement(votes: VoteScores, *, everything: bool) -> Table:
    """Of all questions, or of those that everyone is asked."""
    rows = [
        (question.name, f"{part.least:.0%}", *_turned(share_cells(part.accuracy)))
        for question in votes.questions
        if everything or _is_for_everyone(votes, question)
        for part in question.agreement
    ]
    titles = ("question", "agree at least", "samples", "accuracy", "95 % interval")
    footer = [] if everything else ["--format markdown, html or csv have the other questions"]
    return text_table("Accuracy where the volunteers agree", titles, rows, footer)


def _margin(votes: VoteScores) -> Table:
    rows = [
        (f"{margin.low:g} to {margin.high:g}", *_turned(share_cells(margin.accuracy)))
        for margin in votes.margin
    ]
    titles = ("margin", "samples", "accuracy", "95 % interval")
    return text_table("Plurality by the margin between the two largest answers", titles, rows)


def _calibration(votes: VoteScores) -> Table:
    rows = [
        (question.name, f"{part.predicted:.3f}", f"{part.observed:.3f}", f"{part.answers:,}")
        for question in votes.questions
        for part in question.bins
    ]
    titles = ("question", "mean predicted", "mean observed", "answers")
    return text_table("Calibration of the fractions", titles, rows)


def _is_for_everyone(votes: VoteScores, question: QuestionScore) -> bool:
    return any(q.asked_of is None and q.name == question.name for q in votes.test.tree.questions)


def _turned(cells: tuple[str, str, str]) -> tuple[str, str, str]:
    """With the samples first."""
    value, interval, samples = cells
    return samples, value, interval


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.4f}"
