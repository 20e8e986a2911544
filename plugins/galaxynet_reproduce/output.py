"""Claims and verdicts in words: the list, the table, and their JSON and Markdown."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from galaxynet.phrases import count
from galaxynet.report.output import escape_markdown, markdown_table, to_json
from galaxynet.report.table import Column, make_table
from galaxynet.report.table_layout import format_table, split_columns
from galaxynet.report.wording import NONE
from galaxynet_reproduce.shown_figures import figure

if TYPE_CHECKING:
    from rich.text import Text

    from galaxynet_reproduce.catalogue import CheckedClaim
    from galaxynet_reproduce.claims import Claim
    from galaxynet_reproduce.judging import Outcome
    from galaxynet_reproduce.rules import Verdict

_STYLES: dict[Verdict, str] = {
    "holds": "green",
    "does not hold": "red",
    "undecided": "yellow",
    "training failed": "red",
    "not run": "dim",
}
_PLURALS: dict[Verdict, str] = {
    "holds": "hold",
    "does not hold": "do not hold",
    "training failed": "trainings failed",
}


def published(claim: Claim) -> str:
    """The figure of the source; empty where it gives none."""
    return "" if claim.value is None else figure(getattr(claim.rule, "metric", ""), claim.value)


def source(claim: Claim) -> str:
    """The source and the place in it."""
    return ", ".join(part for part in (claim.source or "our own", claim.where) if part)


def cost(checked: CheckedClaim) -> str:
    """What the full test takes: `6 trainings, 30 epochs in all`."""
    return f"{count(checked.trainings, 'training')}, {count(checked.epochs, 'epoch')} in all"


def list_as_text(selected: Sequence[CheckedClaim], without_data: Collection[str], width: int) -> Text:
    """The list of claims for a terminal of `width` cells; `without_data` are datasets that are not here."""
    from rich.text import Text

    text = Text()
    for number, checked in enumerate(selected):
        claim, dataset = checked.claim, checked.components.dataset.name
        text.append("\n" * bool(number) + claim.name, style="bold")
        text.append(f"  {published(claim)}" if published(claim) else "")
        text.append(f"  {source(claim)}\n", style="dim")
        for line in textwrap.wrap(claim.says, max(20, width - 4)):
            text.append(f"    {line}\n")
        get = f"; get the data with: galaxynet fetch {dataset}" if dataset in without_data else ""
        text.append(f"    {checked.components.model.name} on {dataset}: {cost(checked)}{get}\n", style="dim")
    return text


def list_as_json(selected: Sequence[CheckedClaim], without_data: Collection[str]) -> str:
    """The list of claims for a program."""
    rows = [
        {
            "claim": checked.claim.name,
            "topic": checked.claim.topic,
            "model": checked.components.model.name,
            "dataset": checked.components.dataset.name,
            "source": checked.claim.source or None,
            "where": checked.claim.where or None,
            "says": checked.claim.says,
            "published": checked.claim.value,
            "metric": getattr(checked.claim.rule, "metric", None),
            "rule": type(checked.claim.rule).__name__,
            "seeds": checked.claim.seeds,
            "trainings": checked.trainings,
            "epochs": checked.epochs,
            "data": checked.components.dataset.name not in without_data,
            "note": checked.claim.note,
        }
        for checked in selected
    ]
    return to_json(rows)


def list_as_markdown(selected: Sequence[CheckedClaim]) -> str:
    """The list of claims for a page."""
    columns: list[Column[CheckedClaim]] = [
        Column("claim", lambda checked: checked.claim.name, is_code=True),
        Column("what it says", lambda checked: checked.claim.says),
        Column("source", lambda checked: source(checked.claim)),
        Column("published", lambda checked: published(checked.claim), right_aligned=True),
        Column("full test", cost),
    ]
    return markdown_table(make_table(columns, selected)) + "\n"


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many claims have which verdict."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    words = [
        f"{counts[verdict]} {_PLURALS.get(verdict, verdict) if counts[verdict] > 1 else verdict}"
        for verdict in _STYLES
        if counts[verdict]
    ]
    return f"{count(len(outcomes), 'claim')}: {', '.join(words)}"


def as_text(outcomes: Sequence[Outcome], width: int) -> Text:
    """The table of verdicts for a terminal of `width` cells, and below it what each line rests on.

    Nothing is shortened: where five columns do not fit, what was published and done follows below.
    """
    from rich.text import Text

    table = make_table(_COLUMNS, outcomes)
    wide = table.width() <= width
    text = Text(no_wrap=True, overflow="ignore")
    for number, piece in enumerate(
        [table] if wide else split_columns(make_table(_NARROW_COLUMNS, outcomes), width)
    ):
        text.append("\n\n" * bool(number))
        text.append_text(format_table(piece, width))
    room = max(20, width - 4)
    for outcome in outcomes:
        text.append(f"\n\n{outcome.claim.name}", style="bold")
        text.append(f"  {source(outcome.claim)}", style="dim")
        for part in (outcome.claim.says, *([] if wide else _hidden_cells(outcome)), *outcome.notes):
            for line in textwrap.wrap(part, room, break_on_hyphens=False):
                text.append(f"\n    {line}")
        for command in outcome.commands:  # never broken, so that it can be copied
            text.append(f"\n    $ {command}", style="cyan")
    text.append(f"\n\n{summary(outcomes)}", style="bold")
    return text


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """The table of verdicts for a page, with a list below it."""
    parts = [markdown_table(make_table(_COLUMNS, outcomes)), ""]
    for outcome in outcomes:
        claim = outcome.claim
        words = escape_markdown(" ".join((claim.says, *outcome.notes)))
        parts.append(f"- **`{claim.name}`** ({escape_markdown(source(claim))}). {words}")
        parts += [f"    - `{command}`" for command in outcome.commands]
    return "\n".join([*parts, "", f"{summary(outcomes)}.", ""])


def as_json(outcomes: Sequence[Outcome]) -> str:
    """The verdicts for a program."""
    return to_json([outcome.to_dict() for outcome in outcomes])


def _style(outcome: Outcome) -> str:
    return _STYLES[outcome.verdict]


_COLUMNS: list[Column[Outcome]] = [
    Column("claim", lambda outcome: outcome.claim.name, overflow="keep", is_code=True, style="bold"),
    Column("published", lambda outcome: published(outcome.claim) or NONE, right_aligned=True),
    Column("ours (95% interval)", lambda outcome: outcome.judgement.ours or NONE, overflow="keep"),
    Column("verdict", lambda outcome: outcome.verdict_words, overflow="keep", style=_style),
    Column("done", lambda outcome: outcome.extent or NONE, overflow="keep"),
]
_NARROW_COLUMNS: list[Column[Outcome]] = [
    _COLUMNS[0],
    _COLUMNS[2],
    Column("verdict", lambda outcome: outcome.verdict, overflow="keep", style=_style),
]


def _hidden_cells(outcome: Outcome) -> list[str]:
    """The cells that a narrow table lacks, as sentences, or an empty list."""
    value, extent = published(outcome.claim), outcome.extent
    parts = [f"Published: {value}."] * bool(value) + [f"Done: {extent}."] * bool(extent)
    return [" ".join(parts)] if parts else []
