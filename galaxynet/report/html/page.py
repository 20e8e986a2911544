"""A comparison as one self-contained HTML page with tables, figures and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from galaxynet.errors import GalaxynetError
from galaxynet.phrases import count
from galaxynet.report.comparison import comparison_table, run_columns, title
from galaxynet.report.html.gallery import Strip, gallery
from galaxynet.report.html.inline_svg import inline_svg
from galaxynet.report.html.rendering import render
from galaxynet.report.rows import Group
from galaxynet.report.seeds import run_labels, seeds_table
from galaxynet.report.table import Table
from galaxynet.report.wording import interval_of, natural_key, show_interval, show_metric
from galaxynet.runs import DamagedRun, Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CURVES = 8
"""The most learning curves that are legible in one figure."""


@dataclass(frozen=True)
class Plot:
    """A figure: its heading, the `<svg>` element, a caption, and whether it takes the whole width."""

    title: str
    svg: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """The part of the page on one table.

    Attributes:
        table: The table, with its title, subtitle and footer.
        plots: The figures.
        best: The best run in a few words, or empty.
        strips: The rows of its gallery.
        missing: Why a figure or the gallery is missing; a line each.
    """

    table: Table
    plots: Sequence[Plot]
    best: str
    strips: Sequence[Strip]
    missing: Sequence[str]


def render_page(
    groups: Sequence[Group],
    data_dir: Path,
    *,
    names: Sequence[str] = (),
    over_seeds: bool = False,
    top: int | None = None,
    conditions: Sequence[str] = (),
    test: str = "",
    damaged: Sequence[DamagedRun] = (),
) -> str:
    """The page as HTML. A figure that cannot be drawn is replaced by the reason.

    Args:
        groups: The tables.
        data_dir: The folder of the datasets, for the galleries.
        names: The columns; the usual ones if none are named.
        over_seeds: True to summarise runs that differ only in their seed.
        top: Most rows of a table of configurations; None for all.
        conditions: The conditions that the runs met.
        test: The result of the significance test of two runs, as a sentence.
        damaged: Folders that could not be read.
    """
    sections = []
    for number, group in enumerate(groups, 1):
        table = (
            seeds_table(group, top=top)
            if over_seeds
            else comparison_table(group, names=names or _usual_names(group))
        )
        sections.append(_section(group, number, table, data_dir))
    return render(
        "page.html.j2",
        heading=_heading(groups),
        script="page.js",
        sections=sections,
        test=test,
        damaged=damaged,
        conditions=conditions,
    )


def _heading(groups: Sequence[Group]) -> str:
    n_runs = sum(len(group.rows) for group in groups)
    names = list(dict.fromkeys(group.first.record.dataset.name for group in groups))
    on = f" on {', '.join(names)}" if names else ""
    return f"{count(n_runs, 'run')}{on}"


def _section(group: Group, number: int, table: Table, data_dir: Path) -> Section:
    best = group.best.run if group.best else None
    plots, missing = _plots(group, best, number)
    strips: list[Strip] = []
    if best is not None:
        try:
            strips = gallery(best, data_dir)
        except GalaxynetError as error:
            missing.append(_no_gallery(error))
    label = "" if best is None else _describe_best(best, alone=len(group.rows) == 1)
    return Section(table, plots, label, strips, missing)


def _no_gallery(error: GalaxynetError) -> str:
    hint = error.hint.rstrip(".")
    remedy = f"{hint}, then create this page again" if hint else "Create this page again where the data are"
    return f"No gallery: {error.message} {remedy} (--data-dir sets the folder of the datasets)."


def _usual_names(group: Group) -> list[str]:
    """The usual columns, without the network if the title names it."""
    several = len({row.run.record.model.name for row in group.rows}) > 1
    return [column.key for column in run_columns(group) if column.key != "model" or several]


def _describe_best(run: Run, alone: bool) -> str:
    record = run.record
    value = show_metric(record.metric, record.metrics.get(record.metric))
    interval = interval_of(record)
    suffix = f", 95% interval {show_interval(interval, record.metric)}" if interval else ""
    prefix = "" if alone else "the best run, "
    return f"{prefix}{run.label} ({record.metric.replace('/', ' ')} {value}{suffix})"


def _plots(group: Group, best: Run | None, number: int) -> tuple[list[Plot], list[str]]:
    from galaxynet.report.figures.drawing import compose
    from galaxynet.report.figures.tradeoff import metric_over_time

    metric = group.first.record.metric.replace("/", " ")
    runs = [row.run for row in group.rows]
    few = runs[:MAX_CURVES]
    if not group.order:  # in a legend one looks for a name
        labels = dict(zip(map(id, few), run_labels(few), strict=True))
        few = sorted(few, key=lambda run: natural_key(labels[id(run)]))
    some = f"The first {len(few)} of the {len(runs)} runs in the table." if len(few) < len(runs) else ""
    candidates: list[tuple[str, str, bool, Callable[[], Figure]]] = []
    if len(runs) > 1:  # a single point shows no relation
        candidates.append((f"{metric} over training time", "", False, lambda: metric_over_time(group)))
    if best is not None and best.record.task == "classification":
        candidates.append(
            (f"Confusion matrix of {best.label}", "", False, lambda: compose([best], "confusion"))
        )
    if best is not None and best.record.vote_tree:
        candidates.append((f"Votes of {best.label}", "", True, lambda: compose([best], "votes")))
    candidates.append(("Learning curves", some, True, lambda: compose(few, "learning-curves")))
    plots, missing = [], []
    for index, (name, caption, wide, function) in enumerate(candidates, 1):
        heading = name[0].upper() + name[1:]
        try:
            svg = _draw(function, f"figure-{number}-{index}", f"{heading}: {title(group)}")
        except GalaxynetError as error:
            missing.append(f"{heading}: {error.message}")
            continue
        plots.append(Plot(heading, svg, caption, wide))
    narrow = [plot for plot in plots if not plot.wide]
    if len(narrow) == 1:  # it has the row to itself
        plots = [replace(plot, wide=True) for plot in plots]
    return plots, missing


def _draw(function: Callable[[], Figure], prefix: str, description: str) -> str:
    from galaxynet.report.figures.style import styled

    with styled():
        figure = function()
        figure.suptitle("")  # the page has a heading for it
        return inline_svg(figure, prefix, description)
