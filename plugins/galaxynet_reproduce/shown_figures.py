"""Figures as sentences show them: metrics, differences and intervals."""

from __future__ import annotations

from collections.abc import Callable

from galaxynet.report.wording import percentage_metric, show_metric

_PRECISE = 0.01
"""Intervals of an accuracy narrower than this are shown in hundredths of a per cent."""


def figure(metric: str, value: float) -> str:
    """A metric's value; `98.74%` where a hundredth of a per cent was published."""
    if not percentage_metric(metric):
        return show_metric(metric, value)
    return f"{100 * value:.2f}".removesuffix("0") + "%"


def points(metric: str, value: float, unit: bool = True) -> str:
    """A difference with its sign; in percentage points for an accuracy."""
    if percentage_metric(metric):
        return f"{round(100 * value, 1) + 0.0:+.1f}" + " points" * unit  # never -0.0
    return ("+" if value >= 0 else "") + show_metric(metric, value)


def measured(metric: str, value: float, interval: tuple[float, float] | None) -> str:
    """Our metric with its interval; an accuracy with as many digits as the interval allows."""
    if interval is None or not percentage_metric(metric):
        return ranged(show_metric(metric, value), interval, lambda end: show_metric(metric, end))
    digits = 2 if interval[1] - interval[0] < _PRECISE else 1
    return ranged(f"{value:.{digits}%}", interval, lambda end: f"{100 * end:.{digits}f}")


def ranged(estimate: str, interval: tuple[float, float] | None, show: Callable[[float], str]) -> str:
    """A figure with its interval in brackets, if it has one."""
    return estimate if interval is None else f"{estimate} ({show(interval[0])} to {show(interval[1])})"
