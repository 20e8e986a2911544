"""No figures at the end of a training: to draw them takes ten times as long as to train a toy network.

Imported by the process of the tests and by those that commands and trials are forked from. A command that a
test starts in an interpreter of its own draws, and so does a test marked `figures`.
"""

from __future__ import annotations

import pytest

from galaxynet.report import run_summary
from galaxynet.runs import Run

_draw_figures = run_summary.draw_figures


def _draw_nothing(run: Run) -> None:
    """In place of `draw_figures`."""


pytest.MonkeyPatch().setattr(run_summary, "draw_figures", _draw_nothing)


@pytest.fixture(autouse=True)
def _marked_tests_draw(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw in a test that is marked."""
    if request.node.get_closest_marker("figures"):
        monkeypatch.setattr(run_summary, "draw_figures", _draw_figures)
