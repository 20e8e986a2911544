"""The card of exported weights: what they are, what they were trained on, how good they are."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from galaxynet.phrases import count
from galaxynet.report.output import escape_markdown
from galaxynet.report.wording import NONE, show_seconds, show_share
from galaxynet.runs import RunRecord
from galaxynet.runs.folder import WEIGHTS
from galaxynet.shipping.figure_rows import figure_rows
from galaxynet.shipping.notes import EXPECTED, Notes

_MOST_CLASSES = 30
_UNITS = 1e6
_PARTS = ("train", "validation", "test")


def card(record: RunRecord, recipe: Sequence[str], notes: Notes, extras: Sequence[str]) -> str:
    """The text of `card.md`.

    Args:
        record: The record of the exported run; `name` is the weights' name.
        recipe: The words of the command that trains them.
        notes: The author's part.
        extras: What the folder holds besides the weights, in a few words each.
    """
    use = f"galaxynet predict {shlex.quote(record.name)} images/ -o catalogue.csv"
    parts = [
        f"# {record.name}",
        notes.introduction,
        _table(("property", "value"), _properties(record, extras)),
        _code(use),
        "## Data",
        _table(("samples", "number"), _samples(record)),
        "## Recipe",
        _code(shlex.join(recipe)),
        _recipe_sentence(record),
        "## Test figures",
        _figures_sentence(record),
        _table(("figure", "value", "95% interval", "samples"), figure_rows(record)),
        "## Rounding",
        rounding_sentence(record),
    ]
    for title in dict.fromkeys((*EXPECTED, *notes.sections)):
        parts += [f"## {title}", notes.sections.get(title) or "The author does not say."]
    return "\n\n".join(filter(None, parts)) + "\n"


def rounding_sentence(record: RunRecord) -> str:
    """By how much the 16-bit network differs from the run's."""
    assert record.exported is not None
    values, again = record.exported.rounding, record.exported.metrics
    text = "Matrices and convolutions are stored as 16-bit floats (float16), vectors and scalars in 32 bits."
    samples = int(values.get("samples") or 0)
    if values.get("max") is not None:
        text += (
            f" On the {count(samples, 'test sample')}, the numbers in the output differ from those of the "
            f"unrounded network by {values['max']:.2g} at most and {values['mean']:.2g} on average, and "
            f"{count(int(values.get('labels') or 0), 'label')} of {samples:,} changed."
        )
    before, after = record.metrics.get(record.metric), again.get(record.metric)
    if before is not None and after is not None:
        text += (
            f" The {record.metric.replace('/', ' ')}, measured again, is {_exact(after)}; before rounding it "
            f"was {_exact(before)}."
        )
    if record.exported.set_coverage:
        shares = ", ".join(
            f"{show_share(share)} of the test samples where {float(promised):.0%} is promised"
            for promised, share in record.exported.set_coverage.items()
            if share is not None
        )
        text += f" The sets of classes, measured again, hold the true class of {shares}."
    return text


def _properties(record: RunRecord, extras: Sequence[str]) -> Iterator[tuple[str, str]]:
    assert record.exported is not None
    model = record.model
    yield "network", f"{model.name} of {model.distribution} {model.version}"
    yield "parameters", f"{record.parameters:,}"
    yield "task", record.task
    if record.preprocessing:
        yield "input", _input(record.preprocessing)
    if record.vote_tree:
        questions: Any = record.vote_tree.get("questions", [])
        yield "output", f"vote fractions of {count(len(questions), 'question')}"
    elif record.classes:
        shown = record.classes[:_MOST_CLASSES]
        yield "classes", ", ".join(shown) + (", ..." if len(shown) < len(record.classes) else "")
    temperature = record.calibration.get("temperature")
    if isinstance(temperature, int | float):
        yield "calibration", f"temperature {temperature:.4g}, fitted to the validation part"
    intervals: Any = record.calibration.get("vote_intervals")
    if isinstance(intervals, Mapping) and intervals.get("concentrations"):
        questions = intervals["concentrations"]
        yield "intervals", f"90 % ones of the shares of {', '.join(questions).replace('_', ' ')}"
    if extras:
        yield "besides", ", ".join(extras)
    yield "trained", f"{record.started:%Y-%m-%d}, on {record.dataset.name}"
    yield "file", f"`{WEIGHTS}`, {record.exported.size / _UNITS:.2f} MB"
    yield "SHA-256", f"`{record.exported.sha256}`"


def _input(values: Mapping[str, Any]) -> str:
    colours = {"gray": "gray", "rgb": "RGB"}.get(str(values.get("channels")), str(values.get("channels")))
    text = f"{values.get('width')} x {values.get('height')} pixels, {colours}"
    crop, frame = values.get("crop"), values.get("frame")
    if crop:
        text += f", of the central {crop} pixels" + (f" of {frame}" if frame else "")
    return text


def _samples(record: RunRecord) -> Iterator[tuple[str, str]]:
    for part in sorted(record.splits, key=_parts_order):
        yield part, f"{record.splits[part]:,}"
    for name, number in list(zip(record.classes, record.class_counts, strict=False))[:_MOST_CLASSES]:
        yield f"train: {name}", f"{number:,}"
    for name, value in record.data.items():
        if isinstance(value, Mapping):
            title = name.replace("_", " ")
            yield from ((f"{title}: {key}", _show(number)) for key, number in value.items())
        elif isinstance(value, int | float | str) and not isinstance(value, bool):
            yield name.replace("_", " "), _show(value)


def _parts_order(part: str) -> int:
    return _PARTS.index(part) if part in _PARTS else len(_PARTS)


def _recipe_sentence(record: RunRecord) -> str:
    versions = record.environment.versions
    used = ", ".join(
        f"{title} {versions[name]}"
        for name, title in (("galaxynet", "galaxynet"), ("torch", "PyTorch"), ("lightning", "Lightning"))
        if name in versions
    )
    device = f"{record.devices} x {record.device}" if record.devices > 1 else record.device
    if record.accelerator == "cpu" and record.environment.cores:
        device += f" ({count(record.environment.cores, 'core')})"
    return (
        f"{count(record.epochs, 'epoch')} in {show_seconds(record.seconds.get('train'))} on {device}, "
        f"{record.precision}, seed {record.seed}" + (f"; {used}." if used else ".")
    )


def _figures_sentence(record: RunRecord) -> str:
    text = "Of the run that was exported, on its test part, which the training did not see."
    if record.test_set:
        text += f" The set of test samples has the digest `{record.test_set}`."
    return text


def _exact(value: float) -> str:
    return f"{value:.6g}"


def _show(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _code(text: str) -> str:
    return f"```sh\n{text}\n```"


def _cell(text: str) -> str:
    is_code = text.startswith("`") or text.endswith("`")
    return text if is_code else escape_markdown(text)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cell or NONE for cell in line)} |" for line in lines)
