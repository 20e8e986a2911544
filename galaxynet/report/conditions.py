"""Conditions that choose runs (`act=tanh`, `lr<0.01`), and the names that can be asked for."""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from galaxynet.errors import UsageError
from galaxynet.report.columns import show_value
from galaxynet.report.rows import Row, as_number, in_order

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*([^\s=<>!]+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)

_MOST_VALUES = 12


def where(rows: Sequence[Row], conditions: Iterable[str]) -> list[Row]:
    """The rows that meet every condition, such as `act=tanh`, `lr<0.01`, `status!=failed`.

    Raises:
        UsageError: If a condition cannot be read or names what no run has.
    """
    kept = list(rows)
    for condition in conditions:
        name, sign, wanted = _parts(condition)
        check_name(rows, name, "--where")
        kept = [row for row in kept if _meets(row.get(name), sign, wanted)]
    return kept


def nearest_values(rows: Sequence[Row], conditions: Iterable[str]) -> str:
    """For conditions that no run meets, what there is of each: `There are: act relu, tanh`."""
    told = []
    for name in dict.fromkeys(_parts(condition)[0] for condition in conditions):
        have = in_order(
            [value for row in rows if (value := row.get(name)) is not None], lambda one: one, False
        )
        values = list(dict.fromkeys(map(show_value, have)))
        if len(values) > _MOST_VALUES:
            shown = f"{values[0]} to {values[-1]}"
            if as_number(have[0]) is None:
                shown = f"{', '.join(values[:_MOST_VALUES])} and {len(values) - _MOST_VALUES} more"
        else:
            shown = ", ".join(values) or "nothing"
        told.append(f"{name} {shown}")
    return f"There are: {'; '.join(told)}." if told else ""


def _parts(condition: str) -> tuple[str, str, str]:
    """Name, sign and value of a condition."""
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise UsageError(
            f"--where {condition}: not a condition.",
            "Write for example act=tanh, lr<0.01 or status!=failed.",
        )
    return match[1], match[2], match[3]


def _meets(value: Any, sign: str, wanted: str) -> bool:
    number, asked = as_number(value), as_number(wanted)
    if number is not None and asked is not None:
        return _OPERATORS[sign](number, asked)
    if sign in ("=", "!="):
        same = wanted.lower() in _spellings(value)
        return same if sign == "=" else not same
    return False  # neither less nor greater: a missing value, or a word


def _spellings(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("true", "yes") if value else ("false", "no")
    return ("none", "") if value is None else (str(value).lower(),)


def check_name(rows: Sequence[Row], name: str, flag: str, others: Iterable[str] = ()) -> None:
    """See that at least one run has a column of that name, or that it is one of some others.

    Raises:
        UsageError: If none has, with the nearest name.
    """
    known = {*others, *(known for row in rows for known in row.names)}
    if not rows or name in known or name.replace("-", "_") in known:
        return
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(sorted(known))}."
    raise UsageError(f"{flag}: no run has {name!r}.", hint)
