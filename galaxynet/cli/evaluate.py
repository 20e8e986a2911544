"""`galaxynet evaluate`: how good a trained network is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet import terminal
from galaxynet.commands import (
    DataDir,
    Network,
    Prior,
    Quiet,
    RunsDir,
    Views,
    accelerator_option,
    batch_size_option,
    complete_networks,
)

if TYPE_CHECKING:
    from galaxynet.evaluation.result import Evaluation

_IMAGES = "Other images"


def command(
    run: Network,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="RUN",
            help="Test for a difference from another run on the same samples (McNemar).",
            autocompletion=complete_networks,
        ),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            "--images",
            metavar="IMAGES",
            help="Folder, zip archive, list, table or glob of images, in place of the run's own test set.",
            rich_help_panel=_IMAGES,
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="TABLE",
            help="Their labels, with a column of ids or paths.",
            rich_help_panel=_IMAGES,
            dir_okay=False,
        ),
    ] = None,
    votes: Annotated[
        Path | None,
        typer.Option(
            "--votes",
            metavar="TABLE",
            help="Their vote fractions, with a column of ids or paths, for a network that predicts these.",
            rich_help_panel=_IMAGES,
            dir_okay=False,
        ),
    ] = None,
    label_column: Annotated[
        str,
        typer.Option(
            "--label-column",
            metavar="NAME",
            help="Column of labels.",
            show_default="label, labels or class",
            rich_help_panel=_IMAGES,
        ),
    ] = "",
    id_column: Annotated[
        str,
        typer.Option(
            "--id-column",
            metavar="NAME",
            help="Column of ids or paths.",
            show_default="the one that names the most images",
            rich_help_panel=_IMAGES,
        ),
    ] = "",
    batch_size: Annotated[int, batch_size_option(_IMAGES)] = 256,
    accelerator: Annotated[Literal["auto", "cpu", "gpu", "mps"], accelerator_option(_IMAGES)] = "auto",
    prior: Prior = None,
    views: Views = None,
    format: Annotated[
        Literal["rich", "json", "csv", "markdown", "html"],
        typer.Option("--format", help="Output format; html is one self-contained page with figures."),
    ] = "rich",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to this file.", dir_okay=False),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions",
            metavar="FILE",
            help="Write a CSV with the label or votes of each sample, and what the network says of it.",
            dir_okay=False,
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            "--figures",
            metavar="FOLDER",
            help="Draw confusion matrix and reliability, or votes, their tree and the accuracy by agreement.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    quiet: Quiet = False,
) -> None:
    """Evaluate a trained network, with intervals: accuracy, classes, calibration, vote fractions.

    The run's own test set is tested again, with the same metrics as in run.json. With --images and --labels
    or --votes, the network is evaluated on other images.

      galaxynet evaluate last
      galaxynet evaluate last --against k3x9ab
      galaxynet evaluate last --images new.zip --labels new.csv
      galaxynet evaluate last --images new.zip --votes votes.csv
      galaxynet evaluate last --prior fair-labels.csv
      galaxynet evaluate last --format html -o evaluation.html
    """
    from galaxynet import paths, runs
    from galaxynet.errors import UsageError

    terminal.set_quiet(quiet)
    if format == "html" and output is None:
        raise UsageError("A page needs a file.", "Name it with -o: -o evaluation.html")
    for path in filter(None, (output, predictions)):
        if path.exists() and not overwrite:
            raise UsageError(f"{path} exists.", "Replace it with --overwrite, or name another file.")
    folder = paths.runs_dir(runs_dir)
    selected = runs.find_network(folder, run)
    other = None if against is None else runs.find_network(folder, against)
    with terminal.working("loading PyTorch"):
        from galaxynet.images.labels import LabelColumns
        from galaxynet.prediction.labelled_images import LabelTable
        from galaxynet.prediction.run_evaluation import evaluate_run
    columns = LabelColumns(label_column, id_column)
    evaluation = evaluate_run(
        selected,
        data_dir=paths.data_dir(data_dir),
        images=images or (),
        labels=None if labels is None else LabelTable(labels, columns),
        votes=None if votes is None else LabelTable(votes, columns),
        against=other,
        accelerator=accelerator,
        batch_size=batch_size,
        views=None if views is None else int(views),
        prior=prior,
    )
    _write(evaluation, format, output, predictions, figures)


def _write(
    evaluation: Evaluation,
    format: Literal["rich", "json", "csv", "markdown", "html"],
    output: Path | None,
    predictions: Path | None,
    figures: Path | None,
) -> None:
    from galaxynet.report.evaluation_output import (
        print_evaluation,
        write_evaluation,
        write_evaluation_figures,
        write_evaluation_predictions,
    )

    if predictions is not None:
        terminal.note(f"predictions: {write_evaluation_predictions(evaluation, predictions)}")
    if figures is not None:
        for path in write_evaluation_figures(evaluation, figures):
            terminal.note(f"figure: {path}")
    if output is None:
        print_evaluation(evaluation, format)
    else:
        write_evaluation(evaluation, format, output)
        terminal.note(f"evaluation: {output}")
