"""The list of all runs, newest first, damaged folders among them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from galaxynet.report.columns import NONE
from galaxynet.report.table import STATUS_STYLE
from galaxynet.report.wording import UNDEFINED, metric_name, show_metric, show_seconds
from galaxynet.runs import DamagedRun, Run
from galaxynet.runs.folder import FOLDER_NAME

if TYPE_CHECKING:
    from rich.table import Table

HEADER = ("run", "started", "status", "model", "dataset", "test", "training")
RIGHT = ("test", "training")


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
        return [short, NONE, "damaged", *[NONE] * 4]
    record = run.record
    return [
        f"{record.name} {record.id}".strip(),
        record.started.astimezone().strftime("%Y-%m-%d %H:%M"),
        run.status,
        record.model.name,
        record.dataset.name,
        _result(run),
        show_seconds(record.seconds.get("train")),
    ]


def listing(found: Iterable[Run | DamagedRun]) -> Table:
    """The list as a table for the terminal."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for title in HEADER:
        table.add_column(
            title,
            justify="right" if title in RIGHT else "left",
            overflow="fold",
            no_wrap=title in ("started", "status", *RIGHT),
        )
    for run in found:
        texts = [escape(text) for text in cells(run)]
        style = "red" if isinstance(run, DamagedRun) else STATUS_STYLE[run.status]
        texts[2] = f"[{style}]{texts[2]}[/]"
        table.add_row(*texts, style="dim" if isinstance(run, DamagedRun) else "")
    return table


def _result(run: Run) -> str:
    record = run.record
    value = record.metrics.get(record.metric)
    if value is None:
        return UNDEFINED if run.status == "diverged" else NONE
    return f"{metric_name(record.metric)} {show_metric(record.metric, value)}"
