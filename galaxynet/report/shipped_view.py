"""Weights that packages ship, as rows of a listing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from galaxynet.errors import GalaxynetError
from galaxynet.report.rows import Row
from galaxynet.report.table import Column, Line, Table
from galaxynet.report.wording import (
    interval_of,
    metric_name,
    show_baseline,
    show_interval,
    show_result,
)
from galaxynet.runs import Shipped

_FIELDS = ("metric", "value", "low", "high", "samples", "majority", "majority_class", "parameters")


def weights_row(shipped: Shipped, verify: bool) -> dict[str, Any]:
    """Shipped weights as plain values, with their test figure.

    Args:
        shipped: The weights.
        verify: Compare the digest of the file, too.
    """
    name, _ = shipped.names
    row: dict[str, Any] = {
        "kind": "weights",
        "name": name,
        "distribution": shipped.plugin.distribution,
        "version": shipped.plugin.version,
        "summary": shipped.weights.summary,
        "model": shipped.plugin.name,
        "dataset": None,
        **dict.fromkeys(_FIELDS),
        "figure": "",
        "sha256": None,
        "bytes": None,
        "problem": "",
    }
    try:
        run = shipped.open(verify=verify)
    except GalaxynetError as error:
        return {**row, "problem": str(error)}
    record, fields = run.record, Row(run).fields
    exported = record.exported
    assert exported is not None
    figure = f"{metric_name(record.metric)} {show_result(record)}"
    if interval := interval_of(record):
        figure += f" ({show_interval(interval, record.metric)})"
    if record.baseline:
        figure += f"; always {record.baseline.label} {show_baseline(record)}"
    return {
        **row,
        "dataset": record.dataset.name,
        **{field: fields[field] for field in _FIELDS},
        "figure": f"{figure}; n {fields['samples'] or 0:,}",
        "sha256": exported.sha256,
        "bytes": exported.size,
    }


def weights_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The listing of shipped weights."""
    columns: list[Column[dict[str, Any]]] = [
        Column("name", lambda row: row["name"], overflow="keep"),
        Column("summary", lambda row: row["problem"] or row["summary"], overflow="wrap"),
        Column("test figure (95 % interval)", lambda row: row["figure"], overflow="wrap"),
        Column("from", lambda row: f"{row['distribution']} {row['version']}", overflow="keep"),
    ]
    lines = [
        Line(
            [column.show(row) for column in columns],
            {0: "cyan", 1: "red" if row["problem"] else "", len(columns) - 1: "dim"},
        )
        for row in rows
    ]
    return Table(columns, lines, title="weights")
