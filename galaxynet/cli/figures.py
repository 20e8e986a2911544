"""`galaxynet figures`: draw figures of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet import terminal
from galaxynet.commands import RunsDir, complete_runs
from galaxynet.errors import RunError, UsageError
from galaxynet.phrases import count
from galaxynet.report.figures import (
    Format,
    draw,
    runs_by_network,
    save,
    write_figures,
    write_joint_figures,
)

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
            help="learning-curves, confusion, reliability, votes, vote-tree, vote-agreement, or a figure of "
            "the network. Default: all.",
        ),
    ] = None,
    format: Annotated[
        Literal["png", "svg", "both"], typer.Option("--format", help="Format of the files.")
    ] = "both",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="PATH",
            help="Draw the runs together: one figure to a file (.png, .svg or .pdf), or all to a folder.",
        ),
    ] = None,
    runs_dir: RunsDir = None,
) -> None:
    """Draw learning curves, confusion matrix, reliability and the network's own figures.

    The figures of a run are written to its folder figures/. Several runs of one
    network are also drawn together, to the current directory: the decoded images
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
    selected = list({run.path.resolve(): run for run in (find(folder, name) for name in runs)}.values())
    formats: tuple[Format, ...] = ("png", "svg") if format == "both" else (format,)
    if out is None:
        for run in selected:
            _write(run, kind or (), formats)
        _write_joint(selected, kind or (), formats)
    elif out.is_dir():
        if not _write_joint(selected, kind or (), formats, out):
            raise RunError(f"Nothing was written to {out}.", "Leave out --kind, or name one run.")
    else:
        _write_one(selected, kind or (), out)


def _write_one(runs: list[Run], kinds: Sequence[str], out: Path) -> None:
    """Write one figure of all runs to a file."""
    if not out.suffix:
        raise UsageError(
            f"--out {out}: there is no such folder.", "Create it first, or name a file: curves.png"
        )
    if len(kinds) != 1:
        raise UsageError(
            "--out with a file takes one figure.", "Name it with --kind, or give --out a folder."
        )
    terminal.write(f"{save(draw(runs, kinds[0]), out)}\n")


def _write_joint(
    runs: list[Run], kinds: Sequence[str], formats: Sequence[Format], out: Path | None = None
) -> list[Path]:
    """Write one set of figures per network, to `out` or, of several runs, to the current directory."""
    written = []
    for name, members in runs_by_network(runs).items():
        if out is None and len(members) == 1:
            continue
        files = write_joint_figures(members, out or Path(), name, kinds, formats)
        if files and len(members) > 1:
            terminal.note(f"{count(len(members), 'run')} of {name} in {out or 'the current directory'}:")
        for path in files:
            terminal.write(f"{path}\n")
        written += files
    return written


def _write(run: Run, kinds: Sequence[str], formats: Sequence[Format]) -> None:
    """Write the figures of a run to its folder."""
    paths = write_figures(run, kinds=kinds, formats=formats)
    for path in paths:
        terminal.write(f"{path}\n")
    if not paths:
        resume = f"Continue it with: galaxynet train --resume {run.record.id}"
        raise RunError(
            f"There is nothing to draw of {run.label} yet.", resume if run.status == "interrupted" else ""
        )
