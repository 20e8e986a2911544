"""Cells of the tables of an evaluation: shares with their intervals, in per cent."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from galaxynet.evaluation.scores import Share
from galaxynet.report.table import Column, Table, make_table
from galaxynet.report.wording import NONE, share_digits, show_interval


def text_table(
    title: str, titles: Sequence[str], rows: Sequence[Sequence[str]], footer: Sequence[str] = ()
) -> Table:
    """A table of texts, with names in the first column and numbers in the others."""
    columns: list[Column[Any]] = [
        Column(name, itemgetter(at), right_aligned=at > 0, overflow="keep" if at else "shorten-middle")
        for at, name in enumerate(titles)
    ]
    return make_table(columns, rows, title=title, footer=footer)


def share_cells(share: Share) -> tuple[str, str, str]:
    """A share, its 95 % interval, and how many samples it is of."""
    if share.value is None or share.interval is None:
        return NONE, "", f"{share.samples:,}"
    return percent(share.value), show_interval(share.interval), f"{share.samples:,}"


def share_figures(share: Share) -> tuple[Any, ...]:
    """A share as `value`, `low`, `high`, `count` and `samples`."""
    low, high = share.interval or (None, None)
    return share.value, low, high, share.count, share.samples


def percent(value: float) -> str:
    """A share in per cent, in as many digits as it deserves."""
    return f"{value:.{share_digits(value)}%}"
