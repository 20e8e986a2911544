"""The test figures of a run as rows, each with its interval and number of samples."""

from __future__ import annotations

import re

from galaxynet.evaluation.intervals import accuracy_interval
from galaxynet.report.wording import measured, metric_samples, percentage_metric, show_interval, show_metric
from galaxynet.runs import RunRecord

_PART = "test/"
_COUNT = "samples"
_ENDS = ("_low", "_high")
_LOSS = "test/loss"
_AGREED = re.compile("agreed([0-9]+)/([^/]+)/accuracy")


def figure_rows(record: RunRecord) -> list[tuple[str, str, str, str]]:
    """Name, value, 95 % interval and samples of each figure.

    The metric by which runs are compared comes first, then what always giving the same answer scores, then
    accuracies.
    """
    names = [name for name in record.metrics if name.startswith(_PART) and name not in (record.metric, _LOSS)]
    rows = [_row(record, record.metric)] if record.metric in record.metrics else []
    if record.baseline:
        baseline = record.baseline
        value = show_metric(record.metric, baseline.accuracy)
        rows.append((f"always {baseline.label}", value, "", f"{baseline.samples:,}"))
    names.sort(key=lambda name: (not percentage_metric(name), _label(record, name)))
    return rows + [_row(record, name) for name in names if not _belongs_to_another(record, name)]


def _belongs_to_another(record: RunRecord, name: str) -> bool:
    """True for the end of an interval, and for a number of samples."""
    is_end = any(name.endswith(end) and name.removesuffix(end) in record.metrics for end in _ENDS)
    return is_end or name.endswith((f"/{_COUNT}", f"_{_COUNT}"))


def _row(record: RunRecord, name: str) -> tuple[str, str, str, str]:
    value = measured(record.metrics[name])
    samples = _samples(record, name)
    interval = _interval(record, name, value, samples)
    return (
        _label(record, name),
        show_metric(name, value),
        show_interval(interval, name) if interval else "",
        f"{samples:,}" if samples else "",
    )


def _label(record: RunRecord, name: str) -> str:
    """A metric in words."""
    name = name.removeprefix(_PART)
    if agreed := _AGREED.fullmatch(name):
        name = f"{agreed[2]} accuracy where {agreed[1]}% agree"
    for table in record.also:
        if name == f"{table}_accuracy":
            name = f"{table} accuracy, own logits"
        elif name == f"{table}/accuracy":
            name = f"{table} accuracy, from votes"
    return name.replace("/", " ").replace("_", " ")


def _samples(record: RunRecord, name: str) -> int:
    """Those that the metric itself names, `test/plurality/samples`, or those with votes, or the test part."""
    own = record.metrics.get(f"{name.rpartition('/')[0]}/{_COUNT}")
    if own is not None:
        return int(own)
    table = record.also.get(name.removeprefix(_PART).removesuffix("_accuracy"))
    return table.samples if table else metric_samples(record)


def _interval(record: RunRecord, name: str, value: float | None, samples: int) -> tuple[float, float] | None:
    low, high = (measured(record.metrics.get(name + end)) for end in _ENDS)
    if low is not None and high is not None:
        return low, high
    is_share = value is not None and percentage_metric(name) and 0 <= value <= 1 and samples > 0
    return accuracy_interval(value, samples) if is_share and value is not None else None
