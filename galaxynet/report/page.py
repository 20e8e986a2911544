"""A comparison as one page of HTML that needs nothing else: tables, figures and pictures are inside it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import metadata, resources
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxynet.errors import GalaxynetError
from galaxynet.report import seeds_table
from galaxynet.report.columns import columns
from galaxynet.report.gallery import Strip, gallery
from galaxynet.report.inline_svg import inline_svg
from galaxynet.report.rows import Group
from galaxynet.report.seeds import run_labels
from galaxynet.report.table import BEST_STYLE, Content, content, title
from galaxynet.report.wording import interval_of, show_interval, show_metric
from galaxynet.runs import DamagedRun, Run
from galaxynet.terminal import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CURVES = 8
"""Runs whose learning curves can be told apart in one figure of a page."""

_TEMPLATES = "templates"
_CLASSES = {
    BEST_STYLE: "best",
    "green": "finished",
    "cyan": "running",
    "yellow": "interrupted",
    "magenta": "diverged",
    "red": "failed",
    "dim": "faint",
}
"""The names in the page's style sheet of what a cell's style is called in a terminal."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, how it looks, and the number or text by which its column is sorted."""

    text: str
    kind: str = ""
    key: Any = None


@dataclass(frozen=True)
class Sheet:
    """A table: headings, which columns are numbers, rows, and the rows of the majority class."""

    titles: Sequence[str]
    rights: Sequence[bool]
    rows: Sequence[Sequence[Cell]]
    feet: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Plot:
    """A figure: its heading, the `<svg>` element, a line beneath it, and whether it takes the whole width."""

    title: str
    svg: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """What the page says of the runs of one table.

    Attributes:
        title: What is compared.
        why: Why these runs stand apart from those of the first table, or empty.
        sheet: The table.
        notes: Lines beneath the table.
        plots: The figures.
        best: The best run in a few words, or empty.
        strips: The rows of its gallery.
        missing: Why there is no figure or gallery; a line each.
    """

    title: str
    why: str
    sheet: Sheet
    notes: Sequence[str]
    plots: Sequence[Plot]
    best: str
    strips: Sequence[Strip]
    missing: Sequence[str]


@dataclass(frozen=True)
class Choice:
    """What a person chose of the tables.

    Attributes:
        names: The columns; the usual ones if none are named.
        over_seeds: Whether runs that differ in their seed alone are taken together.
        top: The most rows of a table of configurations; None for all.
        conditions: What the runs had to meet to be here.
    """

    names: Sequence[str] = ()
    over_seeds: bool = False
    top: int | None = None
    conditions: Sequence[str] = ()


