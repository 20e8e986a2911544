"""An evaluation of vote fractions as tables for a reader."""

from __future__ import annotations

from galaxynet.evaluation.vote_intervals import CONFIDENCE, VOLUNTEERS
from galaxynet.evaluation.vote_scores import QuestionScore, VoteScores
from galaxynet.report.table import Table, text_table
from galaxynet.report.wording import NONE, share_cells, show_interval, show_share

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
        rows.append((_INTERVALS, show_share(score.coverage), ends, f"{score.samples:,}"))
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


def _questions(votes: VoteScores) -> Table:
    rows = [
        (
            question.name,
            f"{question.samples:,}",
            _number(question.rmse),
            _number(question.constant),
            _number(question.calibration),
            NONE if question.intervals is None else show_share(question.intervals.coverage),
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
    return text_table(titles, rows, title="Questions", footer=footer)


def _agreement(votes: VoteScores, *, everything: bool) -> Table:
    """Of all questions, or of those that everyone is asked."""
    rows = [
        (question.name, f"{part.least:.0%}", *_turned(share_cells(part.accuracy)))
        for question in votes.questions
        if everything or _is_for_everyone(votes, question)
        for part in question.agreement
    ]
    titles = ("question", "agree at least", "samples", "accuracy", "95% interval")
    footer = [] if everything else ["--format markdown, html or csv have the other questions"]
    return text_table(titles, rows, title="Accuracy where the volunteers agree", footer=footer)


def _margin(votes: VoteScores) -> Table:
    rows = [
        (f"{margin.low:g} to {margin.high:g}", *_turned(share_cells(margin.accuracy)))
        for margin in votes.margin
    ]
    titles = ("margin", "samples", "accuracy", "95% interval")
    return text_table(titles, rows, title="Plurality by the margin between the two largest answers")


def _calibration(votes: VoteScores) -> Table:
    rows = [
        (question.name, f"{part.predicted:.3f}", f"{part.observed:.3f}", f"{part.answers:,}")
        for question in votes.questions
        for part in question.bins
    ]
    titles = ("question", "mean predicted", "mean observed", "answers")
    return text_table(titles, rows, title="Calibration of the fractions")


def _is_for_everyone(votes: VoteScores, question: QuestionScore) -> bool:
    return any(q.asked_of is None and q.name == question.name for q in votes.test.tree.questions)


def _turned(cells: tuple[str, str, str]) -> tuple[str, str, str]:
    """With the samples first."""
    value, interval, samples = cells
    return samples, value, interval


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.4f}"
