"""A comparison for programs (CSV, JSON: plain values) and papers (Markdown, LaTeX: as the table reads)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from galaxynet import csv_text
from galaxynet.report.layout import Line
from galaxynet.report.rows import Group, Row
from galaxynet.report.table import BEST_STYLE, Content, content, majority_lines, title
from galaxynet.runs import DamagedRun
from galaxynet.terminal import printable

BOOKTABS = r"% needs \usepackage{booktabs}"
"""What stands above every table in LaTeX."""

_MARKUP = re.compile(r"[\\`*\[\]|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""What Markdown gives a meaning; not so an underscore within a word."""

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


def plain(row: Row, names: Sequence[str] = ()) -> dict[str, Any]:
    """A row as plain values by column: the named ones, or all fields, options and metrics."""
    if names:
        return {name: row.get(name) for name in names}
    return {**row.fields, **row.options, **row.run.record.metrics}


def as_csv(groups: Sequence[Group], names: Sequence[str] = ()) -> str:
    """All rows of all tables in one; `task`, `dataset` and `test_set` tell them apart."""
    return rows_as_csv([plain(row, names) for group in groups for row in group.rows])


def rows_as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """CSV with the union of the rows' keys as its header; an absent value is an empty cell."""
    header = list(dict.fromkeys(name for row in rows for name in row))
    return csv_text.write_dicts(header, rows)


def as_json(
    groups: Sequence[Group],
    damaged: Iterable[DamagedRun] = (),
    rows: Callable[[Group], list[dict[str, Any]]] = lambda group: list(map(plain, group.rows)),
    significance: str = "",
) -> str:
    """One object: `tables` with their `rows`, `damaged` folders, and the `significance` test if any."""
    tables = [
        {
            "title": title(group),
            "why": group.why,
            "task": group.first.record.task,
            "dataset": group.first.record.dataset.name,
            "metric": group.first.record.metric,
            "test_set": group.first.record.test_set,
            "majority": [{"label": label, "accuracy": value} for label, value in majority_lines(group)],
            "differing": group.differing(),
            "rows": rows(group),
        }
        for group in groups
    ]
    values: dict[str, Any] = {"tables": tables, "damaged": damaged_rows(damaged)}
    if significance:
        values["significance"] = significance
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def damaged_rows(damaged: Iterable[DamagedRun]) -> list[dict[str, str]]:
    """Damaged folders as plain values."""
    return [{"folder": str(run.path), "reason": run.reason} for run in damaged]


def as_markdown(
    groups: Sequence[Group], made: Callable[[Group], Content] = content, significance: str = ""
) -> str:
    """A Markdown table for each group, the best in bold, with what stands beneath it."""
    parts = []
    for group in groups:
        shown = made(group)
        why = f" ({markdown(group.why)})" if group.why else ""
        parts.append(f"**{markdown(title(group))}**{why}")
        rows = map(bold_in_markdown, shown.lines)
        parts.append(markdown_table([markdown(text) for text in shown.titles], shown.rights, rows))
        parts += map(markdown, shown.notes)
    return "\n\n".join([*parts, *filter(None, [markdown(significance)])]) + "\n"


def bold_in_markdown(line: Line) -> list[str]:
    """The cells of a row, the best in bold."""
    return _emphasized(Line(list(map(markdown, line.cells)), line.styles), "**{}**")


def _emphasized(line: Line, how: str) -> list[str]:
    return [
        how.format(text) if line.styles.get(number) == BEST_STYLE else text
        for number, text in enumerate(line.cells)
    ]


def markdown(text: str) -> str:
    """A text that stands for itself in Markdown: other people's names make no markup, link or HTML there."""
    text = _MARKUP.sub(r"\\\g<0>", " ".join(printable(text).split()))
    return _HTML.sub(lambda found: "&lt;" if found.group() == "<" else "&amp;", text)


def markdown_table(header: Sequence[str], rights: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table of texts in Markdown; `rights` tells which columns are aligned to the right."""

    def line(texts: Iterable[str]) -> str:
        return "| " + " | ".join(texts) + " |"

    rule = "|" + "|".join(" ---: " if right else " --- " for right in rights) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def as_latex(
    groups: Sequence[Group], made: Callable[[Group], Content] = content, significance: str = ""
) -> str:
    r"""A `tabular` for each group, the best in bold, with what stands beneath it in small print."""
    parts = []
    for group in groups:
        shown = made(group)
        comment = title(group) + (f" ({group.why})" if group.why else "")
        parts.append(
            f"% {' '.join(comment.split())}\n" + latex_table(shown.titles, shown.rights, shown.lines)
        )
        parts += [_small(note) for note in shown.notes]
    return "\n\n".join([BOOKTABS, *parts, *map(_small, filter(None, [significance]))]) + "\n"


def latex_table(header: Sequence[str], rights: Sequence[bool], lines: Iterable[Line]) -> str:
    r"""A `tabular` with the rules of the package booktabs."""
    body = []
    for line in lines:
        if line.rule:
            body.append(r"\midrule")
        texts = _emphasized(Line(list(map(_latex, line.cells)), line.styles), r"\textbf{{{}}}")
        body.append(" & ".join(texts) + r" \\")
    made = [
        r"\begin{tabular}{" + "".join("r" if right else "l" for right in rights) + "}",
        r"\toprule",
        " & ".join(map(_latex, header)) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(made)


def _small(note: str) -> str:
    return rf"{{\footnotesize {_latex(note)}\par}}"


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(printable(text).split()))