def page(
    groups: Sequence[Group],
    data_dir: Path,
    choice: Choice | None = None,
    *,
    test: str = "",
    damaged: Sequence[DamagedRun] = (),
) -> str:
    """The whole page.

    What cannot be drawn is said in its place; it does not stop the rest.

    Args:
        groups: The tables.
        data_dir: The folder of the datasets, for the galleries.
        choice: What a person chose of the tables.
        test: The sentence of the test for a difference, for two runs.
        damaged: Folders that could not be read.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    choice = choice or Choice()
    sections = [_section(group, number, data_dir, choice) for number, group in enumerate(groups, 1)]
    environment = Environment(
        loader=PackageLoader("galaxynet.report", _TEMPLATES),
        autoescape=True,  # names of runs, classes and options are other people's text
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    now = datetime.now().astimezone()
    return environment.get_template("page.html.j2").render(
        heading=_heading(groups),
        moment=now.isoformat(timespec="seconds"),
        when=f"{now:%d %B %Y, %H:%M} {now:%Z}".strip(),
        version=metadata.version("galaxynet"),
        style=_text("page.css"),
        script=_text("page.js"),
        script_digest=base64.b64encode(hashlib.sha256(_text("page.js").encode()).digest()).decode(),
        sections=sections,
        test=test,
        damaged=damaged,
        choice=choice,
    )


def _finalized(value: Any) -> Any:
    """A value as the page gets it: nothing turns the direction of writing around; our own HTML stays."""
    return printable(value) if type(value) is str else value


def _text(name: str) -> str:
    return (resources.files("galaxynet.report") / _TEMPLATES / name).read_text(encoding="utf-8")


def _heading(groups: Sequence[Group]) -> str:
    count = sum(len(group.rows) for group in groups)
    names = list(dict.fromkeys(group.first.record.dataset.name for group in groups))
    on = f" on {', '.join(names)}" if names else ""
    return f"{count:,} run{'s' * (count != 1)}{on}"


def _section(group: Group, number: int, data_dir: Path, choice: Choice) -> Section:
    best = group.best.run if group.best else None
    plots, missing = _plots(group, best, number)
    strips: list[Strip] = []
    if best is not None:
        try:
            strips = gallery(best, data_dir)
        except GalaxynetError as error:
            missing.append(_no_gallery(error))
    shown = (
        seeds_table.content(group, top=choice.top)
        if choice.over_seeds
        else content(group, names=choice.names or _usual(group))
    )
    words = "" if best is None else _best_words(best, alone=len(group.rows) == 1)
    return Section(title(group), group.why, _sheet(shown), shown.notes, plots, words, strips, missing)


def _no_gallery(error: GalaxynetError) -> str:
    hint = error.hint.rstrip(".")
    way = f"{hint}, and make this page again" if hint else "Make this page again where the data are"
    return f"No gallery: {error.message} {way} (--data-dir names the folder of the datasets)."


def _usual(group: Group) -> list[str]:
    """The usual columns, without the network where the title names it."""
    return [column.name for column in columns(group) if column.name != "model" or not column.same(group)]


def _sheet(shown: Content) -> Sheet:
    rows = [
        [
            Cell(text, _CLASSES.get(line.styles.get(number, ""), ""), key)
            for number, (text, key) in enumerate(zip(line.cells, values, strict=True))
        ]
        for line, values in zip(shown.lines, shown.keys, strict=False)
    ]
    feet = [[Cell(text) for text in line.cells] for line in shown.lines[len(rows) :]]
    return Sheet(shown.titles, shown.rights, rows, feet)


def _best_words(run: Run, alone: bool) -> str:
    record = run.record
    value = show_metric(record.metric, record.metrics.get(record.metric))
    interval = interval_of(record)
    sure = f", 95% interval {show_interval(interval)}" if interval else ""
    which = "" if alone else "the best run, "
    return f"{which}{run.label} ({record.metric.replace('/', ' ')} {value}{sure})"


def _plots(group: Group, best: Run | None, number: int) -> tuple[list[Plot], list[str]]:
    from galaxynet.report.figures.confusion import confusion_matrix
    from galaxynet.report.figures.curves import learning_curves
    from galaxynet.report.figures.tradeoff import metric_over_time

    metric = group.first.record.metric.replace("/", " ")
    runs = [row.run for row in group.rows]
    few = runs[:MOST_CURVES]
    if not group.order:  # in a legend one looks for a name
        labels = dict(zip(map(id, few), run_labels(few), strict=True))
        few = sorted(few, key=lambda run: _natural(labels[id(run)]))
    some = f"The first {len(few)} of the {len(runs)} runs in the table." if len(few) < len(runs) else ""
    wanted: list[tuple[str, str, bool, Callable[[], Figure]]] = []
    if len(runs) > 1:  # a single point shows nothing
        wanted.append((f"{metric} over training time", "", False, lambda: metric_over_time(group)))
    if best is not None and best.record.task == "classification":
        wanted.append((f"Confusion matrix of {best.label}", "", False, lambda: confusion_matrix([best])))
    wanted.append(("Learning curves", some, True, lambda: learning_curves(few)))
    plots, missing = [], []
    for place, (name, caption, wide, function) in enumerate(wanted, 1):
        heading = name[0].upper() + name[1:]
        try:
            svg = _drawn(function, f"figure-{number}-{place}", f"{heading}: {title(group)}")
        except GalaxynetError as error:
            missing.append(f"{heading}: {error.message}")
            continue
        plots.append(Plot(heading, svg, caption, wide))
    narrow = [plot for plot in plots if not plot.wide]
    if len(narrow) == 1:  # nothing stands beside it
        plots = [replace(plot, wide=True) for plot in plots]
    return plots, missing


def _natural(label: str) -> list[tuple[float, str]]:
    """By what a name is sorted: numbers in it by their size, the rest by letters."""
    return [
        (float(part), "") if number else (0.0, part.lower())
        for number, part in zip(cycle((False, True)), re.split(r"(\d+(?:\.\d+)?(?:e-?\d+)?)", label))
    ]


def _drawn(function: Callable[[], Figure], prefix: str, description: str) -> str:
    from galaxynet.report.figures.style import styled

    with styled():
        figure = function()
        figure.suptitle("")  # the page has a heading for it
        return inline_svg(figure, prefix, description)
