"""The list of runs in the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from galaxynet.report.table import STATUS_STYLE, Column, Line, Table
from galaxynet.report.table_layout import hidden_notes, hide_columns
from galaxynet.report.wording import (
    NONE,
    UNDEFINED,
    metric_name,
    show_result,
    show_seconds,
)
from galaxynet.runs import DamagedRun, Run
from galaxynet.runs.folder import FOLDER_NAME

_COLUMNS: list[Column[Any]] = [
    Column("id", overflow="keep"),
    Column("name", overflow="wrap"),
    Column("started", overflow="keep"),
    Column("status", overflow="keep"),
    Column("model", overflow="wrap"),
    Column("dataset", overflow="wrap"),
    Column("test", right_aligned=True, overflow="wrap"),
    Column("training", right_aligned=True),
]


_HIDDEN_FIRST = ("training", "status", "started")
"""The runs are sorted by their start, and most are finished."""


def newest_first(runs: Iterable[Run | DamagedRun]) -> list[Run | DamagedRun]:
    """Runs by the time they started, then the damaged ones by the names of their folders."""
    runs = list(runs)
    readable = [run for run in runs if isinstance(run, Run)]
    damaged = [run for run in runs if isinstance(run, DamagedRun)]
    readable.sort(key=lambda run: (run.record.started, run.path.name), reverse=True)
    return [*readable, *sorted(damaged, key=lambda run: run.path.name, reverse=True)]


def run_to_dict(run: Run | DamagedRun) -> dict[str, Any]:
    """A row of the list as plain values."""
    if isinstance(run, DamagedRun):
        return {"folder": run.path.name, "status": "damaged", "reason": run.reason}
    record = run.record
    return {
        "folder": run.path.name,
        "status": run.status,
        "id": record.id,
        "name": record.name,
        "sweep": record.sweep,
        "started": record.started.isoformat(),
        "model": record.model.name,
        "dataset": record.dataset.name,
        "metric": record.metric,
        "value": record.metrics.get(record.metric),
        "train_seconds": record.seconds.get("train"),
        "reason": record.message,
    }


def run_list(runs: Iterable[Run | DamagedRun], width: int | None = None) -> Table:
    """The list of runs as a table.

    Args:
        runs: The runs.
        width: Terminal cells in a line; None to show every column.
    """
    lines = []
    for run in runs:
        cells = _cells(run)
        status = [column.key for column in _COLUMNS].index("status")
        styles = {status: STATUS_STYLE[cells[status]]}
        lines.append(Line(cells, styles, style="dim" if isinstance(run, DamagedRun) else ""))
    table = Table(_COLUMNS, lines)
    if width is None:
        return table
    visible, hidden = hide_columns(table, width, _HIDDEN_FIRST)
    return replace(visible, footer=hidden_notes(table, hidden, "--format csv"))


def _cells(run: Run | DamagedRun) -> list[str]:
    if isinstance(run, DamagedRun):
        name = run.path.name
        short = name[-6:] if FOLDER_NAME.fullmatch(name) else name  # the whole path is in a message below
        return [short, "", NONE, "damaged", *[NONE] * 4]
    record = run.record
    result = show_result(record)
    return [
        record.id,
        record.name,
        record.started.astimezone().strftime("%Y-%m-%d %H:%M"),
        run.status,
        record.model.name,
        record.dataset.name,
        result if result in (NONE, UNDEFINED) else f"{metric_name(record.metric)} {result}",
        show_seconds(record.seconds.get("train")),
    ]
