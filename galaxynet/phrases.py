"""Phrases that messages share: counts in words, and suggestions for mistyped names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 run`, `3 runs`, `1,200 runs`; `plural` is for nouns that take more than an `s`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


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
