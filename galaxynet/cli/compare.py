"""`galaxynet compare`: runs side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet.commands import DataDir, RunsDir, complete_runs, complete_sweeps

if TYPE_CHECKING:
    from galaxynet.report.rows import Group
    from galaxynet.runs import DamagedRun


def command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN",
            help="Ids, names or folders of runs, or last; all runs if none are named.",
            autocompletion=complete_runs,
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            "--sweep",
            metavar="NAME",
            help="The runs of this sweep; taken together over their seeds if it has several.",
            autocompletion=complete_sweeps,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Only runs with, for example, act=tanh, lr<0.01, status!=failed.",
        ),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="Order by this, smallest first (what is compared: best first); -COLUMN the other way round.",
        ),
    ] = "",
    top: Annotated[
        int | None, typer.Option("--top", min=1, metavar="N", help="Only the first N of each table.")
    ] = None,
    columns: Annotated[
        str,
        typer.Option("--columns", metavar="A,B,...", help="These columns: fields, options, metrics."),
    ] = "",
    format: Annotated[
        Literal["rich", "json", "csv", "markdown", "latex", "html"],
        typer.Option("--format", help="A table, text for a program or a paper, or a page to send to others."),
    ] = "rich",
    over_seeds: Annotated[
        bool,
        typer.Option("--over-seeds", help="Mean and deviation of the runs that differ in their seed alone."),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            help="Plot the metric over the training time into this file (.png, .svg or .pdf).",
            dir_okay=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="METRIC,...", help="These metrics over the epochs; with --plot, as curves."
        ),
    ] = None,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
) -> None:
    """Set runs side by side: options, accuracy with its 95 % interval, time.

    Runs that cannot be compared (another task, dataset or test set) stand in
    tables of their own. Only the options in which runs differ are shown, and
    beneath them what always answering the most frequent class would score.
    Two runs on the same test set are tested for a difference beyond chance.

      galaxynet compare
      galaxynet compare --where act=tanh --sort train_seconds
      galaxynet compare k3x9ab last
      galaxynet compare --columns run,act,accuracy,val/loss --format csv > runs.csv
      galaxynet compare --format html > comparison.html
      galaxynet compare --over-seeds --plot accuracy-runtime.svg
      galaxynet compare --sweep twelve
      galaxynet compare k3x9ab last --by val/accuracy
      galaxynet compare k3x9ab last --by val/accuracy --plot curves.png
    """
    from dataclasses import replace

    from rich.markup import escape

    from galaxynet import paths, terminal
    from galaxynet.errors import UsageError
    from galaxynet.report import printing
    from galaxynet.report.comparison import make_groups, runs_of_sweep, select_runs
    from galaxynet.report.conditions import check_name, nearest_values
    from galaxynet.report.rows import Row
    from galaxynet.report.significance import told
    from galaxynet.report.table import print_damaged

    if format == "html" and sys.stdout.isatty():
        raise UsageError(
            "A page is not for a terminal.", "Write it to a file: galaxynet compare --format html > page.html"
        )
    if by and format == "html":
        raise UsageError(
            "--by is a table or a plot of its own.", "A page has the learning curves without it."
        )
    if over_seeds and columns:
        raise UsageError("--over-seeds has columns of its own.", "Leave out --columns, or --over-seeds.")
    if by is not None and not _names(by):
        raise UsageError("--by names no metric.", "Name one: --by val/accuracy")
    if plot is not None and not plot.parent.is_dir():
        raise UsageError(f"--plot {plot}: there is no folder {plot.parent}.", "Make it first.")
    if by and columns:
        raise UsageError("--by has columns of its own.", "Leave out --columns, or --by.")
    if sweep is not None:
        if runs:
            raise UsageError("--sweep names its runs itself.", "Leave out the runs, or --sweep.")
        found, varied = runs_of_sweep(paths.runs_dir(runs_dir), sweep)
        damaged: list[DamagedRun] = []
        over_seeds = over_seeds or (not columns and len({run.record.seed for run in found}) > 1)
    else:
        varied = ()
        found, damaged = select_runs(paths.runs_dir(runs_dir), runs or [])
    rows = [Row(run) for run in found]
    names = _names(columns)
    for name in names:
        check_name(rows, name, "--columns")
    groups = make_groups(rows, where or [], sort, None if over_seeds and not by else top, varied, over_seeds)
    if by and runs and not sort:  # the columns stand as the runs were named
        groups = [replace(group, rows=[row for row in rows if row in group.rows]) for group in groups]
    test = told(found, groups)
    # Before anything is printed: what cannot be drawn is said at once, and not beneath a long table.
    said = _plot(groups, plot, by) if plot is not None and groups else []
    if by and plot is None and groups:
        printing.print_epochs(groups, _names(by), format)
    elif format == "html":
        from galaxynet.report.page import Choice, page

        conditions = [*(where or []), *([f"sweep={sweep}"] if sweep else [])]
        choice = Choice(names, over_seeds, top, conditions)
        _print_page(page(groups, paths.data_dir(data_dir), choice, test=test, damaged=damaged))
    elif over_seeds:
        printing.print_over_seeds(groups, format, top, damaged)
    else:
        printing.print_tables(groups, names, test, format=format, damaged=damaged)
    if format != "json":
        print_damaged(damaged)
    if not groups and found:
        terminal.note(escape(f"No run meets --where. {nearest_values(rows, where or [])}".strip()))
    for line in said:
        terminal.note(escape(line))


def show_sweep(folder: Path, name: str) -> None:
    """Print the table of a sweep, as `--sweep` does."""
    from galaxynet.report import printing
    from galaxynet.report.comparison import make_groups, runs_of_sweep
    from galaxynet.report.rows import Row

    found, varied = runs_of_sweep(folder, name)
    groups = make_groups([Row(run) for run in found], [], "", None, varied)
    if len({run.record.seed for run in found}) > 1:
        printing.print_over_seeds(groups)
    else:
        printing.print_tables(groups)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _print_page(text: str) -> None:
    # In UTF-8, as the page says of itself, whatever the locale says.
    sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))


def _plot(groups: list[Group], path: Path, by: str | None) -> list[str]:
    """One figure of one table: the first. What is to be said of it is returned."""
    from galaxynet.report.figures import save
    from galaxynet.report.figures.curves import learning_curves
    from galaxynet.report.figures.style import styled
    from galaxynet.report.figures.tradeoff import metric_over_time

    said = []
    with styled():
        if by:
            figure = learning_curves([row.run for group in groups for row in group.rows], _names(by))
        else:
            figure = metric_over_time(groups[0])
            if len(groups) > 1:
                said.append(f"The plot shows the first of {len(groups)} tables; choose another with --where.")
        save(figure, path)
    return [*said, f"plot: {path}"]
