"""An evaluation as tables for a reader, and as rows for a program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from galaxynet.evaluation.result import Classification, Evaluation
from galaxynet.evaluation.scores import ProbabilityScores, Share
from galaxynet.report.significance import words_of_test
from galaxynet.report.table import Column, Table, make_table
from galaxynet.report.table_layout import hide_columns
from galaxynet.report.wording import NONE, share_digits, show_interval, show_metric

_CONFUSION = "Confusion: a row for each true class, a column for each prediction"
_HIDDEN_FIRST = ("precision interval", "recall interval", "right", "predicted")
_NAMED = 5


def evaluation_tables(evaluation: Evaluation, width: int | None = None) -> list[Table]:
    """The tables of an evaluation; what is to be said besides is below the first.

    Args:
        evaluation: The evaluation.
        width: Terminal cells in a line, which decide what is shown of the classes; None to show everything.
    """
    tables = [_summary(evaluation)]
    classification = evaluation.classification
    if classification is not None:
        classes = _per_class(classification)
        tables.append(classes if width is None else hide_columns(classes, width, _HIDDEN_FIRST)[0])
        confusion = _confusion(classification)
        if width is not None and confusion.width() > width:
            confusion = _numbered_confusion(classification)
        if width is None or confusion.width() <= width:
            tables.append(confusion)
        tables.append(_calibration(classification))
        if classification.coverage:
            tables.append(_coverage(classification))
        if classification.agreement:
            tables.append(_agreement(classification))
    return tables


def _notes(evaluation: Evaluation) -> list[str]:
    """What is to be said besides the figures: what did not count, and the comparison."""
    notes = list(evaluation.notes)
    if evaluation.recorded and evaluation.repeats:
        notes.append("the same metrics as in run.json, to the digit")
    if evaluation.missing:
        named = ", ".join(evaluation.missing[:_NAMED]) + (", ..." if len(evaluation.missing) > _NAMED else "")
        notes.append(f"{len(evaluation.missing):,} labelled ids have no image: {named}")
    if evaluation.unlabelled:
        notes.append(f"{evaluation.unlabelled:,} images have no label, and do not count")
    if evaluation.unusable:
        notes.append(f"{evaluation.unusable:,} images cannot be used, and do not count")
    if evaluation.unknown_labels:
        counts = ", ".join(f"{name} ({count:,})" for name, count in evaluation.unknown_labels.items())
        total = sum(evaluation.unknown_labels.values())
        notes.append(
            f"{total:,} images have labels that the network does not know, and do not count: {counts}"
        )
    if evaluation.comparison is not None:
        comparison = evaluation.comparison
        notes.append(words_of_test(comparison.test, evaluation.label, comparison.label))
    return notes


def evaluation_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Every figure as a row with `figure`, `of`, `value`, `low`, `high`, `count` and `samples`."""
    names = ("figure", "of", "value", "low", "high", "count", "samples")
    return [dict(zip(names, row, strict=True)) for row in _rows(evaluation)]


def _rows(evaluation: Evaluation) -> Iterator[tuple[Any, ...]]:
    for name, value in evaluation.metrics.items():
        yield name, evaluation.data, value, None, None, None, evaluation.samples
    if evaluation.error is not None:
        error = evaluation.error
        yield "mean error", evaluation.data, error.value, error.low, error.high, None, evaluation.samples
    if evaluation.novel is not None:
        yield "novelty above 1", evaluation.data, *_figures(evaluation.novel)
    classification = evaluation.classification
    if classification is None:
        return
    yield "accuracy", evaluation.data, *_figures(classification.accuracy)
    if classification.majority is not None:
        yield "majority class", classification.majority[0], *_figures(classification.majority[1])
    for scores in classification.per_class:
        yield "precision", scores.name, *_figures(scores.precision)
        yield "recall", scores.name, *_figures(scores.recall)
    for truth, counts in zip(classification.classes, classification.confusion, strict=True):
        for guess, count in zip(classification.classes, counts, strict=True):
            yield "confusion", f"{truth} predicted as {guess}", None, None, None, count, sum(counts)
    for state, probable in _states(classification):
        yield "negative log likelihood", state, probable.nll, None, None, None, evaluation.samples
        yield "Brier score", state, probable.brier, None, None, None, evaluation.samples
        error_ = probable.error
        yield "calibration error", state, error_.value, error_.low, error_.high, None, evaluation.samples
        for part in probable.reliability:
            yield f"accuracy at confidence {part.confidence:.3f}", state, *_figures(part.accuracy)
    for sets in classification.coverage:
        yield "coverage of sets", f"{sets.promised:g}", *_figures(sets.measured)
        yield "classes in a set", f"{sets.promised:g}", sets.size, None, None, None, evaluation.samples
    for agreed in classification.agreement:
        yield "accuracy by agreement", f"{agreed.low:g} to {agreed.high:g}", *_figures(agreed.accuracy)
    if evaluation.comparison is not None:
        other = evaluation.comparison
        yield "accuracy", other.label, *_figures(other.accuracy)
        difference = (other.test.first - other.test.second) / (other.accuracy.samples or 1)
        yield "difference", other.label, difference, other.low, other.high, None, other.accuracy.samples
        yield "McNemar p", other.label, other.test.p, None, None, None, other.accuracy.samples


