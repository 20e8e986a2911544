"""How the figures of claims are put into words."""

from __future__ import annotations

from collections.abc import Callable

from galaxynet.report.wording import percentage_metric, show_metric

_SURE = 0.01


def figure(metric: str, value: float) -> str:
    """A metric's value: as elsewhere, but `98.74%` where a hundredth of a per cent was published."""
    if not percentage_metric(metric):
        return show_metric(metric, value)
    text = f"{100 * value:.2f}"
    return text.removesuffix("0") + "%"


def points(metric: str, value: float, unit: bool = True) -> str:
    """A difference with its sign: in points of a per cent for an accuracy."""
    if percentage_metric(metric):
        return f"{round(100 * value, 1) + 0.0:+.1f}" + " points" * unit  # never -0.0
    return ("+" if value >= 0 else "") + show_metric(metric, value)


def measured(metric: str, value: float, interval: tuple[float, float] | None) -> str:
    """A metric of ours with its interval; an accuracy with as many digits as the interval lets it have."""
    if interval is None or not percentage_metric(metric):
        return ranged(show_metric(metric, value), interval, lambda end: show_metric(metric, end))
    digits = 2 if interval[1] - interval[0] < _SURE else 1
    return ranged(f"{value:.{digits}%}", interval, lambda end: f"{100 * end:.{digits}f}")


def ranged(estimate: str, interval: tuple[float, float] | None, show: Callable[[float], str]) -> str:
    """A figure with its interval in brackets, if it has one."""
    return estimate if interval is None else f"{estimate} ({show(interval[0])} to {show(interval[1])})"
