"""The table of verdicts is whole in whatever width there is."""

from __future__ import annotations

import pytest

from galaxynet_reproduce import Claim, Reaches
from galaxynet_reproduce.judging import Outcome
from galaxynet_reproduce.output import as_text
from galaxynet_reproduce.rules import FAILED, FAILS, UNDECIDED, Judgement

OURS = "1,970,357 (1,948,794 to 1,991,920)"
EXTENT = "1 of 3 seeds, 42 of 100 epochs"


def outcomes() -> list[Outcome]:
    rule = Reaches(arm="net", metric="train/epoch_sum", value=190_000.0, higher_is_better=False)
    judged = {
        "fashion/loss-16": (Judgement(FAILS, "It is worse.", OURS), EXTENT),
        "fashion/64-looks-worst": (Judgement(UNDECIDED, "It takes 3 seeds.", OURS), EXTENT),
        "galaxy/exponential": (Judgement(FAILED, "No training has a result: out of memory."), ""),
    }
    return [
        Outcome(
            Claim(name=name, says="The loss converges. " * 8, arms={}, rule=rule),
            "net",
            "data",
            judgement,
            extent,
            cut=bool(extent),
        )
        for name, (judgement, extent) in judged.items()
    ]


@pytest.mark.parametrize("width", [70, 80, 100, 120, 132, 180])
def test_nothing_is_cut_off_or_broken(width: int) -> None:
    """Verdict, figure with its interval, published figure and extent are whole, and no line is too long."""
    text = as_text(outcomes(), width).plain
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for message in (OURS, EXTENT, "190,000", FAILS, UNDECIDED, FAILED):
        assert message in text


def test_verdict_and_figure_stand_together_at_80_columns() -> None:
    """An ordinary terminal has claim, figure and verdict in one line, and the rest below the sentence."""
    lines = as_text(outcomes(), 80).plain.splitlines()
    row = next(line for line in lines if line.startswith("fashion/loss-16"))
    assert OURS in row
    assert row.endswith(FAILS)
    assert f"    Published: 190,000. Done: {EXTENT}." in lines