def _figures(share: Share) -> tuple[Any, ...]:
    low, high = share.interval or (None, None)
    return share.value, low, high, share.count, share.samples


def _summary(evaluation: Evaluation) -> Table:
    rows: list[Sequence[str]] = []
    classification = evaluation.classification
    if classification is not None:
        rows.append(("accuracy", *_cells(classification.accuracy)))
        if classification.majority is not None:
            rows.append((f"always {classification.majority[0]}", *_cells(classification.majority[1])))
    for name, value in evaluation.metrics.items():
        short = name.rpartition("/")[2]
        if evaluation.error is not None and name == evaluation.metric:
            error = evaluation.error
            interval = f"{show_metric(name, error.low)} to {show_metric(name, error.high)}"
            rows.append((short, show_metric(name, value), interval, f"{evaluation.samples:,}"))
        elif short != "accuracy" or classification is None:
            rows.append((short, show_metric(name, value), "", f"{evaluation.samples:,}"))
    if evaluation.comparison is not None:
        rows.append((f"accuracy of {evaluation.comparison.label}", *_cells(evaluation.comparison.accuracy)))
    if evaluation.novel is not None:
        rows.append(("novelty above 1", *_cells(evaluation.novel)))
    return _table(
        f"{evaluation.model} ({evaluation.label}) on {evaluation.data}",
        ("", "value", "95 % interval", "samples"),
        rows,
        _notes(evaluation),
    )


def _per_class(classification: Classification) -> Table:
    rows = [
        (
            scores.name,
            f"{scores.recall.samples:,}",
            f"{scores.precision.samples:,}",
            f"{scores.recall.count:,}",
            *_cells(scores.precision)[:2],
            *_cells(scores.recall)[:2],
        )
        for scores in classification.per_class
    ]
    interval = "95 % interval"
    titles = ("class", "samples", "predicted", "right", "precision", interval, "recall", interval)
    names = ("", "", "", "", "", "precision interval", "", "recall interval")
    table = _table("Classes", titles, rows)
    columns = [replace(column, name=name) for column, name in zip(table.columns, names, strict=True)]
    return replace(table, columns=columns)


def _confusion(classification: Classification) -> Table:
    rows = [
        (name, *(f"{count:,}" if count else "·" for count in counts))
        for name, counts in zip(classification.classes, classification.confusion, strict=True)
    ]
    return _table(_CONFUSION, ("", *classification.classes), rows)


def _numbered_confusion(classification: Classification) -> Table:
    """The same with numbers in place of the names above the columns."""
    table = _confusion(classification)
    columns = [replace(column, title=str(at) if at else "") for at, column in enumerate(table.columns)]
    lines = [
        replace(line, cells=(f"{at} {line.cells[0]}", *line.cells[1:]))
        for at, line in enumerate(table.lines, 1)
    ]
    return replace(table, columns=columns, lines=lines)


def _calibration(classification: Classification) -> Table:
    states = _states(classification)
    rows = [
        ("negative log likelihood", *(f"{scores.nll:.4f}" for _, scores in states)),
        ("Brier score", *(f"{scores.brier:.4f}" for _, scores in states)),
        ("expected calibration error", *(_percent(scores.error.value) for _, scores in states)),
        ("its 95 % interval", *(_interval(scores.error.low, scores.error.high) for _, scores in states)),
        ("of perfect probabilities", *(_percent(scores.error.expected) for _, scores in states)),
    ]
    footer = (
        []
        if classification.temperature is not None
        else ["No temperature was fitted: the validation part is small."]
    )
    return _table("Calibration", ("", *(name for name, _ in states)), rows, footer)


def _states(classification: Classification) -> list[tuple[str, ProbabilityScores]]:
    states = [("uncalibrated", classification.uncalibrated)]
    if classification.calibrated is not None:
        states.append((f"temperature {classification.temperature:.3f}", classification.calibrated))
    return states


def _coverage(classification: Classification) -> Table:
    rows = [
        (f"{sets.promised:.0%}", *_cells(sets.measured)[:2], f"{sets.size:.2f}")
        for sets in classification.coverage
    ]
    return _table("Conformal sets", ("promised", "measured", "95 % interval", "classes in a set"), rows)


def _agreement(classification: Classification) -> Table:
    rows = [
        (f"{100 * part.low:.0f} to {part.high:.0%}", f"{part.accuracy.samples:,}", *_cells(part.accuracy)[:2])
        for part in classification.agreement
    ]
    titles = ("volunteers who agree", "samples", "accuracy", "95 % interval")
    return _table("Accuracy by the agreement of the volunteers", titles, rows)


def _table(
    title: str, titles: Sequence[str], rows: Sequence[Sequence[str]], footer: Sequence[str] = ()
) -> Table:
    columns = [
        Column(name, itemgetter(at), right_aligned=at > 0, overflow="keep" if at else "shorten-middle")
        for at, name in enumerate(titles)
    ]
    return make_table(columns, rows, title=title, footer=footer)


def _cells(share: Share) -> tuple[str, str, str]:
    if share.value is None or share.interval is None:
        return NONE, "", f"{share.samples:,}"
    return _percent(share.value), show_interval(share.interval), f"{share.samples:,}"


def _percent(value: float) -> str:
    return f"{value:.{share_digits(value)}%}"


def _interval(low: float, high: float) -> str:
    return show_interval((low, high))
