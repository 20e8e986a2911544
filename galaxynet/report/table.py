"""A comparison as a table for the terminal, which leaves out the lesser columns where there is no room."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.markup import escape

from galaxynet import terminal
from galaxynet.report.columns import ASKED_EPOCHS, GOES_FIRST, NONE, SAME_GOES_FIRST, Column, columns
from galaxynet.report.layout import GAP, Line, lay_out
from galaxynet.report.rows import PUBLISHED, Group, Row
from galaxynet.report.wording import UNDEFINED, show_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console, RenderableType
    from rich.text import Text

    from galaxynet.runs import DamagedRun

_PIPED_WIDTH = 180

BEST_STYLE = "bold green"
STATUS_STYLE = {
    "finished": "green",
    "running": "cyan",
    "interrupted": "yellow",
    "diverged": "magenta",
    "failed": "red",
    "damaged": "red",
}


def title(group: Group) -> str:
    """What the table compares: `galaxy_alexnet on galaxy-zoo: test accuracy on 1,000 samples`."""
    record = group.first.record
    models = list(dict.fromkeys(row.run.record.model.name for row in group.rows))
    samples = record.splits.get("test")
    on = f" on {samples:,} samples" if samples else ""
    what = models[0] if len(models) == 1 else f"{len(models)} networks"
    return f"{what} on {record.dataset.name}: {record.metric.replace('/', ' ')}{on}"


def title_text(group: Group) -> Text:
    """The title, and why the table stands apart."""
    from rich.text import Text

    head = Text(title(group), style="bold")
    if group.why:
        head.append(f"\nin a table of its own: {group.why}", style="not bold yellow")
    return head


def majority_lines(group: Group) -> list[tuple[str, float]]:
    """Label and accuracy of the majority class; more than one if the runs' training parts differ in it."""
    found = {(base.label, base.accuracy) for row in group.rows if (base := row.run.record.baseline)}
    return sorted(found, key=lambda line: -line[1])


def table(group: Group, width: int, names: Sequence[str] = ()) -> RenderableType:
    """The table of a group.

    Args:
        group: The runs.
        width: Cells that there are in a line.
        names: The columns; the usual ones if none are named, of which some are left out if need be.
    """
    from rich.console import Group as Stack
    from rich.padding import Padding
    from rich.text import Text

    shown = columns(group, names)
    dropped: list[Column] = []
    if not names:
        shown, dropped = _fit(group, shown, width)
    laid = lay_out(
        [column.title for column in shown], [column.number for column in shown], lines(group, shown), width
    )
    return Stack(
        title_text(group),
        laid,
        *[Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in notes(group, shown, dropped)],
    )


def results_console() -> Console:
    """Standard output; where it is no terminal and COLUMNS is not set, wide enough for every column."""
    from rich.console import Console

    # A console reads COLUMNS when it is made, so a new one is made where that is what counts.
    if terminal.results().is_terminal:
        return terminal.results()
    return Console(width=None if os.environ.get("COLUMNS") else _PIPED_WIDTH, highlight=False)


def print_damaged(damaged: Iterable[DamagedRun]) -> None:
    """A line for each damaged folder, on standard error."""
    for run in damaged:
        line = f"[yellow]damaged[/yellow] {escape(str(run.path))}: {escape(run.reason)}"
        terminal.notes().print(line, soft_wrap=True)


def lines(group: Group, shown: Sequence[Column]) -> list[Line]:
    """The rows of a table, the best one marked, and those of the majority class."""
    # Nothing is best where there is nothing to beat.
    best = group.best if sum(row.value is not None for row in group.rows) > 1 else None
    found = [_line(row, shown, row is best) for row in group.rows]
    if any(column.name == "value" for column in shown):
        metric = group.first.record.metric
        for number, (label, accuracy) in enumerate(majority_lines(group)):
            cells = {"value": show_metric(metric, accuracy), shown[0].name: _always(label)}
            texts = [cells.get(column.name, "") for column in shown]
            found.append(Line(texts, style="dim", rule=number == 0))
    return found


def _line(row: Row, shown: Sequence[Column], best: bool) -> Line:
    texts = [column.show(row) for column in shown]
    styles = {}
    for number, (column, text) in enumerate(zip(shown, texts, strict=True)):
        if column.name == "status":
            styles[number] = STATUS_STYLE[row.run.status]
        elif column.name == "value" and text == UNDEFINED:
            styles[number] = STATUS_STYLE["diverged"]
        elif best and column.name in ("value", "run"):
            styles[number] = BEST_STYLE
        elif text == NONE:
            styles[number] = "dim"
    return Line(texts, styles)


def _fit(group: Group, shown: list[Column], width: int) -> tuple[list[Column], list[Column]]:
    """Leave columns out until the table fits: first those in which all runs are the same."""
    dropped: list[Column] = []
    by_name = {column.name: column for column in shown}
    same = [name for name in SAME_GOES_FIRST if name in by_name and by_name[name].same(group)]
    # Where runs were to train for different times, the epochs are what tells them apart.
    kept = {"epochs"} if ASKED_EPOCHS in group.differing() else set()
    others = [part for other in group.published() for part in (f"{PUBLISHED}{other}", other)]
    for name in dict.fromkeys([*same, *others, *GOES_FIRST]):
        if sum(_width(group, column) + GAP for column in shown) - GAP <= width:
            break
        if name in by_name and name not in kept:
            dropped.append(by_name[name])
            shown = [column for column in shown if column.name != name]
    return shown, dropped


def _width(group: Group, column: Column) -> int:
    texts = [column.title, *column.cells(group)]
    if column.name == "run":
        texts += [_always(label) for label, _ in majority_lines(group)]
    return max(map(cell_len, texts))


def _always(label: str) -> str:
    return f"always {label}"


def notes(group: Group, shown: Sequence[Column], dropped: Sequence[Column] = ()) -> list[str]:
    """What stands beneath a table: columns without room, sources, and how many rows `--top` left out."""
    found = []
    same = [
        f"{column.title} {column.show(group.rows[0])}"
        for column in dropped
        if column.same(group) and column.name != "model"
    ]
    gone = [column.title for column in dropped if not column.same(group)]
    if same:
        found.append("the same for all: " + ", ".join(same))
    if gone:
        found.append(f"no room for {', '.join(gone)} (see them with --columns or --format csv)")
    if any(column.name.partition("/")[0] == "published" for column in (*shown, *dropped)):
        sources = dict.fromkeys(row.get("source") for row in group.rows if row.get("source"))
        found.append("published: " + "; ".join(sources))
    if group.left_out:
        found.append(f"{group.left_out:,} more runs are left out by --top")
    return found
