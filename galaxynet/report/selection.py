"""Which runs a comparison has: by reference, by condition (`act=tanh`, `lr<0.01`), and in which table."""

from __future__ import annotations

import operator
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from galaxynet.errors import RunError, UsageError
from galaxynet.options import format_value
from galaxynet.paths import sweep_names
from galaxynet.phrases import suggest
from galaxynet.report.rows import Group, Row, as_number, group_rows, sort_items, sort_rows
from galaxynet.report.seeds import SUMMARIES
from galaxynet.report.wording import show_value
from galaxynet.runs import DamagedRun, Run, find, scan

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*([^\s=<>!]+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*", re.DOTALL)
_MAX_LISTED_VALUES = 12


def select_runs(folder: Path, references: Sequence[str]) -> tuple[list[Run], list[DamagedRun]]:
    """The named runs, or all runs of a folder and those that cannot be read.

    Raises:
        RunError: If the folder has no runs, or a reference matches not exactly one.
    """
    if references:
        runs = [_find(folder, reference) for reference in references]
        return list({run.path.resolve(): run for run in runs}.values()), []
    everything = scan(folder)
    if not everything:
        raise RunError(f"There are no runs in {folder}.", "Make one with: galaxynet train MODEL")
    damaged = [run for run in everything if isinstance(run, DamagedRun)]
    return [run for run in everything if isinstance(run, Run)], damaged


def make_groups(
    rows: Sequence[Row],
    conditions: Sequence[str] = (),
    sort: str = "",
    top: int | None = None,
    varied: tuple[str, ...] = (),
    over_seeds: bool = False,
) -> list[Group]:
    """The tables of a comparison, one for each set of comparable runs.

    Args:
        rows: The runs.
        conditions: Conditions that a run has to meet, such as `act=tanh`.
        sort: The column to sort by, with a leading `-` in reverse.
        top: Rows to keep of each table; None for all.
        varied: Options that are shown even if they do not differ.
        over_seeds: True if the table is to have a row for each configuration instead of each run.

    Raises:
        UsageError: If a condition is malformed or a column is unknown.
    """
    if sort:
        check_name(rows, sort.removeprefix("-"), "--sort", SUMMARIES if over_seeds else ())
    groups = []
    for group in group_rows(filter_rows(rows, conditions)):
        ordered = sort_rows(group.rows, sort)
        kept = ordered[:top]
        n_hidden = len(ordered) - len(kept)
        groups.append(replace(group, rows=kept, n_hidden=n_hidden, order=sort, always_shown=varied))
    return groups


def filter_rows(rows: Sequence[Row], conditions: Iterable[str]) -> list[Row]:
    """The rows that meet every condition, such as `act=tanh`, `lr<0.01`, `status!=failed`.

    Raises:
        UsageError: If a condition is malformed or names a column that no run has.
    """
    kept = list(rows)
    for condition in conditions:
        name, sign, expected = _parse(condition)
        check_name(rows, name, "--where")
        kept = [row for row in kept if _meets(row.get(name), sign, expected)]
    return kept


def available_values(rows: Sequence[Row], conditions: Iterable[str]) -> str:
    """For conditions that no run meets, the values that exist: `There are: act relu, tanh`."""
    parts = []
    for name in dict.fromkeys(_parse(condition)[0] for condition in conditions):
        values = sort_items(
            [value for row in rows if (value := row.get(name)) is not None], lambda value: value
        )
        texts = list(dict.fromkeys(map(show_value, values)))
        if len(texts) <= _MAX_LISTED_VALUES:
            listed = ", ".join(texts) or "no values"
        elif as_number(values[0]) is None:
            more = len(texts) - _MAX_LISTED_VALUES
            listed = f"{', '.join(texts[:_MAX_LISTED_VALUES])} and {more} more"
        else:
            listed = f"{texts[0]} to {texts[-1]}"
        parts.append(f"{name} {listed}")
    return f"There are: {'; '.join(parts)}." if parts else ""


def check_name(rows: Sequence[Row], name: str, flag: str, others: Iterable[str] = ()) -> None:
    """Check that at least one run has a column of that name, or that it is one of `others`.

    Raises:
        UsageError: If not, with the most similar name.
    """
    known = {*others, *(known for row in rows for known in row.names)}
    if rows and name not in known and name.replace("-", "_") not in known:
        raise UsageError(f"{flag}: no run has {name!r}.", suggest(name, sorted(known)))


def _find(folder: Path, reference: str) -> Run:
    try:
        return find(folder, reference)
    except RunError as error:
        if reference not in sweep_names(folder):
            raise
        command = f"galaxynet compare --sweep {shlex.quote(reference)}"
        raise RunError(error.message, f"There is a sweep of that name: {command}") from None


def _parse(condition: str) -> tuple[str, str, str]:
    """Name, operator and value of a condition."""
    match = _CONDITION.fullmatch(condition)
    if match is None:
        raise UsageError(
            f"--where {condition}: not a condition.",
            "Write for example act=tanh, lr<0.01 or status!=failed.",
        )
    return match[1], match[2], match[3]


def _meets(value: Any, sign: str, expected: str) -> bool:
    number, expected_number = as_number(value), as_number(expected)
    if number is not None and expected_number is not None:
        return _OPERATORS[sign](number, expected_number)
    if sign in ("=", "!="):
        equal = expected.lower() in _spellings(value)
        return equal if sign == "=" else not equal
    return False  # a missing value or a word is neither less nor greater


def _spellings(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("true", "yes") if value else ("false", "no")
    if isinstance(value, list):
        return (format_value(value).lower(), show_value(value).lower())
    return ("none", "") if value is None else (str(value).lower(),)
