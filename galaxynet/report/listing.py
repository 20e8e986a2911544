"""The list of all runs, newest first, damaged folders among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from galaxynet.report.columns import NONE
from galaxynet.report.layout import Line, lay_out
from galaxynet.report.table import STATUS_STYLE
from galaxynet.report.wording import UNDEFINED, metric_name, show_metric, show_seconds
from galaxynet.runs import DamagedRun, Run
from galaxynet.runs.folder import FOLDER_NAME

if TYPE_CHECKING:
    from rich.text import Text

HEADER = ("id", "name", "started", "status", "model", "dataset", "test", "training")
RIGHT = ("test", "training")
_WHOLE = ("id", "started", "status")
_ROOMY = 95
"""Cells in a line from which on the training time is shown."""


def newest_first(found: Iterable[Run | DamagedRun]) -> list[Run | DamagedRun]:
    """Runs by the time they started, then the damaged ones by the names of their folders."""
    found = list(found)
    runs = [run for run in found if isinstance(run, Run)]
    damaged = [run for run in found if isinstance(run, DamagedRun)]
    runs.sort(key=lambda run: (run.record.started, run.path.name), reverse=True)
    return [*runs, *sorted(damaged, key=lambda run: run.path.name, reverse=True)]


def plain_row(run: Run | DamagedRun) -> dict[str, Any]:
    """A line of the list as plain values."""
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


def cells(run: Run | DamagedRun) -> list[str]:
    """A line of the list as texts, under `HEADER`."""
    if isinstance(run, DamagedRun):
        name = run.path.name
        short = name[-6:] if FOLDER_NAME.fullmatch(name) else name  # the whole path stands beneath the table
        return [short, "", NONE, "damaged", *[NONE] * 4]
    record = run.record
    return [
        record.id,
        record.name,
        record.started.astimezone().strftime("%Y-%m-%d %H:%M"),
        run.status,
        record.model.name,
        record.dataset.name,
        _result(run),
        show_seconds(record.seconds.get("train")),
    ]


def listing(found: Iterable[Run | DamagedRun], width: int) -> Text:
    """The list as a table for a terminal of that width."""
    header = HEADER if width >= _ROOMY else HEADER[:-1]
    status = HEADER.index("status")
    lines = []
    for run in found:
        damaged = isinstance(run, DamagedRun)
        texts = cells(run)[: len(header)]
        lines.append(Line(texts, {status: STATUS_STYLE[texts[status]]}, style="dim" if damaged else ""))
    return lay_out(header, [title in RIGHT for title in header], lines, width, whole=_WHOLE)


def _result(run: Run) -> str:
    record = run.record
    value = record.metrics.get(record.metric)
    if value is None:
        return UNDEFINED if run.status == "diverged" else NONE
    return f"{metric_name(record.metric)} {show_metric(record.metric, value)}"
