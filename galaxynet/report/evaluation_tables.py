"""An evaluation as tables for a reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from galaxynet.evaluation.classification import Classification
from galaxynet.evaluation.prior import Prior
from galaxynet.evaluation.result import Evaluation
from galaxynet.report.evaluation_rows import UNSHIFTED, probability_states
from galaxynet.report.significance import words_of_test
from galaxynet.report.table import Table, text_table
from galaxynet.report.table_layout import hide_columns
from galaxynet.report.vote_tables import summary_rows, vote_notes, vote_tables
from galaxynet.report.wording import share_cells, show_interval, show_metric, show_share

_CONFUSION = "Confusion: a row for each true class, a column for each prediction"
_HIDDEN_FIRST = ("precision interval", "recall interval", "right", "predicted")
_NAMED = 5
_NOT_OF_VOTES = ("test/loss",)
"""Metrics of vote fractions that are not among their scores."""


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
        if classification.shift is not None:
            tables.append(_prior(classification.shift.prior))
        if classification.coverage:
            tables.append(_coverage(classification))
        if classification.agreement:
            tables.append(_agreement(classification))
    if evaluation.votes is not None:
        tables += vote_tables(evaluation.votes, width)
    return tables


def _notes(evaluation: Evaluation) -> list[str]:
    """What is to be said besides the figures: what did not count, and the comparison."""
    notes = list(evaluation.notes)
    if evaluation.recorded and evaluation.repeats:
        notes.append("the same metrics as in run.json, to the digit")
    if evaluation.votes is not None:
        notes += vote_notes(evaluation.votes)
    if evaluation.missing:
        named = ", ".join(evaluation.missing[:_NAMED]) + (", ..." if len(evaluation.missing) > _NAMED else "")
        labelled = "labelled ids" if evaluation.votes is None else "ids with votes"
        notes.append(f"{len(evaluation.missing):,} {labelled} have no image: {named}")
    if evaluation.unlabelled:
        missing_part = "label" if evaluation.votes is None else "votes"
        notes.append(f"{evaluation.unlabelled:,} images have no {missing_part}, and do not count")
    if evaluation.unusable:
        notes.append(f"{evaluation.unusable:,} images cannot be used, and do not count")
    if evaluation.unknown_labels:
        counts = ", ".join(f"{name} ({count:,})" for name, count in evaluation.unknown_labels.items())
        total = sum(evaluation.unknown_labels.values())
        notes.append(
            f"{total:,} images have labels that the network does not know, and do not count: {counts}"
        )
    shift = None if evaluation.classification is None else evaluation.classification.shift
    if shift is not None:
        notes.append(words_of_test(shift.test, "the shifted prediction", "the one without --prior"))
    if evaluation.comparison is not None:
        comparison = evaluation.comparison
        notes.append(words_of_test(comparison.test, evaluation.label, comparison.label))
    return notes


def _summary(evaluation: Evaluation) -> Table:
    rows: list[Sequence[str]] = []
    classification = evaluation.classification
    if classification is not None:
        rows.append(("accuracy", *share_cells(classification.accuracy)))
        if classification.shift is not None:
            rows.append((f"accuracy {UNSHIFTED}", *share_cells(classification.shift.unshifted)))
        if classification.majority is not None:
            rows.append((f"always {classification.majority[0]}", *share_cells(classification.majority[1])))
    if evaluation.votes is not None:
        rows += summary_rows(evaluation.votes)
    for name, value in evaluation.metrics.items():
        if name.endswith("_accuracy"):  # of a table of classes beside votes
            ends = evaluation.metrics[f"{name}_low"], evaluation.metrics[f"{name}_high"]
            of = name.removeprefix("test/").removesuffix("_accuracy")
            rows.append((f"accuracy, own {of}", show_share(value), show_interval(ends), ""))
        if evaluation.votes is not None and name not in _NOT_OF_VOTES:
            continue  # the tables have the others
        short = name.rpartition("/")[2]
        if evaluation.error is not None and name == evaluation.metric:
            error = evaluation.error
            interval = f"{show_metric(name, error.low)} to {show_metric(name, error.high)}"
            rows.append((short, show_metric(name, value), interval, f"{evaluation.samples:,}"))
        elif short != "accuracy" or classification is None:
            rows.append((short, show_metric(name, value), "", f"{evaluation.samples:,}"))
    if evaluation.comparison is not None:
        rows.append(
            (f"accuracy of {evaluation.comparison.label}", *share_cells(evaluation.comparison.accuracy))
        )
    if evaluation.novel is not None:
        rows.append(("novelty above 1", *share_cells(evaluation.novel)))
    return text_table(
        ("", "value", "95% interval", "samples"),
        rows,
        title=f"{evaluation.model} ({evaluation.label}) on {evaluation.data}",
        footer=_notes(evaluation),
    )


def _per_class(classification: Classification) -> Table:
    rows = [
        (
            scores.name,
            f"{scores.recall.samples:,}",
            f"{scores.precision.samples:,}",
            f"{scores.recall.count:,}",
            *share_cells(scores.precision)[:2],
            *share_cells(scores.recall)[:2],
        )
        for scores in classification.per_class
    ]
    interval = "95% interval"
    titles = ("class", "samples", "predicted", "right", "precision", interval, "recall", interval)
    names = ("", "", "", "", "", "precision interval", "", "recall interval")
    table = text_table(titles, rows, title="Classes")
    columns = [replace(column, name=name) for column, name in zip(table.columns, names, strict=True)]
    return replace(table, columns=columns)


def _confusion(classification: Classification) -> Table:
    rows = [
        (name, *(f"{count:,}" if count else "·" for count in counts))
        for name, counts in zip(classification.classes, classification.confusion, strict=True)
    ]
    return text_table(("", *classification.classes), rows, title=_CONFUSION)


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
    states = probability_states(classification)
    rows = [
        ("negative log likelihood", *(f"{scores.nll:.4f}" for _, scores in states)),
        ("Brier score", *(f"{scores.brier:.4f}" for _, scores in states)),
        ("expected calibration error", *(show_share(scores.error.value) for _, scores in states)),
        (
            "its 95% interval",
            *(show_interval((scores.error.low, scores.error.high)) for _, scores in states),
        ),
        ("of perfect probabilities", *(show_share(scores.error.expected) for _, scores in states)),
    ]
    footer = (
        []
        if classification.temperature is not None
        else ["No temperature was fitted: the validation part is small."]
    )
    return text_table(("", *(name for name, _ in states)), rows, title="Calibration", footer=footer)


def _prior(prior: Prior) -> Table:
    rows = [
        (name, show_share(prior.trained[name]), show_share(share)) for name, share in prior.shares.items()
    ]
    return text_table(
        ("class", "training", "shifted to"), rows, title="Prior", footer=[f"The prior: {prior.origin}."]
    )


def _coverage(classification: Classification) -> Table:
    rows = [
        (f"{sets.promised:.0%}", *share_cells(sets.measured)[:2], f"{sets.size:.2f}")
        for sets in classification.coverage
    ]
    return text_table(
        ("promised", "measured", "95% interval", "classes in a set"), rows, title="Conformal sets"
    )


def _agreement(classification: Classification) -> Table:
    rows = [
        (
            f"{100 * part.low:.0f} to {part.high:.0%}",
            f"{part.accuracy.samples:,}",
            *share_cells(part.accuracy)[:2],
        )
        for part in classification.agreement
    ]
    titles = ("volunteers who agree", "samples", "accuracy", "95% interval")
    return text_table(titles, rows, title="Accuracy by the agreement of the volunteers")
