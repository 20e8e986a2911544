"""A comparison for programs (CSV, JSON: plain values) and papers (Markdown, LaTeX: as the table reads)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from galaxynet.report.columns import columns
from galaxynet.report.rows import Group, Row
from galaxynet.report.table import majority_lines, title
from galaxynet.report.wording import show_metric
from galaxynet.runs import DamagedRun

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
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(
    groups: Sequence[Group],
    damaged: Iterable[DamagedRun] = (),
    names: Sequence[str] = (),
    significance: str = "",
) -> str:
    """One object: `tables` with their rows, `damaged` folders, and the `significance` test if any."""
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
            "rows": [plain(row, names) for row in group.rows],
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


def as_markdown(groups: Sequence[Group], names: Sequence[str] = ()) -> str:
    """A Markdown table for each group."""
    parts = []
    for group in groups:
        header, rights, rows = cells(group, names)
        parts.append(f"**{title(group)}**" + (f" ({group.why})" if group.why else ""))
        parts.append(markdown_table(header, rights, rows))
    return "\n\n".join(parts) + "\n"


def markdown_table(header: Sequence[str], rights: Sequence[bool], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; `rights` tells which columns are aligned to the right."""

    def line(texts: Iterable[str]) -> str:
        return "| " + " | ".join(re.sub(r"\s*\n\s*", " ", text).replace("|", r"\|") for text in texts) + " |"

    rule = "|" + "|".join(" ---: " if right else " --- " for right in rights) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def as_latex(groups: Sequence[Group], names: Sequence[str] = ()) -> str:
    r"""A `tabular` for each group, with the rules of the package booktabs."""
    parts = []
    for group in groups:
        header, rights, rows = cells(group, names)
        rule = len(group.rows) if majority_lines(group) else None
        parts.append(f"% {title(group)}\n" + latex_table(header, rights, rows, rule))
    return "\n\n".join(parts) + "\n"


def latex_table(
    header: Sequence[str], rights: Sequence[bool], rows: Iterable[Sequence[str]], rule: int | None = None
) -> str:
    r"""A `tabular` with the rules of the package booktabs, and a further one above the row `rule`."""
    body = [" & ".join(map(_latex, row)) + r" \\" for row in rows]
    if rule is not None:
        body.insert(rule, r"\midrule")
    lines = [
        r"\begin{tabular}{" + "".join("r" if right else "l" for right in rights) + "}",
        r"\toprule",
        " & ".join(map(_latex, header)) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines)


def cells(group: Group, names: Sequence[str] = ()) -> tuple[list[str], list[bool], list[list[str]]]:
    """Titles, alignments and texts of a table, the majority class in the last rows."""
    shown = columns(group, names)
    rows = [[column.show(row) for column in shown] for row in group.rows]
    if any(column.name == "value" for column in shown):
        for label, accuracy in majority_lines(group):
            known = {
                "value": show_metric(group.first.record.metric, accuracy),
                shown[0].name: f"always {label}",
            }
            rows.append([known.get(column.name, "") for column in shown])
    return [column.title for column in shown], [column.number for column in shown], rows


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
