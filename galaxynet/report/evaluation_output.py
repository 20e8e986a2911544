"""An evaluation for a reader, a program or a page, and its figures and single predictions as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from galaxynet import atomic, terminal
from galaxynet.errors import RunError
from galaxynet.evaluation.classification import Classification
from galaxynet.evaluation.result import Evaluation
from galaxynet.report.evaluation_rows import evaluation_rows
from galaxynet.report.evaluation_tables import evaluation_tables
from galaxynet.report.figures.drawing import VOTE_FIGURES, draw_votes, save
from galaxynet.report.output import print_tables, to_csv, to_json, to_markdown
from galaxynet.report.wording import show_interval
from galaxynet.runs import write_predictions
from galaxynet.runs.votes import Votes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["rich", "json", "csv", "markdown", "html"]
_TITLES = {
    "confusion": "Confusion matrix",
    "reliability": "Reliability",
    "votes": "Predicted against observed fractions",
    "vote-tree": "The tree of questions",
    "vote-agreement": "Accuracy by agreement and margin",
}


def print_evaluation(evaluation: Evaluation, format: Format = "rich") -> None:
    """Print an evaluation to standard output."""
    if format == "rich":
        print_tables(evaluation_tables(evaluation, terminal.results().width))
        return
    terminal.write(_text(evaluation, format))


def write_evaluation(evaluation: Evaluation, format: Format, path: Path) -> None:
    """Write an evaluation to a file in one step.

    Raises:
        RunError: If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_text(path, _text(evaluation, "markdown" if format == "rich" else format))
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from None


def write_evaluation_predictions(evaluation: Evaluation, path: Path) -> Path:
    """Write the single predictions as a run keeps them: vote fractions, or probabilities.

    These are uncalibrated, or after the shift to a prior.

    Raises:
        RunError: If there are neither, or the file cannot be written.
    """
    classification, votes = evaluation.classification, evaluation.votes
    _check_has_samples(evaluation, "--predictions")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if classification is not None:
            single = classification.predictions
            write_predictions(
                path, single.ids, single.labels, single.predictions, single.classes, single.probabilities
            )
        elif votes is not None:
            test = votes.test
            Votes(test.ids, test.tree.columns, test.observed.tolist(), test.predicted.tolist()).write(path)
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def write_evaluation_figures(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write the figures of an evaluation, each as PNG and SVG.

    Raises:
        RunError: If there are none of such a network, or a file cannot be written.
    """
    from galaxynet.report.figures.style import styled

    _check_has_samples(evaluation, "--figures")
    written = []
    with styled():
        for name, figure in _figures(evaluation):
            written += [save(figure, folder / f"{name}.{suffix}") for suffix in ("png", "svg")]
    return written


def _figures(evaluation: Evaluation) -> list[tuple[str, Figure]]:
    title, subtitle = f"{evaluation.model}  ·  {evaluation.label}", evaluation.data
    if evaluation.votes is not None:
        votes = evaluation.votes
        subtitle += f": rmse {votes.rmse:.4f} (95% interval {votes.low:.4f} to {votes.high:.4f}, "
        subtitle += f"{evaluation.samples:,} samples)"
        return [(name, draw_votes(votes.test, name, title, subtitle)) for name in VOTE_FIGURES]
    if evaluation.classification is not None:
        return _classifier_figures(evaluation.classification, title, subtitle)
    return []


def _classifier_figures(
    classification: Classification, title: str, subtitle: str
) -> list[tuple[str, Figure]]:
    from galaxynet.report.figures.confusion import draw_confusion
    from galaxynet.report.figures.reliability import draw_reliability

    if classification.accuracy.value is not None and classification.accuracy.interval is not None:
        interval = show_interval(classification.accuracy.interval)
        subtitle += f": accuracy {classification.accuracy.value:.1%}"
        subtitle += f" (95% interval {interval}, {classification.accuracy.samples:,} samples)"
    states = {"uncalibrated": classification.uncalibrated}
    if classification.calibrated is not None:
        states["calibrated"] = classification.calibrated
    if classification.shift is not None:
        states["with --prior"] = classification.shift.scores
    return [
        ("confusion", draw_confusion(classification.classes, classification.confusion, title, subtitle)),
        ("reliability", draw_reliability(states, title, subtitle)),
    ]


def _check_has_samples(evaluation: Evaluation, flag: str) -> None:
    if evaluation.classification is None and evaluation.votes is None:
        raise RunError(
            f"{flag} is for classes and vote fractions, and {evaluation.label} predicts neither.",
            "Leave it out.",
        )


def _text(evaluation: Evaluation, format: Format) -> str:
    if format == "json":
        return to_json(evaluation.to_dict())
    if format == "csv":
        return to_csv(evaluation_rows(evaluation))
    return to_markdown(evaluation_tables(evaluation)) if format == "markdown" else _page(evaluation)


def _page(evaluation: Evaluation) -> str:
    from galaxynet.report.figures.style import styled
    from galaxynet.report.html.inline_svg import inline_svg
    from galaxynet.report.html.rendering import render

    figures = []
    with styled():
        for name, figure in _figures(evaluation):
            figure.suptitle("")
            figures.append((_TITLES[name], inline_svg(figure, name, _TITLES[name])))
    return render(
        "evaluation.html.j2",
        heading=f"{evaluation.model} ({evaluation.label}) on {evaluation.data}",
        results=evaluation_tables(evaluation),
        figures=figures,
    )
