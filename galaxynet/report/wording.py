"""Metrics, times and options in words, the same in tables, panels and figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from galaxynet.evaluation.intervals import accuracy_interval
from galaxynet.phrases import duration
from galaxynet.untrusted import LARGEST

if TYPE_CHECKING:
    from galaxynet.evaluation.scores import Share
    from galaxynet.runs import Run, RunRecord

NONE = "–"
"""An empty cell."""

UNDEFINED = "undefined loss"
_NEARLY = 0.05
_MANY = 1000
_PERCENTAGE = re.compile("(^|[/_])accuracy(_low|_high)?(/|$)")
_NUMBER = re.compile(r"((?:(?<!\w)-)?\d+(?:\.\d+)?(?:e-?\d+)?)")
_MAX_MODULES = 6


def measured(value: float | None) -> float | None:
    """A number of a record, or None if float32 cannot hold it.

    No training measured that, and the mean of two such numbers would overflow.
    """
    return value if value is not None and abs(value) < LARGEST else None


def metric_name(metric: str) -> str:
    """`accuracy` for `test/accuracy`."""
    return metric.rpartition("/")[2]


def percentage_metric(metric: str) -> bool:
    """True if a metric is a share of samples, shown in per cent and with a Wilson interval."""
    return _PERCENTAGE.search(metric) is not None


def interval_of(record: RunRecord) -> tuple[float, float] | None:
    """The 95 % interval of the metric by which a run is compared; None if there is none.

    That of an accuracy is computed; another metric has one if the test recorded its ends, as the metrics
    `<metric>_low` and `<metric>_high`.
    """
    value = record.metrics.get(record.metric)
    low, high = (measured(record.metrics.get(f"{record.metric}_{end}")) for end in ("low", "high"))
    if value is not None and low is not None and high is not None and low <= high:
        return low, high
    samples = record.splits.get("test", 0)
    if value is None or samples < 1 or not percentage_metric(record.metric) or not 0 <= value <= 1:
        return None
    return accuracy_interval(value, samples)


def metric_samples(record: RunRecord) -> int:
    """The number of test samples behind the metric of a run: all, unless the test recorded fewer."""
    fewer, samples = measured(record.metrics.get(f"{record.metric}_samples")), record.splits.get("test", 0)
    return samples if fewer is None else min(max(int(fewer), 0), samples)


def label_results(record: RunRecord) -> dict[str, list[tuple[str, str]]]:
    """The accuracies of each table of classes that is learnt beside vote fractions, in words."""
    tables = {}
    for name, majority in record.also.items():
        lines = []
        for text, metric in (
            ("own logits", f"test/{name}_accuracy"),
            ("from votes", f"test/{name}/accuracy"),
        ):
            value = measured(record.metrics.get(metric))
            if value is not None and 0 <= value <= 1 and majority.samples:
                interval = show_interval(accuracy_interval(value, majority.samples))
                lines.append((text, f"{show_metric(metric, value)} ({interval})"))
        tables[name] = [*lines, (f"always {majority.label}", show_metric("accuracy", majority.accuracy))]
    return tables


def show_metric(metric: str, value: float | None) -> str:
    """A metric for a reader: `70.2%`, `99.11%`, four digits, a whole number, or a dash."""
    if value is None:
        return NONE
    if 1e4 <= abs(value) < 1e9:  # four digits of these would be written with an exponent
        return f"{value:,.0f}"
    return show_share(value) if percentage_metric(metric) else f"{value:,.4g}"


def show_share(value: float) -> str:
    """A share in per cent, in as many digits as it deserves."""
    return f"{value:.{share_digits(value)}%}"


def share_cells(share: Share) -> tuple[str, str, str]:
    """A share, its 95 % interval, and how many samples it is of."""
    if share.value is None or share.interval is None:
        return NONE, "", f"{share.samples:,}"
    # A few hundred samples do not determine a hundredth of a per cent.
    digits = share_digits(share.value) if share.samples >= _MANY else 1
    return f"{share.value:.{digits}%}", show_interval(share.interval, digits=digits), f"{share.samples:,}"


def show_interval(interval: tuple[float, float], metric: str = "accuracy", digits: int | None = None) -> str:
    """`67.3 to 72.9%` for an accuracy, `0.0997 to 0.1032` for another metric.

    Args:
        interval: Its ends.
        metric: The metric.
        digits: Digits of a per cent; None for as many as its middle deserves.
    """
    if not percentage_metric(metric):
        return f"{show_metric(metric, interval[0])} to {show_metric(metric, interval[1])}"
    if digits is None:
        digits = share_digits(sum(interval) / 2)
    return f"{interval[0] * 100:.{digits}f} to {interval[1]:.{digits}%}"


def show_deviation(metric: str, deviation: float, mean: float) -> str:
    """A standard deviation in the digits of its mean: for a share, in percentage points."""
    return f"{100 * deviation:.{share_digits(mean)}f}" if percentage_metric(metric) else f"{deviation:,.3g}"


def share_digits(share: float) -> int:
    """Digits of a share in per cent: 70.2, but 99.11, where a tenth is much of what is missing to 100."""
    return 2 if 0 < min(share, 1 - share) < _NEARLY else 1


def show_seconds(seconds: float | None) -> str:
    """A time in two units at most, or a dash: `48 s`, `5 min 12 s`, `2 h 3 min`."""
    return NONE if seconds is None else duration(seconds)


def show_value(value: Any) -> str:
    """An option's value: `yes` or `no`, six digits of a number, the last part of a path or of `name=path`."""
    if value is None or value in ("", []):
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " + ".join(map(show_value, value))
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    name, sign, path = text.partition("=")
    if sign and "/" in path and "/" not in name:
        return f"{name}={PurePath(path).name or path}"
    return PurePath(text).name or text if "/" in text else text


