"""Tables on standard output: for a reader, for a program (CSV, JSON) and for a paper (Markdown, LaTeX)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from galaxynet import csv_text, terminal
from galaxynet.options import format_value
from galaxynet.report.comparison import comparison_table, majority_classes, title
from galaxynet.report.epochs import epoch_rows, epochs_table, read_curves, split_epochs
from galaxynet.report.seeds import configurations, seeds_table
from galaxynet.report.table import BEST_STYLE, Line, Table
from galaxynet.report.table_layout import format_note, format_table
from galaxynet.terminal import printable

if TYPE_CHECKING:
    from galaxynet.report.rows import Group, Row
    from galaxynet.runs import DamagedRun

Format = Literal["rich", "json", "csv", "markdown", "latex", "html"]

_BOOKTABS = r"% needs \usepackage{booktabs}"
_MARKDOWN = re.compile(r"[\\`*\[\]|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Characters with a meaning in Markdown; an underscore within a word has none."""

_HTML = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)")
_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def print_tables(tables: Sequence[Table], format: Format = "rich", note: str = "") -> None:
    """Print tables, and a note below them, for a reader, as Markdown or as LaTeX."""
    if format == "markdown":
        terminal.write(to_markdown(tables, note))
        return
    if format == "latex":
        terminal.write(to_latex(tables, note))
        return
    console = terminal.results()
    for number, table in enumerate(tables):
        if number:
            console.print()
        console.print(format_table(table, console.width), soft_wrap=True)
    if note:
        console.print(format_note(note, console.width), markup=False, soft_wrap=True)


def print_rows(rows: Sequence[Mapping[str, Any]], format: Literal["json", "csv"]) -> None:
    """Print plain values for a program."""
    terminal.write(to_csv(rows) if format == "csv" else to_json(list(rows)))


def print_comparison(
    groups: Sequence[Group],
    names: Sequence[str] = (),
    *,
    over_seeds: bool = False,
    top: int | None = None,
    test: str = "",
    format: Format = "rich",
    damaged: Sequence[DamagedRun] = (),
) -> None:
    """Print a table for each group, and below them the test of significance.

    Args:
        groups: The runs.
        names: The columns; the usual ones if none are named.
        over_seeds: True for rows with mean and deviation of runs that differ only in their seed.
        top: Most rows of a table over seeds; None for all.
        test: The result of the significance test of two runs, as a sentence.
        format: The format.
        damaged: Folders that could not be read.
    """

    def rows(group: Group) -> list[dict[str, Any]]:
        if over_seeds:
            return [configuration.to_dict() for configuration in configurations(group)[:top]]
        return [row_to_dict(row, names) for row in group.rows]

    if format == "csv":
        print_rows([row for group in groups for row in rows(group)], "csv")
    elif format == "json":
        terminal.write(comparison_to_json(groups, rows, damaged, test))
    else:
        width = terminal.results().width if format == "rich" else None
        tables = [
            seeds_table(group, width, top) if over_seeds else comparison_table(group, width, names)
            for group in groups
        ]
        print_tables(tables, format, test)


def print_epochs(groups: Sequence[Group], metrics: Sequence[str], format: Format = "rich") -> None:
    """Print metrics over the epochs, a column for each run; for a reader, a table for each group."""
    if format != "rich":
        curves = read_curves([row.run for group in groups for row in group.rows], metrics)
        if format in ("json", "csv"):
            print_rows(epoch_rows(curves), "csv" if format == "csv" else "json")
        else:
            print_tables([epochs_table(curves, max_rows=None)], format)
        return
    console = terminal.results()
    for number, group in enumerate(groups):
        if number:
            console.print()
        curves = read_curves([row.run for row in group.rows], metrics)
        first, *rest = split_epochs(epochs_table(curves), console.width)
        if len(groups) > 1:
            first = replace(first, title=title(group), subtitle=group.subtitle)
        print_tables([first, *rest])


def print_damaged(damaged: Iterable[DamagedRun]) -> None:
    """Print a line for each damaged folder to standard error."""
    for run in damaged:
        terminal.warn(("damaged", "yellow"), f" {run.path}: {run.reason}")


