"""The verdicts as a table, with the reasons and the commands behind each line beneath it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from galaxynet.report.columns import NONE
from galaxynet.report.formats import markdown_table
from galaxynet.report.layout import Line, in_parts, lay_out
from galaxynet.reproduction.judging import VERDICTS, Outcome
from galaxynet.reproduction.listing import OURS
from galaxynet.reproduction.rules import FAILED, FAILS, HOLDS, NOT_RUN, UNKNOWN
from galaxynet.reproduction.wording import figure

if TYPE_CHECKING:
    from rich.text import Text

TITLES = ("claim", "published", "ours (95% interval)", "verdict", "done")
RIGHTS = (False, True, False, False, False)
_NARROW = ("claim", "ours (95% interval)", "verdict")

_STYLES = {HOLDS: "green", FAILS: "red", UNKNOWN: "yellow", FAILED: "red", NOT_RUN: "dim"}


def cells(one: Outcome) -> list[str]:
    """The cells of a line."""
    value = one.claim.value
    published = NONE if value is None else figure(getattr(one.claim.rule, "metric", ""), value)
    return [one.claim.name, published, one.judgement.ours or NONE, one.verdict_words, one.extent or NONE]


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many claims came out how."""
    counts = Counter(one.verdict for one in outcomes)
    words = {HOLDS: "hold", FAILS: "do not hold", FAILED: "trainings failed"}
    told = [
        f"{counts[verdict]} {words.get(verdict, verdict) if counts[verdict] > 1 else verdict}"
        for verdict in VERDICTS
        if counts[verdict]
    ]
    return f"{len(outcomes)} claim{'s' * (len(outcomes) > 1)}: {', '.join(told)}"


def as_text(outcomes: Sequence[Outcome], width: int) -> Text:
    """The table for a terminal, and beneath it what each line rests on.

    Nothing is shortened: where five columns have no room, what was published and done stands beneath too.
    """
    import textwrap

    from rich.text import Text

    lines = [Line(cells(one), {0: "bold", 3: _STYLES[one.verdict]}) for one in outcomes]
    text = Text(no_wrap=True, overflow="ignore")
    wide = len(in_parts(TITLES, lines, width)) == 1
    if wide:
        text.append_text(lay_out(TITLES, RIGHTS, lines, width))
    else:
        narrow = [
            Line([name, ours, one.verdict], {0: "bold", 2: _STYLES[one.verdict]})
            for one in outcomes
            for name, _, ours, *_ in (cells(one),)
        ]
        for number, (titles, rows) in enumerate(in_parts(_NARROW, narrow, width)):
            text.append("\n\n" * bool(number))
            text.append_text(lay_out(titles, [False] * len(titles), rows, width, whole=titles))
    room = max(20, width - 4)
    for one in outcomes:
        text.append(f"\n\n{one.claim.name}", style="bold")
        text.append(f"  {_source(one)}", style="dim")
        for part in (one.claim.says, *([] if wide else _beside(one)), *one.notes):
            for line in textwrap.wrap(part, room, break_on_hyphens=False):
                text.append(f"\n    {line}")
        for command in one.commands:  # never broken, so that it can be copied
            text.append(f"\n    $ {command}", style="cyan")
    text.append(f"\n\n{summary(outcomes)}", style="bold")
    return text


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """The table for a paper or a page, with a list beneath it."""
    rows = [[f"`{name}`", *rest] for name, *rest in map(cells, outcomes)]
    parts = [markdown_table(TITLES, RIGHTS, rows), ""]
    for one in outcomes:
        parts.append(f"- **`{one.claim.name}`** ({_source(one)}). {' '.join((one.claim.says, *one.notes))}")
        parts += [f"    - `{command}`" for command in one.commands]
    return "\n".join([*parts, "", f"{summary(outcomes)}.", ""])


def as_json(outcomes: Sequence[Outcome]) -> str:
    """The verdicts for a program."""
    rows = [one.to_dict() for one in outcomes]
    return json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _beside(one: Outcome) -> list[str]:
    """The columns that a narrow table lacks, as a sentence or two; none where there is nothing in them."""
    _, published, _, _, extent = cells(one)
    told = [f"Published: {published}."] * (published != NONE) + [f"Done: {extent}."] * (extent != NONE)
    return [" ".join(told)] if told else []


def _source(one: Outcome) -> str:
    return ", ".join(part for part in (one.claim.source or OURS, one.claim.where) if part)