def show_options(options: dict[str, Any]) -> str:
    """Options in a few words: `tanh, extra convs 1`."""
    return ", ".join(
        value
        if isinstance(value, str) and value
        else f"{name.removeprefix('option.').replace('_', ' ')} {show_value(value)}"
        for name, value in options.items()
    )


def natural_key(label: str) -> list[tuple[float, str]]:
    """Sorts numbers in a name by their size, the rest by letters."""
    parts = zip(cycle((False, True)), _NUMBER.split(label))
    return [(float(part), "") if is_number else (0.0, part.lower()) for is_number, part in parts]


def show_result(record: RunRecord) -> str:
    """The value of the metric by which a run is compared; `undefined loss` if the run diverged."""
    value = record.metrics.get(record.metric)
    if value is None and record.status == "diverged":
        return UNDEFINED
    return show_metric(record.metric, value)


def show_baseline(record: RunRecord) -> str:
    """What always giving the same answer scores: `59.6%`; empty if the record does not know."""
    if record.baseline is None:
        return ""
    if percentage_metric(record.metric):
        return f"{record.baseline.accuracy:.1%}"
    return show_metric(record.metric, record.baseline.accuracy)


def caption(record: RunRecord) -> str:
    """The line below a figure: test metric with interval, majority class, samples."""
    metric = record.metric.replace("/", " ")
    if record.status == "diverged":
        return f"{record.dataset.name}: {UNDEFINED}"
    value = record.metrics.get(record.metric)
    if value is None:
        return f"{record.dataset.name}: not tested yet"
    text = f"{record.dataset.name}: {metric} {show_metric(record.metric, value)}"
    interval = interval_of(record)
    if interval:
        text += (
            f" (95% interval {show_interval(interval, record.metric)}, {metric_samples(record):,} samples)"
        )
    if record.baseline:
        text += f",\nalways answering {record.baseline.label} scores {show_baseline(record)}"
    return text


def headings(run: Run) -> tuple[str, str]:
    """The lines above and below a figure of a run."""
    return f"{run.record.model.name}  ·  {run.label}", caption(run.record)


def listed_modules(names: Sequence[str]) -> str:
    """Names of modules in a line; the first ones of many."""
    more = f" and {len(names) - _MAX_MODULES:,} more" if len(names) > _MAX_MODULES else ""
    return ", ".join(names[:_MAX_MODULES]) + more


def show_parameters(record: RunRecord) -> str:
    """How many parameters a network has, and how many of them are trained if some are frozen."""
    if not record.frozen_parameters:
        return f"{record.parameters:,} parameters"
    return f"{record.parameters:,} parameters, {record.parameters - record.frozen_parameters:,} trained"
