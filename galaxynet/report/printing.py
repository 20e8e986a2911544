"""Comparisons on standard output: tables for a person, text for a program or a paper."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from galaxynet.report import epochs, formats, seeds
from galaxynet.report.layout import in_parts, lay_out
from galaxynet.report.table import results_console, table, title_text

if TYPE_CHECKING:
    from galaxynet.report.rows import Group
    from galaxynet.runs import Run

Format = Literal["rich", "json", "csv", "markdown", "latex", "html"]


def print_tables(groups: Sequence[Group], names: Sequence[str] = (), test: str = "") -> None:
    """A table for each group, and beneath them the test of significance."""
    from rich.padding import Padding
    from rich.text import Text

    console = results_console()
    for number, group in enumerate(groups):
        if number:
            console.print()
        console.print(table(group, console.width, names), crop=False)
    if test:
        console.print(Padding(Text(test), (0, 0, 0, 2)))


def print_over_seeds(groups: Sequence[Group], format: Format = "rich", top: int | None = None) -> None:
    """The configurations of each group with mean and deviation over their seeds."""
    if format == "csv":
        made = [one for group in groups for one in seeds.configurations(group)[:top]]
        print(formats.rows_as_csv([one.plain() for one in made]), end="")
    elif format == "json":
        tables = [[one.plain() for one in seeds.configurations(group)[:top]] for group in groups]
        print(json.dumps(tables, indent=2, ensure_ascii=False, allow_nan=False))
    for number, group in enumerate(groups):
        titles, rights, lines = seeds.cells(group, seeds.configurations(group)[:top])
        if format == "rich":
            console = results_console()
            console.print(
                title_text(group), lay_out(titles, rights, lines, console.width), sep="\n", crop=False
            )
            left = len(seeds.configurations(group)) - len(seeds.configurations(group)[:top])
            if left:
                console.print(f"  {left} more configurations are left out by --top", style="dim")
        elif format in ("markdown", "latex"):
            shape = formats.markdown_table if format == "markdown" else formats.latex_table
            print(shape(titles, rights, [line.cells for line in lines]))
        if number + 1 < len(groups) and format not in ("csv", "json"):
            print()


def print_epochs(groups: Sequence[Group], metrics: Sequence[str], format: Format = "rich") -> None:
    """Metrics over the epochs, a column for each run; for a person, a table for each group."""
    if format != "rich":  # one text, which a program reads
        _print_curves([row.run for group in groups for row in group.rows], metrics, format)
        return
    for number, group in enumerate(groups):
        if len(groups) > 1:
            results_console().print(*([""] * (number > 0)), title_text(group), sep="\n")
        _print_curves([row.run for row in group.rows], metrics, format)


def _print_curves(runs: Sequence[Run], metrics: Sequence[str], format: Format) -> None:
    found = epochs.curves(runs, metrics)
    if format == "json":
        print(json.dumps(epochs.rows(found), indent=2, ensure_ascii=False, allow_nan=False))
        return
    if format == "csv":
        print(formats.rows_as_csv(epochs.rows(found)), end="")
        return
    header = epochs.titles(found)
    if format == "rich":
        console = results_console()
        lines, left_out = epochs.lines(found)
        for number, (some, cut) in enumerate(in_parts(header, lines, console.width)):
            rights = [True] * len(some)
            console.print(
                *([""] * (number > 0)),
                lay_out(some, rights, cut, console.width),
                sep="\n",
                crop=False,
            )
        if left_out:
            console.print(f"  {left_out} more epochs with --format csv", style="dim")
        return
    shape = formats.markdown_table if format == "markdown" else formats.latex_table
    print(shape(header, [True] * len(header), [line.cells for line in epochs.lines(found, most=10**6)[0]]))
