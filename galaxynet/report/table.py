"""A comparison as a table for the terminal, which leaves out the lesser columns where there is no room."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from galaxynet import terminal
from galaxynet.report.columns import ASKED_EPOCHS, GOES_FIRST, NONE, SAME_GOES_FIRST, Column, columns
from galaxynet.report.layout import Line, lay_out, left_out, widest
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


@dataclass(frozen=True)
class Content:
    """What a table says, before it is laid out.

    Attributes:
        titles: The headings.
        rights: Which columns are aligned to the right.
        lines: The rows, and those of the majority class.
        notes: What stands beneath.
        keys: By what each cell is sorted, a list for each row but those of the majority class.
    """

    titles: Sequence[str]
    rights: Sequence[bool]
    lines: Sequence[Line]
    notes: Sequence[str]
    keys: Sequence[Sequence[Any]] = ()


def content(group: Group, width: int | None = None, names: Sequence[str] = ()) -> Content:
    """What the table of a group says.

    Args:
        group: The runs.
        width: Cells that there are in a line; None for any number, so that nothing is left out.
        names: The columns; the usual ones if none are named, of which some are left out if need be.
    """
    shown = columns(group, names)
    dropped: list[Column] = []
    if width is not None and not names:
        shown, dropped = _fit(group, shown, width)
    return Content(
        [column.title for column in shown],
        [column.number for column in shown],
        lines(group, shown),
        notes(group, shown, dropped),
        [
            [row.get("low" if column.name == "interval" else column.name) for column in shown]
            for row in group.rows
        ],
    )


def table(group: Group, width: int, names: Sequence[str] = ()) -> RenderableType:
    """The table of a group, for a terminal of that width."""
    return rendered(group, content(group, width, names), width)


def rendered(group: Group, made: Content, width: int) -> RenderableType:
    """A table with its title and what stands beneath it."""
    from rich.console import Group as Stack

    laid = lay_out(made.titles, made.rights, made.lines, width)
    return Stack(title_text(group), laid, *[beneath(note, width) for note in made.notes])


def beneath(note: str, width: int, style: str = "dim") -> Text:
    """A note beneath a table, indented, and without the blanks that a padded text ends its lines with."""
    from rich.text import Text

    wrapped = Text(terminal.printable(note), style=style).wrap(results_console(), width - 2)
    for line in wrapped:
        line.rstrip()
    return Text("\n").join(Text("  ").append_text(line) for line in wrapped)


def results_console() -> Console:
    """Standard output; where it is no terminal and COLUMNS is not set, wide enough for every column."""
    from galaxynet.console import PrintableConsole

    # A console reads COLUMNS when it is made, so a new one is made where that is what counts.
    if terminal.results().is_terminal:
        return terminal.results()
    return PrintableConsole(width=None if os.environ.get("COLUMNS") else _PIPED_WIDTH, highlight=False)


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
            cells = {"value": show_metric(metric, accuracy), shown[0].name: always(label)}
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
    by_name = {column.name: column for column in shown}
    same = [name for name in SAME_GOES_FIRST if name in by_name and by_name[name].same(group)]
    # Where runs were to train for different times, the epochs are what tells them apart.
    kept = {"epochs"} if ASKED_EPOCHS in group.differing() else set()
    others = [part for other in group.published() for part in (f"{PUBLISHED}{other}", other)]
    first = [name for name in (*same, *others, *GOES_FIRST) if name not in kept]
    # An option that tells runs apart goes before what says how sure their accuracy is.
    options = [name for name in by_name if name in group.differing()]
    last = (*reversed(options), "model", "epochs", "interval")
    widths = widest([column.title for column in shown], lines(group, shown))
    sizes = {column.name: (room, column.number) for column, room in zip(shown, widths, strict=True)}
    gone = left_out(sizes, width, first, last)
    return [column for column in shown if column.name not in gone], [by_name[name] for name in gone]


def always(label: str) -> str:
    """The heading of a row of the majority class."""
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
