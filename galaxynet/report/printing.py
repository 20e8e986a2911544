"""Comparisons on standard output: tables for a person, text for a program or a paper."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from galaxynet import terminal
from galaxynet.report import epochs, formats, seeds_table
from galaxynet.report.layout import in_parts, lay_out
from galaxynet.report.seeds import configurations
from galaxynet.report.table import Content, beneath, content, rendered, results_console, title_text

if TYPE_CHECKING:
    from galaxynet.report.rows import Group
    from galaxynet.runs import DamagedRun, Run

Format = Literal["rich", "json", "csv", "markdown", "latex", "html"]


class _Content(Protocol):
    """What a table says, in lines of that width or of any."""

    def __call__(self, group: Group, width: int | None = None) -> Content: ...


def print_tables(
    groups: Sequence[Group],
    names: Sequence[str] = (),
    test: str = "",
    *,
    format: Format = "rich",
    damaged: Sequence[DamagedRun] = (),
) -> None:
    """A table for each group, and beneath them the test of significance."""
    if format == "csv":
        terminal.write(formats.as_csv(groups, names))
        return
    if format == "json":

        def rows(group: Group) -> list[dict[str, Any]]:
            return [formats.plain(row, names) for row in group.rows]

        terminal.write(formats.as_json(groups, damaged, rows, test))
        return
    _print_contents(groups, lambda group, width=None: content(group, width, names), format, test)


def print_over_seeds(
    groups: Sequence[Group],
    format: Format = "rich",
    top: int | None = None,
    damaged: Sequence[DamagedRun] = (),
) -> None:
    """The configurations of each group with mean and deviation over their seeds."""

    def rows(group: Group) -> list[dict[str, Any]]:
        return [one.plain() for one in configurations(group)[:top]]

    if format == "csv":
        terminal.write(formats.rows_as_csv([row for group in groups for row in rows(group)]))
    elif format == "json":
        terminal.write(formats.as_json(groups, damaged, rows))
    else:
        _print_contents(groups, lambda group, width=None: seeds_table.content(group, width, top), format)


def _print_contents(groups: Sequence[Group], made: _Content, format: Format, test: str = "") -> None:
    if format == "markdown":
        terminal.write(formats.as_markdown(groups, made, test))
        return
    if format == "latex":
        terminal.write(formats.as_latex(groups, made, test))
        return
    console = results_console()
    for number, group in enumerate(groups):
        if number:
            console.print()
        console.print(rendered(group, made(group, console.width), console.width), crop=False)
    if test:
        console.print(beneath(test, console.width, style=""))


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
        terminal.write(json.dumps(epochs.rows(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return
    if format == "csv":
        terminal.write(formats.rows_as_csv(epochs.rows(found)))
        return
    if format != "rich":
        header = epochs.titles(found)
        rights = [True] * len(header)
        lines, _ = epochs.lines(found, most=10**6)
        text = (
            f"{formats.BOOKTABS}\n{formats.latex_table(header, rights, lines)}"
            if format == "latex"
            else formats.markdown_table(
                list(map(formats.markdown, header)), rights, map(formats.bold_in_markdown, lines)
            )
        )
        terminal.write(text + "\n")
        return
    console = results_console()
    shown = [curve for curve in found if curve.values]
    lines, left_out = epochs.lines(shown)
    for number, (some, cut) in enumerate(
        in_parts(epochs.titles(shown), epochs.starred(lines), console.width)
    ):
        laid = lay_out(some, [True] * len(some), epochs.filled(cut), console.width)
        console.print(*([""] * (number > 0)), laid, sep="\n", crop=False)
    for note in epochs.notes(found, left_out):
        console.print(beneath(note, console.width))
