"""`galaxynet figures`: draw figures of runs into files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet.cli.common import RunsDir, complete_runs

if TYPE_CHECKING:
    from galaxynet.runs import Run


def command(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Ids, names or folders of runs, or last.", autocompletion=complete_runs
        ),
    ],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            metavar="NAME",
            help="learning-curves, confusion, or a figure of the network's plugin; all if none is named.",
        ),
    ] = None,
    format: Annotated[
        Literal["png", "svg", "both"], typer.Option("--format", help="What files to write.")
    ] = "both",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write one figure to this file (.png, .svg or .pdf), several runs in it together.",
            dir_okay=False,
        ),
    ] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Draw learning curves, the confusion matrix and the network's own figures.

    Each run's figures go to its own folder figures/, and the paths are printed.
    With --out, all the runs are drawn together into one file.

      galaxynet figures last
      galaxynet figures k3x9ab --kind confusion --format svg
      galaxynet figures relu tanh --kind learning-curves --out curves.png
    """
    from galaxynet import paths
    from galaxynet.errors import UsageError
    from galaxynet.runs import find

    folder = paths.runs_dir(runs_dir)
    found = list({run.path.resolve(): run for run in (find(folder, name) for name in runs)}.values())
    if out is not None:
        from galaxynet.report.figures import draw, save

        if kind is None or len(kind) != 1:
            raise UsageError("--out takes one figure.", "Name it: --kind learning-curves")
        print(save(draw(found, kind[0]), out))
        return
    for run in found:
        _write(run, kind, format)


def _write(run: Run, kinds: list[str] | None, format: Literal["png", "svg", "both"]) -> None:
    from galaxynet.errors import RunError
    from galaxynet.report.figures import draw, names, save

    wanted = kinds or names(run)
    if not wanted:
        raise RunError(
            f"There is nothing to draw of {run.label}: it has no metrics.csv and no predictions.csv yet."
        )
    for name in wanted:
        figure = draw(run, name)
        for ending in ("png", "svg") if format == "both" else (format,):
            print(save(figure, run.figures / f"{name}.{ending}"))
