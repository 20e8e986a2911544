"""The list of claims: what they say, where, and what their full test takes."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from galaxynet.reproduction.catalogue import Known
from galaxynet.reproduction.wording import figure

if TYPE_CHECKING:
    from rich.text import Text

OURS = "our own"
"""Stands for the source of a claim that is no publication's."""


def published(known: Known) -> str:
    """The figure of the source; empty where there is none."""
    value = known.claim.value
    return "" if value is None else figure(getattr(known.claim.rule, "metric", ""), value)


def place(known: Known) -> str:
    """The source and the place in it."""
    return ", ".join(part for part in (known.claim.source or OURS, known.claim.where) if part)


def cost(known: Known) -> str:
    """What the full test takes: `6 trainings, 30 epochs in all`."""
    number = known.trainings
    return f"{number} training{'s' * (number > 1)}, {known.epochs} epoch{'s' * (known.epochs > 1)} in all"


def as_text(chosen: Sequence[Known], absent: Collection[str], width: int) -> Text:
    """The list for a terminal.

    Args:
        chosen: The claims.
        absent: Datasets that are not on this machine.
        width: Cells in a line.
    """
    import textwrap

    from rich.text import Text

    text = Text()
    for number, known in enumerate(chosen):
        claim, dataset = known.claim, known.parties.dataset.name
        text.append("\n" * bool(number) + claim.name, style="bold")
        text.append(f"  {published(known)}" if published(known) else "")
        text.append(f"  {place(known)}\n", style="dim")
        for line in textwrap.wrap(claim.says, max(20, width - 4)):
            text.append(f"    {line}\n")
        there = "" if dataset not in absent else f"; get the data with: galaxynet fetch {dataset}"
        text.append(f"    {known.parties.model.name} on {dataset}: {cost(known)}{there}\n", style="dim")
    return text


def as_rows(chosen: Sequence[Known], absent: Collection[str]) -> list[dict[str, Any]]:
    """The list as plain values."""
    return [
        {
            "claim": known.claim.name,
            "topic": known.claim.topic,
            "model": known.parties.model.name,
            "dataset": known.parties.dataset.name,
            "source": known.claim.source or None,
            "where": known.claim.where or None,
            "says": known.claim.says,
            "published": known.claim.value,
            "metric": getattr(known.claim.rule, "metric", None),
            "rule": type(known.claim.rule).__name__,
            "seeds": known.claim.seeds,
            "trainings": known.trainings,
            "epochs": known.epochs,
            "data": known.parties.dataset.name not in absent,
            "note": known.claim.note,
        }
        for known in chosen
    ]


def as_json(chosen: Sequence[Known], absent: Collection[str]) -> str:
    """The list for a program."""
    return json.dumps(as_rows(chosen, absent), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_markdown(chosen: Sequence[Known]) -> str:
    """The list for a paper."""
    from galaxynet.report.formats import markdown_table

    titles = ("claim", "what it says", "source", "published", "full test")
    rows = [(f"`{k.claim.name}`", k.claim.says, place(k), published(k), cost(k)) for k in chosen]
    return markdown_table(titles, [False, False, False, True, False], rows) + "\n"
