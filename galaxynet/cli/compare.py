"""`galaxynet compare`: compare runs in a table, a page or a plot."""

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
            help="Ids, names or folders of runs, or last. Default: all runs.",
            autocompletion=complete_runs,
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            "--sweep",
            metavar="NAME",
            help="Compare the runs of this sweep; over their seeds if it has several.",
            autocompletion=complete_sweeps,
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Show only runs that meet this condition: act=tanh, lr<0.01, status!=failed.",
        ),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="Sort by this column, ascending (the compared metric: best first); -COLUMN reverses.",
        ),
    ] = "",
    top: Annotated[
        int | None,
        typer.Option("--top", min=1, metavar="N", help="Show only the first N rows of each table."),
    ] = None,
    columns: Annotated[
        str,
        typer.Option("--columns", metavar="A,B,...", help="Columns to show: fields, options, metrics."),
    ] = "",
    format: Annotated[
        Literal["rich", "json", "csv", "markdown", "latex", "html"],
        typer.Option("--format", help="Output format; html is one self-contained page."),
    ] = "rich",
    over_seeds: Annotated[
        bool,
        typer.Option("--over-seeds", help="Show mean and deviation of runs that differ only in their seed."),
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            help="Plot the metric over training time to this file (.png, .svg or .pdf).",
            dir_okay=False,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="METRIC,...", help="Show these metrics over the epochs; with --plot, as curves."
        ),
    ] = None,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
) -> None:
    """Compare runs in a table: options, accuracy with its 95 % interval, time.

    Runs that cannot be compared (another task, dataset or test set) are listed
    in separate tables. Only options in which the runs differ are shown; the last
    row is the score of always answering the most frequent class.
    Two runs with the same test set are tested for a significant difference.

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

    from galaxynet import paths, terminal
    from galaxynet.errors import UsageError
    from galaxynet.report import output
    from galaxynet.report.rows import Row
    from galaxynet.report.selection import available_values, check_name, make_groups, select_runs
    from galaxynet.report.significance import significance_note
    from galaxynet.sweeps.trial_runs import runs_of_sweep

    if format == "html" and sys.stdout.isatty():
        raise UsageError(
            "HTML is not for a terminal.", "Write it to a file: galaxynet compare --format html > page.html"
        )
    metrics, names = _split(by or ""), _split(columns)
    if by and format == "html":
        raise UsageError("--by and --format html exclude each other.", "The page has learning curves anyway.")
    if over_seeds and columns:
        raise UsageError("--over-seeds and --columns exclude each other.")
    if by is not None and not metrics:
        raise UsageError("--by names no metric.", "Name one: --by val/accuracy")
    if plot is not None and not plot.parent.is_dir():
        raise UsageError(f"--plot {plot}: {plot.parent} is not a directory.", "Create it first.")
    if by and columns:
        raise UsageError("--by and --columns exclude each other.")
    if sweep is not None and runs:
        raise UsageError("--sweep and RUN exclude each other.")
    folder = paths.runs_dir(runs_dir)
    damaged: list[DamagedRun] = []
    varied: tuple[str, ...] = ()
    if sweep is not None:
        selected, varied = runs_of_sweep(folder, sweep)
        over_seeds = over_seeds or (not columns and len({run.record.seed for run in selected}) > 1)
    else:
        selected, damaged = select_runs(folder, runs or [])
    rows = [Row(run) for run in selected]
    for name in names:
        check_name(rows, name, "--columns")
    groups = make_groups(rows, where or [], sort, None if over_seeds and not by else top, varied, over_seeds)
    if by and runs and not sort:  # the columns are in the order in which the runs were named
        groups = [replace(group, rows=[row for row in rows if row in group.rows]) for group in groups]
    test = significance_note(selected, groups)
    # Drawn before anything is printed, so that an error is not below a long table.
    messages = _plot(groups, plot, metrics) if plot is not None and groups else []
    if by and plot is None and groups:
        output.print_epochs(groups, metrics, format)
    elif format == "html":
        from galaxynet.report.html.page import render_page

        conditions = [*(where or []), *([f"sweep={sweep}"] if sweep else [])]
        page = render_page(
            groups,
            paths.data_dir(data_dir),
            names=names,
            over_seeds=over_seeds,
            top=top,
            conditions=conditions,
            test=test,
            damaged=damaged,
        )
        # In UTF-8, as the page declares, whatever the locale says.
        sys.stdout.buffer.write(page.encode("utf-8", errors="replace"))
    else:
        output.print_comparison(
            groups,
            names,
            over_seeds=over_seeds,
            top=top,
            test="" if over_seeds else test,
            format=format,
            damaged=damaged,
        )
    if format != "json":
        output.print_damaged(damaged)
    if not groups and selected:
        terminal.note(f"No run meets --where. {available_values(rows, where or [])}".strip())
    for message in messages:
        terminal.note(message)


def show_sweep(folder: Path, name: str) -> None:
    """Print the table of a sweep, as `--sweep` does."""
    from galaxynet.report import output
    from galaxynet.report.rows import Row
    from galaxynet.report.selection import make_groups
    from galaxynet.sweeps.trial_runs import runs_of_sweep

    runs, varied = runs_of_sweep(folder, name)
    groups = make_groups([Row(run) for run in runs], varied=varied)
    output.print_comparison(groups, over_seeds=len({run.record.seed for run in runs}) > 1)


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _plot(groups: list[Group], path: Path, metrics: list[str]) -> list[str]:
    """Draw the first table, or the learning curves of all; returns what to say about it."""
    from galaxynet.report.figures import save
    from galaxynet.report.figures.curves import learning_curves
    from galaxynet.report.figures.style import styled
    from galaxynet.report.figures.tradeoff import metric_over_time

    messages = []
    with styled():
        if metrics:
            figure = learning_curves([row.run for group in groups for row in group.rows], metrics)
        else:
            figure = metric_over_time(groups[0])
            if len(groups) > 1:
                messages.append(
                    f"The plot shows the first of {len(groups)} tables; select another with --where."
                )
        save(figure, path)
    return [*messages, f"plot: {path}"]
