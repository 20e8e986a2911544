"""An evaluation as rows for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from galaxynet.evaluation.classification import Classification, Shift
from galaxynet.evaluation.result import Comparison, Evaluation
from galaxynet.evaluation.scores import ProbabilityScores, Share
from galaxynet.evaluation.vote_intervals import CONFIDENCE
from galaxynet.evaluation.vote_scores import QuestionScore, VoteScores

Row = dict[str, Any]
UNSHIFTED = "without --prior"


def evaluation_rows(evaluation: Evaluation) -> list[Row]:
    """Every figure as a row with `figure`, `of`, `value`, `low`, `high`, `count` and `samples`."""
    return list(_rows(evaluation))


def probability_states(classification: Classification) -> list[tuple[str, ProbabilityScores]]:
    """The probabilities before and after each step, with their scores."""
    states = [("uncalibrated", classification.uncalibrated)]
    if classification.calibrated is not None:
        states.append((f"temperature {classification.temperature:.3f}", classification.calibrated))
    if classification.shift is not None:
        states.append(("with --prior", classification.shift.scores))
    return states


def _row(
    figure: str,
    of: str,
    value: float | None = None,
    ends: tuple[float | None, float | None] = (None, None),
    *,
    count: int | None = None,
    samples: int | None = None,
) -> Row:
    return {
        "figure": figure,
        "of": of,
        "value": value,
        "low": ends[0],
        "high": ends[1],
        "count": count,
        "samples": samples,
    }


def _share(figure: str, of: str, share: Share) -> Row:
    ends = share.interval or (None, None)
    return _row(figure, of, share.value, ends, count=share.count, samples=share.samples)


def _rows(evaluation: Evaluation) -> Iterator[Row]:
    data, samples = evaluation.data, evaluation.samples
    for name, value in evaluation.metrics.items():
        yield _row(name, data, value, samples=samples)
    if evaluation.error is not None:
        error = evaluation.error
        yield _row("mean error", data, error.value, (error.low, error.high), samples=samples)
    if evaluation.novel is not None:
        yield _share("novelty above 1", data, evaluation.novel)
    if evaluation.votes is not None:
        yield from _votes(evaluation.votes, data)
    if evaluation.classification is not None:
        yield from _classification(evaluation.classification, data, samples)
        if evaluation.comparison is not None:
            yield from _comparison(evaluation.comparison)


def _classification(classification: Classification, data: str, samples: int) -> Iterator[Row]:
    yield _share("accuracy", data, classification.accuracy)
    if classification.shift is not None:
        yield from _shift(classification.shift)
    if classification.majority is not None:
        yield _share("majority class", *classification.majority)
    for scores in classification.per_class:
        yield _share("precision", scores.name, scores.precision)
        yield _share("recall", scores.name, scores.recall)
    for truth, counts in zip(classification.classes, classification.confusion, strict=True):
        for guess, count in zip(classification.classes, counts, strict=True):
            yield _row("confusion", f"{truth} predicted as {guess}", count=count, samples=sum(counts))
    for state, probable in probability_states(classification):
        yield _row("negative log likelihood", state, probable.nll, samples=samples)
        yield _row("Brier score", state, probable.brier, samples=samples)
        error = probable.error
        yield _row("calibration error", state, error.value, (error.low, error.high), samples=samples)
        for part in probable.reliability:
            yield _share(f"accuracy at confidence {part.confidence:.3f}", state, part.accuracy)
    for sets in classification.coverage:
        yield _share("coverage of sets", f"{sets.promised:g}", sets.measured)
        yield _row("classes in a set", f"{sets.promised:g}", sets.size, samples=samples)
    for agreed in classification.agreement:
        yield _share("accuracy by agreement", f"{agreed.low:g} to {agreed.high:g}", agreed.accuracy)


def _shift(shift: Shift) -> Iterator[Row]:
    for name, share in shift.prior.shares.items():
        yield _row("prior", name, share)
        yield _row("training prior", name, shift.prior.trained[name])
    samples = shift.unshifted.samples
    yield _share("accuracy", UNSHIFTED, shift.unshifted)
    difference = (shift.test.first - shift.test.second) / (samples or 1)
    yield _row("difference", UNSHIFTED, difference, (shift.low, shift.high), samples=samples)
    yield _row("McNemar p", UNSHIFTED, shift.test.p, samples=samples)


def _comparison(other: Comparison) -> Iterator[Row]:
    samples = other.accuracy.samples
    yield _share("accuracy", other.label, other.accuracy)
    difference = (other.test.first - other.test.second) / (samples or 1)
    yield _row("difference", other.label, difference, (other.low, other.high), samples=samples)
    yield _row("McNemar p", other.label, other.test.p, samples=samples)


def _votes(votes: VoteScores, data: str) -> Iterator[Row]:
    samples = len(votes.test.ids)
    yield _row("rmse", data, votes.rmse, (votes.low, votes.high), count=votes.known, samples=samples)
    if votes.mean_row is not None:
        name = "rmse of the mean row of the training"
        yield _row(name, data, votes.mean_row, count=votes.known, samples=samples)
    for derived in votes.derived:
        yield _share("accuracy", derived.name, derived.accuracy)
        label, share = derived.majority
        yield _share(f"always {label}", derived.name, share)
    for name, score in [(data, votes.intervals), *((q.name, q.intervals) for q in votes.questions)]:
        if score is not None:
            coverage, ends = f"coverage of {CONFIDENCE:.0%} intervals", (score.low, score.high)
            yield _row(coverage, name, score.coverage, ends, samples=score.samples)
            yield _row("width of intervals", name, score.width, samples=score.samples)
    for question in votes.questions:
        yield from _question(question)
    for margin in votes.margin:
        yield _share(f"accuracy at margin {margin.low:g} to {margin.high:g}", "plurality", margin.accuracy)


def _question(question: QuestionScore) -> Iterator[Row]:
    name, samples = question.name, question.samples
    if question.rmse is not None:
        yield _row("rmse", name, question.rmse, samples=samples)
        yield _row("rmse of the best constant", name, question.constant, samples=samples)
        yield _row("calibration error", name, question.calibration, samples=samples)
    for part in question.bins:
        figure = f"observed at predicted {part.predicted:.3f}"
        yield _row(figure, name, part.observed, count=part.answers, samples=samples)
    for agreed in question.agreement:
        yield _share(f"accuracy where {agreed.least:.0%} agree", name, agreed.accuracy)
