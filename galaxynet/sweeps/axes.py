"""The values that a sweep tries of an option: a list (`relu,tanh`) or a range (`1e-4..1e-2:5:log`)."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxynet import paths
from galaxynet.errors import OptionError, UsageError
from galaxynet.options import OptionField

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::(\d+))?(?::(log|lin))?")
_LIKE_A_RANGE = re.compile(rf"{_NUMBER}\.\.")
_YES, _NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")
_MOST_VALUES = 10_000
_MOST_SHOWN = 20
_DIGITS = 6


@dataclass(frozen=True)
class Axis:
    """What a sweep tries of one option.

    Attributes:
        name: The option.
        values: The values, without repetitions; empty for an interval.
        low: Lower end of an interval from which values are drawn.
        high: Its upper end.
        log: Whether they are drawn evenly in the logarithm.
        whole: Whether they are whole numbers.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False

    @property
    def varies(self) -> bool:
        """Whether there is more than one value."""
        return len(self.values) != 1

    def draw(self, chance: random.Random) -> Any:
        """One value by chance."""
        if self.values:
            return chance.choice(self.values)
        # A whole number stands for all that is rounded to it, at the ends too.
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        if self.log:
            value = math.exp(chance.uniform(math.log(low), math.log(high)))
        else:
            value = chance.uniform(low, high)
        return int(min(max(round(value), self.low), self.high)) if self.whole else _rounded(value)

    def __str__(self) -> str:
        if len(self.values) > _MOST_SHOWN:
            first = ", ".join(map(show, self.values[:3]))
            return f"{first}, ..., {show(self.values[-1])} ({len(self.values)} values)"
        if self.values:
            return ", ".join(map(show, self.values))
        return f"{self.low:g} to {self.high:g}" + (" (log)" if self.log else "")


def parse(field: OptionField, text: str, *, drawn: bool = False) -> Axis:
    """Read what was typed after an option's flag.

    Args:
        field: The option.
        text: A value, several with commas between them, or a range `low..high[:count][:log]`. Of whole
            numbers a range without a count is all of them. `none` is a value of an option that may be unset.
        drawn: Whether values are drawn by chance, so that a range needs no count.

    Raises:
        OptionError: If it cannot be read, or is a list for an option that takes none.
    """
    if field.type is Path:
        return Axis(field.name, (_path(field, text),))
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise OptionError(f"{field.flag} {text!r}: a value is missing.", "Write for example 1,2,3.")
    if field.type in (int, float) and any(_LIKE_A_RANGE.match(part) for part in parts):
        if len(parts) > 1:
            raise OptionError(f"{field.flag} {text}: either a list or one range.", "Write 1,2,5 or 1..5.")
        return _range(field, parts[0], drawn)
    return Axis(field.name, tuple(dict.fromkeys(_value(field, part) for part in parts)))


def of_values(field: OptionField, value: Any, *, drawn: bool = False) -> Axis:
    """The axis of what Python gives: several values, one value, or a text as `parse` reads it."""
    if isinstance(value, str) and (field.type is not str or "," in value):
        return parse(field, value, drawn=drawn)
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        return Axis(field.name, (_plain(value),))
    values = [_plain(one) for one in value]
    if not values:
        raise OptionError(f"{field.flag}: the list has no values.")
    if field.type is Path and len(values) > 1:
        raise _takes_no_list(field)
    try:
        return Axis(field.name, tuple(dict.fromkeys(values)))
    except TypeError:
        raise OptionError(f"{field.flag}: a list within a list is no value of it.") from None


def _plain(value: Any) -> Any:
    """A NumPy number as Python's own, which a record can keep."""
    return value.item() if hasattr(value, "item") and not isinstance(value, list) else value


def show(value: Any) -> str:
    """A value as it is typed on the command line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _path(field: OptionField, text: str) -> Path:
    if "," in text and not paths.expanded(Path(text)).exists():
        raise _takes_no_list(field)
    return Path(text)


def _takes_no_list(field: OptionField) -> OptionError:
    return OptionError(
        f"{field.flag} takes one file or folder, not a list.", "Make a sweep of its own for each of them."
    )


def _range(field: OptionField, text: str, drawn: bool) -> Axis:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise OptionError(f"{field.flag} {text}: not a range.", "Write for example 1e-4..1e-2:5:log.")
    low, high, count = float(match[1]), float(match[2]), int(match[3] or 0)
    log, whole = match[4] == "log", field.type is int
    if low >= high:
        raise OptionError(f"{field.flag} {text}: a range goes from the smaller number to the larger.")
    if log and low <= 0:
        raise OptionError(f"{field.flag} {text}: a logarithmic range begins above 0.")
    if whole and not (low.is_integer() and high.is_integer()):
        raise OptionError(f"{field.flag} {text}: it takes whole numbers.")
    if drawn and not match[3]:
        return Axis(field.name, (), low, high, log, whole)
    if not match[3] and whole and not log:
        if high - low >= _MOST_VALUES:
            raise OptionError(
                f"{field.flag} {text}: {int(high - low + 1):,} values.", "Say how many of them: 1..9999:5"
            )
        return Axis(field.name, tuple(range(int(low), int(high) + 1)))
    if count > _MOST_VALUES:
        raise OptionError(
            f"{field.flag} {text}: {count:,} values are too many.", "Draw some by chance: --random N"
        )
    if match[3] and count < 2:
        raise OptionError(
            f"{field.flag} {text}: a range has at least 2 values, its two ends.",
            f"Write {match[1]}..{match[2]}:5; a single value stands alone: {field.flag} {match[1]}",
        )
    if not count:
        raise OptionError(
            f"{field.flag} {text}: it does not say how many values.",
            f"Write {match[1]}..{match[2]}:5, or draw from it with --random N.",
        )
    steps = [place / (count - 1) for place in range(count)]
    values = [low * (high / low) ** step if log else low + step * (high - low) for step in steps]
    inner = [round(value) if whole else _rounded(value) for value in values[1:-1]]
    ends = (int(low), int(high)) if whole else (low, high)
    return Axis(field.name, tuple(dict.fromkeys([ends[0], *inner, ends[1]])))


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _value(field: OptionField, text: str) -> Any:
    """One value of an option; what the option does not take is told in its own words when it is validated."""
    if field.optional and text.lower() == "none":
        return None
    if field.choices:
        found = [choice for choice in field.choices if str(choice) == text]
        if not found:
            raise OptionError(
                f"{field.flag} {text}: no such value.", f"There are: {', '.join(map(str, field.choices))}."
            )
        return found[0]
    if field.type is bool:
        if text.lower() not in (*_YES, *_NO):
            raise OptionError(f"{field.flag} {text}: it takes yes or no.")
        return text.lower() in _YES
    if field.type in (int, float):
        try:
            return field.type(text)
        except ValueError:
            kind = "a whole number" if field.type is int else "a number"
            raise OptionError(f"{field.flag} {text}: not {kind}.") from None
    return text


def check_names(given: Sequence[str], known: Sequence[str], network: str) -> None:
    """See that there are such options.

    Raises:
        UsageError: If one does not exist.
    """
    import difflib

    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"See: galaxynet sweep {network} --help"
            raise UsageError(f"{network} has no option {name} that a sweep could try values of.", hint)
