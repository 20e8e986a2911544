"""What is printed about a training: the run when it starts, its result and figures when it ends."""

from __future__ import annotations

from galaxynet import terminal
from galaxynet.options import format_value
from galaxynet.phrases import count
from galaxynet.report.wording import (
    interval_of,
    label_results,
    listed_modules,
    metric_samples,
    show_baseline,
    show_interval,
    show_metric,
    show_parameters,
    show_seconds,
)
from galaxynet.runs import InitialWeights, Run

_MAX_CLASSES = 20


def print_start(run: Run) -> None:
    """Print what is trained, on what data, and where the run is kept."""
    record = run.record
    parts = ", ".join(f"{number:,} {part}" for part, number in record.splits.items())
    terminal.note(
        (record.model.name, "bold"),
        f" ({show_parameters(record)}) on ",
        (record.dataset.name, "bold"),
        f": {parts}",
    )
    if record.weights is not None:
        for line in weights_lines(record.weights):
            terminal.note(line)
    if record.teachers:
        terminal.note(f"taught by {', '.join(teacher.name for teacher in record.teachers)}")
    counts = record.data.get("classes")
    if isinstance(counts, dict) and 0 < len(counts) <= _MAX_CLASSES:
        listed = ", ".join(f"{name} {number:,}" for name, number in counts.items())
        terminal.note(f"{len(counts)} classes: {listed}")
    if record.baseline is not None:
        terminal.note(
            f"always answering {record.baseline.label} would score {show_baseline(record)} on the test part"
        )
    terminal.note(f"run {record.id} in {run.path} on {record.device}, {record.precision}")


def weights_lines(weights: InitialWeights) -> list[str]:
    """What a training took over from another run, in lines."""
    new = f"; new: {listed_modules(weights.new)}" if weights.new else ""
    taken = f"{weights.taken:,} of {weights.tensors:,} tensors ({listed_modules(weights.modules)})"
    lines = [f"weights of {weights.name}: {taken}{new}"]
    if weights.options:
        values = ", ".join(
            f"{name.replace('_', ' ')} {format_value(value)}" for name, value in weights.options.items()
        )
        lines.append(f"from the weights: {values}")
    return lines + weights.notes


def report_end(run: Run) -> None:
    """Draw the figures of a finished run and print its result; print why a run diverged."""
    if run.record.status == "diverged":
        terminal.note((run.record.message, "yellow"), f" Kept as {run.path}; a lower --lr may help.")
    elif run.record.status == "finished":
        draw_figures(run)
        _print_result(run)


def draw_figures(run: Run) -> None:
    """Draw the figures of a finished run; what cannot be drawn is a note."""
    from galaxynet.report.figures import write_figures

    try:
        write_figures(run)
    except Exception as error:  # a figure that fails costs a line, not the run
        terminal.note(f"no figures: {error}", style="yellow")


def _print_result(run: Run) -> None:
    record = run.record
    value = record.metrics.get(record.metric)
    if value is None:
        return
    text = ""
    interval = interval_of(record)
    if interval is not None:
        shown = show_interval(interval, record.metric)
        text += f" (95% interval {shown}, {metric_samples(record):,} samples)"
    if record.baseline is not None:
        name = "majority class" if record.task == "classification" else record.baseline.label
        text += f", {name} {show_baseline(record)}"
    reference = record.reference
    if reference is not None:
        published = show_metric(reference.metric, reference.value)
        if reference.metric != record.metric:
            ours = show_metric(reference.metric, record.metrics.get(reference.metric))
            text += f"; {reference.metric} {ours}"
        text += f"; {reference.source}: {published}"
    tables = [
        f"{name}: {', '.join(' '.join(line) for line in lines)}, {record.also[name].samples:,} samples"
        for name, lines in label_results(record).items()
    ]
    rate = f", {record.samples_per_second:,.0f} samples/s" if record.samples_per_second else ""
    terminal.note(f"{record.metric} ", (show_metric(record.metric, value), "bold"), text)
    for table in tables:
        terminal.note(table)
    terminal.note(
        f"trained {count(record.epochs, 'epoch')} in {show_seconds(record.seconds.get('train'))}{rate}"
    )
    if record.task == "language":
        terminal.note(f"generate text with: galaxynet generate {record.id}")
    terminal.note("compare with: galaxynet compare")
