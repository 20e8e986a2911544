"""An evaluation for a reader, a program or a page, and its figures and single predictions as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from galaxynet import atomic, terminal
from galaxynet.errors import RunError
from galaxynet.evaluation.result import Classification, Evaluation
from galaxynet.report.evaluation_tables import evaluation_rows, evaluation_tables
from galaxynet.report.figures import save
from galaxynet.report.output import print_tables, to_csv, to_json, to_markdown
from galaxynet.report.wording import show_interval
from galaxynet.runs import write_predictions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Format = Literal["rich", "json", "csv", "markdown", "html"]


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
    """Write the single predictions of a classifier as a run keeps them, with uncalibrated probabilities.

    Raises:
        RunError: If it is not a classifier, or the file cannot be written.
    """
    classification = _classification(evaluation, "--predictions")
    single = classification.predictions
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_predictions(
            path, single.ids, single.labels, single.predictions, single.classes, single.probabilities
        )
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def write_evaluation_figures(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Write the figures of a classifier's evaluation, each as PNG and SVG.

    Raises:
        RunError: If it is not a classifier, or a file cannot be written.
    """
    from galaxynet.report.figures.style import styled

    classification = _classification(evaluation, "--figures")
    written = []
    with styled():
        for name, figure in _figures(evaluation, classification):
            written += [save(figure, folder / f"{name}.{suffix}") for suffix in ("png", "svg")]
    return written


def _figures(evaluation: Evaluation, classification: Classification) -> list[tuple[str, Figure]]:
    from galaxynet.report.figures.confusion import draw_confusion
    from galaxynet.report.figures.reliability import draw_reliability

    title = f"{evaluation.model}  ·  {evaluation.label}"
    subtitle = evaluation.data
    if classification.accuracy.value is not None and classification.accuracy.interval is not None:
        interval = show_interval(classification.accuracy.interval)
        subtitle += f": accuracy {classification.accuracy.value:.1%}"
        subtitle += f" (95% interval {interval}, {classification.accuracy.samples:,} samples)"
    return [
        ("confusion", draw_confusion(classification.classes, classification.confusion, title, subtitle)),
        (
            "reliability",
            draw_reliability(classification.uncalibrated, classification.calibrated, title, subtitle),
        ),
    ]


def _classification(evaluation: Evaluation, flag: str) -> Classification:
    if evaluation.classification is None:
        raise RunError(f"{flag} is for classifiers, and {evaluation.label} is not.", "Leave it out.")
    return evaluation.classification


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
    if evaluation.classification is not None:
        with styled():
            for name, figure in _figures(evaluation, evaluation.classification):
                figure.suptitle("")
                title = {"confusion": "Confusion matrix", "reliability": "Reliability"}[name]
                figures.append((title, inline_svg(figure, name, title)))
    return render(
        "evaluation.html.j2",
        heading=f"{evaluation.model} ({evaluation.label}) on {evaluation.data}",
        tables=evaluation_tables(evaluation),
        figures=figures,
    )
