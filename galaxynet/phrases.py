"""Phrases that messages share: counts in words, durations, and suggestions for mistyped names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 run`, `3 runs`, `1,200 runs`; `plural` is for nouns that take more than an `s`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def duration(seconds: float) -> str:
    """A time in two units at most: `4.2 s`, `48 s`, `5 min 12 s`, `2 h 3 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def suggest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint for an unknown name.

    Args:
        name: The unknown name.
        known: The names that exist.
        otherwise: The hint if none of them is similar; by default it lists them.

    Returns:
        `Did you mean 'galaxy_alexnet'?`, or the other hint.
    """
    names = list(known)
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if matches:
        return f"Did you mean {matches[0]!r}?"
    return otherwise or (f"There are: {', '.join(names)}." if names else "")