def row_to_dict(row: Row, names: Sequence[str] = ()) -> dict[str, Any]:
    """A row as plain values by column: the named ones, or all fields, options and metrics."""
    if names:
        return {name: row.get(name) for name in names}
    return {**row.fields, **row.options, **row.run.record.metrics}


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """CSV with the union of the rows' keys as its header; a missing value is an empty cell."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    cells = [{k: format_value(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows]
    return csv_text.write_dicts(header, cells)


def to_json(values: Any) -> str:
    """JSON without NaN, which few programs read."""
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def comparison_to_json(
    groups: Sequence[Group],
    rows: Callable[[Group], list[dict[str, Any]]],
    damaged: Iterable[DamagedRun] = (),
    significance: str = "",
) -> str:
    """One object: `tables` with their `rows`, `damaged` folders, and the `significance` test if any."""
    tables = [
        {
            "title": title(group),
            "why": group.reason,
            "task": group.first.record.task,
            "dataset": group.first.record.dataset.name,
            "metric": group.first.record.metric,
            "test_set": group.first.record.test_set,
            "majority": [{"label": label, "accuracy": value} for label, value in majority_classes(group)],
            "differing": group.differing(),
            "rows": rows(group),
        }
        for group in groups
    ]
    folders = [{"folder": str(run.path), "reason": run.reason} for run in damaged]
    values: dict[str, Any] = {"tables": tables, "damaged": folders}
    if significance:
        values["significance"] = significance
    return to_json(values)


def to_markdown(tables: Sequence[Table], note: str = "") -> str:
    """Markdown tables with their titles and footers, the best values in bold."""
    parts = []
    for table in tables:
        if table.title:
            reason = f" ({escape_markdown(table.subtitle)})" if table.subtitle else ""
            parts.append(f"**{escape_markdown(table.title)}**{reason}")
        parts += [markdown_table(table), *map(escape_markdown, table.footer)]
    return "\n\n".join([*parts, *filter(None, [escape_markdown(note)])]) + "\n"


def markdown_table(table: Table) -> str:
    """The body of a table in Markdown."""

    def row(texts: Iterable[str]) -> str:
        return "| " + " | ".join(texts) + " |"

    rule = "|" + "|".join(" ---: " if right else " --- " for right in table.right_aligned) + "|"
    lines = []
    for line in (*table.lines, *table.summary):
        cells = _format_cells(line, escape_markdown, "**{}**")
        for index, column in enumerate(table.columns):
            if column.is_code:
                cells[index] = f"`{line.cells[index]}`"
        lines.append(row(cells))
    return "\n".join([row(map(escape_markdown, table.titles)), rule, *lines])


def escape_markdown(text: str) -> str:
    """A text without markup, links or HTML in Markdown."""
    text = _MARKDOWN.sub(r"\\\g<0>", " ".join(printable(text).split()))
    return _HTML.sub(lambda match: "&lt;" if match.group() == "<" else "&amp;", text)


def to_latex(tables: Sequence[Table], note: str = "") -> str:
    r"""A `tabular` for each table, with its footer in small print, the best values in bold."""
    parts = []
    for table in tables:
        heading = f"{table.title} ({table.subtitle})" if table.subtitle else table.title
        comment = f"% {' '.join(heading.split())}\n" if heading else ""
        parts.append(comment + latex_table(table))
        parts += map(_footnote, table.footer)
    return "\n\n".join([_BOOKTABS, *parts, *map(_footnote, filter(None, [note]))]) + "\n"


def latex_table(table: Table) -> str:
    r"""The body of a table as a `tabular` with the rules of the package booktabs."""

    def rows(lines: Iterable[Line]) -> list[str]:
        return [" & ".join(_format_cells(line, escape_latex, r"\textbf{{{}}}")) + r" \\" for line in lines]

    alignment = "".join("r" if right else "l" for right in table.right_aligned)
    parts = [
        rf"\begin{{tabular}}{{{alignment}}}",
        r"\toprule",
        *rows([Line(table.titles)]),
        r"\midrule",
        *rows(table.lines),
        *([r"\midrule", *rows(table.summary)] if table.summary else []),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(parts)


def escape_latex(text: str) -> str:
    """A text without commands in LaTeX."""
    return "".join(_LATEX.get(character, character) for character in " ".join(printable(text).split()))


def _footnote(note: str) -> str:
    return rf"{{\footnotesize {escape_latex(note)}\par}}"


def _format_cells(line: Line, escape: Callable[[str], str], bold: str) -> list[str]:
    return [
        bold.format(escape(cell)) if line.styles.get(index) == BEST_STYLE else escape(cell)
        for index, cell in enumerate(line.cells)
    ]
