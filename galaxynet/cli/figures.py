"""`galaxynet figures`: draw figures of runs into files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet import terminal
from galaxynet.commands import RunsDir, complete_runs

if TYPE_CHECKING:
    from galaxynet.report.figures.drawing import Format
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
            metavar="PATH",
            help="Draw the runs together and nothing else: one figure into this file (.png, .svg or .pdf), "
            "or all into this folder.",
        ),
    ] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Draw learning curves, the confusion matrix and the network's own figures.

    Each run's figures go to its own folder figures/. Several runs of one network
    are also drawn together, into the folder that you are in: the decoded images
    of three autoencoders, say, as fashion_ae-reconstructions.png. The paths of
    all files are printed.

      galaxynet figures last
      galaxynet figures k3x9ab --kind confusion --format svg
      galaxynet figures code16 code32 code64
      galaxynet figures relu tanh --kind learning-curves --out curves.png
    """
    from galaxynet import paths
    from galaxynet.runs import find

    folder = paths.runs_dir(runs_dir)
    found = list({run.path.resolve(): run for run in (find(folder, name) for name in runs)}.values())
    if out is None:
        for run in found:
            _write(run, kind, format)
        _write_together(found, kind, format)
    elif out.is_dir():
        _write_together(found, kind, format, out)
    else:
        _write_one(found, kind, out)


def _write_one(runs: list[Run], kinds: list[str] | None, out: Path) -> None:
    from galaxynet.errors import UsageError
    from galaxynet.report.figures import draw, save

    if not out.suffix:
        raise UsageError(
            f"--out {out}: there is no such folder.", "Make it first, or name a file: curves.png"
        )
    if kinds is None or len(kinds) != 1:
        raise UsageError(
            "--out takes one figure into a file.", "Name it, --kind learning-curves, or give --out a folder."
        )
    terminal.write(f"{save(draw(runs, kinds[0]), out)}\n")


def _write_together(
    runs: list[Run], kinds: list[str] | None, format: Literal["png", "svg", "both"], out: Path | None = None
) -> None:
    """Files for each network; without a folder, into the one that one is in, of several runs alone."""
    from rich.markup import escape

    from galaxynet.errors import RunError
    from galaxynet.report.figures.together import by_network, write_together

    formats: tuple[Format, ...] = ("png", "svg") if format == "both" else (format,)
    written = []
    for name, group in by_network(runs).items():
        if out is None and len(group) == 1:
            continue
        files = write_together(group, out or Path(), name, kinds or (), formats)
        if files and len(group) > 1:
            terminal.note(
                f"{len(group)} runs of {escape(name)} together, in {out or 'the folder you are in'}:"
            )
        for path in files:
            terminal.write(f"{path}\n")
        written += files
    if out is not None and not written:
        raise RunError(f"Nothing was written to {out}.", "Leave out --kind, or name one run.")


def _write(run: Run, kinds: list[str] | None, format: Literal["png", "svg", "both"]) -> None:
    """Write one run's figures into its folder."""
    from galaxynet.errors import RunError
    from galaxynet.report.figures import write_figures

    paths = write_figures(run, kinds=kinds or (), formats=("png", "svg") if format == "both" else (format,))
    for path in paths:
        terminal.write(f"{path}\n")
    if not paths:
        raise RunError(
            f"There is nothing to draw of {run.label} yet.",
            f"Continue it with: galaxynet train --resume {run.record.id}"
            if run.status == "interrupted"
            else "",
        )
