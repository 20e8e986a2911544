"""How the figures of claims are put into words."""

from __future__ import annotations

from collections.abc import Callable

from galaxynet.report.wording import percentage_metric, show_metric


def figure(metric: str, value: float, unit: bool = True) -> str:
    """A metric's value: as elsewhere, but `98.74%` where a hundredth of a per cent was published."""
    if not percentage_metric(metric):
        return show_metric(metric, value)
    text = f"{100 * value:.2f}"
    return text.removesuffix("0") + "%" * unit


def points(metric: str, value: float, unit: bool = True) -> str:
    """A difference with its sign: in points of a per cent for an accuracy."""
    if percentage_metric(metric):
        return f"{100 * value:+.1f}" + " points" * unit
    return ("+" if value >= 0 else "") + show_metric(metric, value)


def ranged(estimate: str, interval: tuple[float, float] | None, show: Callable[[float], str]) -> str:
    """A figure with its interval in brackets, if it has one."""
    return estimate if interval is None else f"{estimate} ({show(interval[0])} to {show(interval[1])})"
