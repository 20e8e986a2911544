"""Notes about files: their names are printed as they are, whatever brackets are in them."""

from __future__ import annotations

from galaxynet import terminal


def note(text: str) -> None:
    """Print one line for a person, unless quiet; nothing in it is taken for markup."""
    terminal.note(text)
