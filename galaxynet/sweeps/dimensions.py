"""The values a sweep tries of one option: a list (`relu,tanh`) or a range (`1e-4..1e-2:5:log`)."""

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
from galaxynet.options import OptionField, format_value
from galaxynet.phrases import suggest

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?::(\d+))?(?::(log|lin))?")
_STARTS_LIKE_A_RANGE = re.compile(rf"{_NUMBER}\.\.")
_BOOLS = {
    **dict.fromkeys(("yes", "true", "on", "1"), True),
    **dict.fromkeys(("no", "false", "off", "0"), False),
}
_MAX_VALUES = 10_000
_MAX_SHOWN = 20
_SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Dimension:
    """What a sweep tries of one option: some values, or an interval to sample from.

    Attributes:
        name: The option.
        values: The distinct values; empty for an interval.
        low: Lower end of the interval.
        high: Upper end of the interval.
        log: True to sample uniformly in the logarithm.
        integer: True to sample integers.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    integer: bool = False

    @property
    def varies(self) -> bool:
        """True if there is more than one value."""
        return len(self.values) != 1

    def sample(self, rng: random.Random) -> Any:
        """Return one random value."""
        if self.values:
            return rng.choice(self.values)
        # An integer stands for everything that rounds to it, so both ends are as likely as the others.
        low, high = (self.low - 0.5, self.high + 0.5) if self.integer else (self.low, self.high)
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if self.log else rng.uniform(low, high)
        return int(min(max(round(value), self.low), self.high)) if self.integer else _rounded(value)

    def __str__(self) -> str:
        if len(self.values) > _MAX_SHOWN:
            first = ", ".join(map(format_value, self.values[:3]))
            return f"{first}, ..., {format_value(self.values[-1])} ({len(self.values)} values)"
        if self.values:
            return ", ".join(map(format_value, self.values))
        return f"{self.low:g} to {self.high:g}" + (" (log)" if self.log else "")


def parse_dimension(field: OptionField, text: str | tuple[str, ...], *, sampled: bool = False) -> Dimension:
    """Parse what follows an option's flag.

    Args:
        field: The option.
        text: A value, several separated by commas, or a range `low..high[:count][:log]`. A range of integers
            without a count means all of them. `none` unsets an optional option. For an option that is a list,
            its elements, which are one value: a comma in them has no meaning.
        sampled: True if values are sampled, so that a range needs no count.

    Raises:
        OptionError: If `text` is invalid, or is a list for an option that takes a single value.
    """
    if isinstance(text, tuple):
        return Dimension(field.name, (text,))
    if field.type is Path:
        if "," in text and not paths.expanded(Path(text)).exists():
            raise _single_path_error(field)
        return Dimension(field.name, (Path(text),))
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise OptionError(f"{field.flag} {text!r}: a value is missing.", "Write for example 1,2,3.")
    if field.type in (int, float) and any(_STARTS_LIKE_A_RANGE.match(part) for part in parts):
        if len(parts) > 1:
            raise OptionError(f"{field.flag} {text}: use either a list or one range.", "Write 1,2,5 or 1..5.")
        return _parse_range(field, parts[0], sampled)
    return Dimension(field.name, tuple(dict.fromkeys(_parse_value(field, part) for part in parts)))


def dimension_from(field: OptionField, value: Any, *, sampled: bool = False) -> Dimension:
    """The dimension of a Python value: a list of values, one value, or text for `parse_dimension`.

    An option that is a list takes one list, which is a single value, or a list of lists.
    """
    if field.is_list and isinstance(value, list | tuple):
        several = bool(value) and all(isinstance(element, list | tuple) for element in value)
        return Dimension(field.name, tuple(dict.fromkeys(map(tuple, value if several else [value]))))
    if isinstance(value, str) and (field.type is not str or "," in value):
        return parse_dimension(field, value, sampled=sampled)
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        return Dimension(field.name, (_to_python(value),))
    values = [_to_python(element) for element in value]
    if not values:
        raise OptionError(f"{field.flag}: the list is empty.")
    if field.type is Path and len(values) > 1:
        raise _single_path_error(field)
    try:
        return Dimension(field.name, tuple(dict.fromkeys(values)))
    except TypeError:
        raise OptionError(f"{field.flag}: values cannot be lists themselves.") from None


def check_names(given: Sequence[str], known: Sequence[str], network: str) -> None:
    """Raise UsageError if an option does not exist."""
    for name in given:
        if name not in known:
            hint = suggest(name, known, f"See: galaxynet sweep {network} --help")
            raise UsageError(f"{network} has no option {name} to sweep over.", hint)


def _to_python(value: Any) -> Any:
    """Convert a NumPy scalar to a Python number, which JSON takes."""
    return value.item() if hasattr(value, "item") and not isinstance(value, list) else value


def _single_path_error(field: OptionField) -> OptionError:
    return OptionError(f"{field.flag} takes one file or folder, not a list.", "Run one sweep for each.")


def _parse_range(field: OptionField, text: str, sampled: bool) -> Dimension:
    def error(reason: str, hint: str = "") -> OptionError:
        return OptionError(f"{field.flag} {text}: {reason}.", hint)

    match = _RANGE.fullmatch(text)
    if match is None:
        raise error("not a range", "Write for example 1e-4..1e-2:5:log.")
    low, high, count = float(match[1]), float(match[2]), int(match[3] or 0)
    log, integer = match[4] == "log", field.type is int
    if low >= high:
        raise error("a range goes from the smaller number to the larger")
    if log and low <= 0:
        raise error("a logarithmic range starts above 0")
    if integer and not (low.is_integer() and high.is_integer()):
        raise error("the ends must be whole numbers")
    if sampled and not match[3]:
        return Dimension(field.name, (), low, high, log, integer)
    if not match[3] and integer and not log:
        if high - low >= _MAX_VALUES:
            raise error(f"{int(high - low + 1):,} values", "Give a count: 1..9999:5")
        return Dimension(field.name, tuple(range(int(low), int(high) + 1)))
    if count > _MAX_VALUES:
        raise error(f"{count:,} values are too many", "Sample some of them: --random N")
    if match[3] and count < 2:
        raise error(
            "a range has at least 2 values, its two ends",
            f"Write {match[1]}..{match[2]}:5, or a single value: {field.flag} {match[1]}",
        )
    if not count:
        raise error(
            "the number of values is missing",
            f"Write {match[1]}..{match[2]}:5, or sample from the range with --random N.",
        )
    steps = [index / (count - 1) for index in range(count)]
    values = [low * (high / low) ** step if log else low + step * (high - low) for step in steps]
    inner = [round(value) if integer else _rounded(value) for value in values[1:-1]]
    ends = (int(low), int(high)) if integer else (low, high)
    return Dimension(field.name, tuple(dict.fromkeys([ends[0], *inner, ends[1]])))


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")


def _parse_value(field: OptionField, text: str) -> Any:
    """One value of an option. Whether it is in range is checked when the trial's options are validated."""
    if field.optional and text.lower() == "none":
        return None
    if field.choices:
        for choice in field.choices:
            if str(choice) == text:
                return choice
        raise OptionError(
            f"{field.flag} {text}: no such value.", f"Choose from {', '.join(map(str, field.choices))}."
        )
    if field.type is bool:
        if text.lower() not in _BOOLS:
            raise OptionError(f"{field.flag} {text}: expected yes or no.")
        return _BOOLS[text.lower()]
    if field.type in (int, float):
        try:
            return field.type(text)
        except ValueError:
            expected = "a whole number" if field.type is int else "a number"
            raise OptionError(f"{field.flag} {text}: not {expected}.") from None
    return text
