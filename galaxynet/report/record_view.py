"""Everything that a run's record says, as panels for the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from galaxynet.report.table import STATUS_STYLE
from galaxynet.report.wording import UNDEFINED, interval_of, show_interval, show_metric, show_seconds
from galaxynet.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from galaxynet.runs import Run

Lines = list[tuple[str, str]]


def panels(run: Run, width: int) -> RenderableType:
    """The record in panels: result, options, data, times, environment, command.

    Args:
        run: The run.
        width: Cells that there are in a line; it decides how many panels stand side by side.
    """
    from rich.console import Group
    from rich.text import Text

    record = run.record
    head = Text(printable(run.label), style="bold")
    head.append(f"  {record.model.name} on {record.dataset.name}  ", style="not bold")
    head.append(run.status, style=STATUS_STYLE[run.status])
    parts: list[RenderableType] = [head, Text(str(run.path), style="dim")]
    if record.message:
        parts.append(Text(printable(record.message), style="yellow"))
    if run.status == "interrupted":
        parts.append(Text(f"continue with: galaxynet train --resume {record.id}", style="yellow"))
    blocks = [
        _panel("result", result_lines(run)),
        _panel("options of the network", _options(record.options.model)),
        _panel("options of the data", _options(record.options.dataset)),
        _panel("options of the training", _options(record.options.training)),
        _panel("samples", [(name, f"{count:,}") for name, count in _in_order(record.splits)]),
        _panel("data", _options(record.data)),
        _panel("time", _time(run)),
        _panel(
            "metrics", [(name, show_metric(name, value)) for name, value in sorted(record.metrics.items())]
        ),
        _panel("environment", _environment(run)),
    ]
    parts.append(_side_by_side([block for block in blocks if block is not None], width))
    if record.command:
        parts += [Text("made by", style="bold"), Text(printable("  " + shlex.join(record.command)))]
    return Group(*parts)


def result_lines(run: Run) -> Lines:
    """The metric with its interval, the majority class and the published figure.

    If that is one of another metric, it is named, and the run's own value of it stands above.
    """
    record = run.record
    value = record.metrics.get(record.metric)
    shown = UNDEFINED if value is None and run.status == "diverged" else show_metric(record.metric, value)
    lines = [(record.metric.replace("/", " "), shown)]
    interval = interval_of(record)
    if interval:
        lines.append(("95% interval", show_interval(interval)))
    if record.baseline:
        lines.append(
            (f"always {record.baseline.label}", show_metric(record.metric, record.baseline.accuracy))
        )
    if record.reference:
        other, name = record.reference.metric, "published"
        if other != record.metric:
            lines.append((other.replace("/", " "), show_metric(other, record.metrics.get(other))))
            name += " " + other.replace("/", " ")
        lines.append((name, show_metric(other, record.reference.value)))
        lines.append(("", record.reference.source))
    return lines


def _time(run: Run) -> Lines:
    record = run.record
    lines = [("started", record.started.astimezone().strftime("%Y-%m-%d %H:%M:%S"))]
    if record.finished:
        lines.append(("finished", record.finished.astimezone().strftime("%Y-%m-%d %H:%M:%S")))
    lines += [(phase, show_seconds(seconds)) for phase, seconds in _in_order(record.seconds)]
    lines.append(("epochs", str(record.epochs)))
    if record.steps is not None:
        lines.append(("steps", f"{record.steps:,}"))
    if record.samples_per_second:
        lines.append(("samples/s", f"{record.samples_per_second:,.0f}"))
    return lines


def _environment(run: Run) -> Lines:
    record, place = run.record, run.record.environment
    memory = f"{place.memory / 2**30:.0f} GiB" if place.memory else ""
    device = f"{record.devices} x {record.device}" if record.devices > 1 else record.device
    lines = [
        ("device", device),
        ("processes", "" if record.world_size is None else str(record.world_size)),
        ("precision", record.precision),
        ("parameters", f"{record.parameters:,}"),
        ("seed", str(record.seed)),
        ("host", place.host),
        ("processor", place.processor),
        ("cores", str(place.cores or "")),
        ("load", "" if place.load is None else f"{place.load:g} at the start"),
        ("memory", memory),
        ("system", place.system),
        ("Python", place.python),
        *place.versions.items(),
        ("git commit", (place.git or "")[:12]),
    ]
    return [line for line in lines if line[1]]


def _in_order(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The parts of the data and the phases of a run in the order in which they come."""
    order = ("prepare", "train", "validation", "test")
    return sorted(values.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def _options(values: Mapping[str, Any]) -> Lines:
    return [(name.replace("_", " "), _show(value)) for name, value in values.items()]


def _show(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_show(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_show, value))
    return str(value)


def _side_by_side(blocks: list[tuple[int, RenderableType]], width: int) -> RenderableType:
    """Panels in columns of one width, each put where there is most room left."""
    from rich.console import Group
    from rich.table import Table

    number = max(1, min(4, width // 48))
    stacks: list[list[RenderableType]] = [[] for _ in range(number)]
    heights = [0] * number
    for height, block in blocks:
        shortest = heights.index(min(heights))
        stacks[shortest].append(block)
        heights[shortest] += height
    grid = Table.grid(expand=True, padding=(0, 1, 0, 0))
    for _ in stacks:
        grid.add_column(ratio=1)
    grid.add_row(*[Group(*stack) for stack in stacks])
    return grid


def _panel(title: str, lines: Iterable[tuple[str, str]]) -> tuple[int, RenderableType] | None:
    """A panel and its height in lines; None if there is nothing in it."""
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    lines = list(lines)
    if not lines:
        return None
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in lines:
        # Before they are laid out, as what is spelt out takes more room.
        grid.add_row(Text(printable(name)), Text(printable(value)))
    return len(lines) + 2, Panel(grid, title=title, title_align="left", border_style="dim")
