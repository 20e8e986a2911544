"""A run in the terminal: its record in panels."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from galaxynet.report.table import STATUS_STYLE
from galaxynet.report.wording import (
    NONE,
    interval_of,
    label_results,
    listed_modules,
    show_interval,
    show_metric,
    show_parameters,
    show_result,
    show_seconds,
)
from galaxynet.runs import InitialWeights, Run, TeacherRun
from galaxynet.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

Lines = list[tuple[str, str]]


def run_panels(run: Run, width: int) -> RenderableType:
    """A run's record in panels: result, options, data, times, environment, command.

    Args:
        run: The run.
        width: Terminal cells in a line, which decide how many panels stand side by side.
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
        _panel("weights", _weights(record.weights)),
        _panel("teachers", _teachers(record.teachers)),
        _panel("samples", [(name, f"{count:,}") for name, count in _in_phase_order(record.splits)]),
        _panel("data", _options(record.data)),
        _panel("time", _time(run)),
        _panel(
            "metrics", [(name, show_metric(name, value)) for name, value in sorted(record.metrics.items())]
        ),
        _panel("environment", _environment(run)),
    ]
    parts.append(_arrange([block for block in blocks if block is not None], width))
    if record.command:
        parts += [Text("command", style="bold"), Text(printable("  " + shlex.join(record.command)))]
    return Group(*parts)


def _weights(weights: InitialWeights | None) -> Lines:
    """The weights that the training began with."""
    if weights is None:
        return []
    lines = [
        ("of", f"{weights.name} ({weights.model})"),
        ("run", weights.run if weights.run != weights.name else ""),
        ("tensors", f"{weights.taken:,} of {weights.tensors:,}"),
        ("taken", listed_modules(weights.modules)),
        ("new", listed_modules(weights.new)),
        ("digest", weights.digest),
        *(("differs", note) for note in weights.notes),
    ]
    return [line for line in lines if line[1]]


def _teachers(teachers: Sequence[TeacherRun]) -> Lines:
    """The networks that taught this one."""
    return [
        (teacher.run, f"{teacher.name} ({teacher.model}), digest {teacher.digest}") for teacher in teachers
    ]


def result_lines(run: Run) -> Lines:
    """The metric with its interval, the majority class and the published figure.

    A published figure of another metric is named, below the run's own value of that metric.
    """
    record = run.record
    lines = [(record.metric.replace("/", " "), show_result(record))]
    interval = interval_of(record)
    if interval:
        lines.append(("95% interval", show_interval(interval, record.metric)))
    if record.baseline:
        lines.append(
            (f"always {record.baseline.label}", show_metric(record.metric, record.baseline.accuracy))
        )
    for table, results in label_results(record).items():
        lines += [(f"{table}, {text}", value) for text, value in results]
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
    lines += [(phase, show_seconds(seconds)) for phase, seconds in _in_phase_order(record.seconds)]
    lines.append(("epochs", str(record.epochs)))
    if record.steps is not None:
        lines.append(("steps", f"{record.steps:,}"))
    if record.samples_per_second:
        lines.append(("samples/s", f"{record.samples_per_second:,.0f}"))
    return lines


def _environment(run: Run) -> Lines:
    record, machine = run.record, run.record.environment
    memory = f"{machine.memory / 2**30:.0f} GiB" if machine.memory else ""
    device = f"{record.devices} x {record.device}" if record.devices > 1 else record.device
    lines = [
        ("device", device),
        ("processes", "" if record.world_size is None else str(record.world_size)),
        ("precision", record.precision),
        ("parameters", show_parameters(record).replace(" parameters", "")),
        ("seed", str(record.seed)),
        ("host", machine.host),
        ("processor", machine.processor),
        ("cores", str(machine.cores or "")),
        ("load", "" if machine.load is None else f"{machine.load:g} at the start"),
        ("memory", memory),
        ("system", machine.system),
        ("Python", machine.python),
        *machine.versions.items(),
        ("git commit", (machine.git or "")[:12]),
    ]
    return [line for line in lines if line[1]]


def _in_phase_order(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Parts of the data or phases of a run, in their order."""
    order = ("prepare", "train", "validation", "test")
    return sorted(values.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))


def _options(values: Mapping[str, Any]) -> Lines:
    return [(name.replace("_", " "), _show(value)) for name, value in values.items()]


def _show(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return NONE
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


def _arrange(blocks: list[tuple[int, RenderableType]], width: int) -> RenderableType:
    """Panels in columns of equal width, each added to the shortest one."""
    from rich.console import Group
    from rich.table import Table

    n_columns = max(1, min(4, width // 48))
    stacks: list[list[RenderableType]] = [[] for _ in range(n_columns)]
    heights = [0] * n_columns
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
    """A panel and its height in lines; None if it is empty."""
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
        # Made printable before the layout, as spelt-out characters take more room.
        grid.add_row(Text(printable(name)), Text(printable(value)))
    return len(lines) + 2, Panel(grid, title=title, title_align="left", border_style="dim")
