"""The progress shown while a file is copied, downloaded or checked."""

from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from galaxynet import terminal


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress lines without a terminal, as soon as a step is done."""
    monkeypatch.setattr(terminal, "_PLAIN_INTERVAL_S", 0.0)


@pytest.mark.usefixtures("plain")
def test_without_a_terminal_lines_tell_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A log shows count, total, rate and the time left."""
    with terminal.progress("images.zip", 20_000_000, "B") as advance:
        time.sleep(0.01)
        advance(5_000_000)
    line = capsys.readouterr().err.strip()
    assert re.fullmatch(r"images\.zip: 5 of 20 MB, [\d,]+ MB/s, \d+ s left", line)


@pytest.mark.usefixtures("plain")
def test_a_size_that_nobody_knows_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a file of unknown size there is a count and a rate, no `of 0 MB` and no time left."""
    with terminal.progress("images.zip", 0, "B") as advance:
        time.sleep(0.01)
        advance(5_000_000)
    assert re.fullmatch(r"images\.zip: 5 MB, [\d,]+ MB/s", capsys.readouterr().err.strip())


@pytest.mark.parametrize("total", [3000, 0])
def test_a_finished_bar_makes_room_for_what_is_said(total: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal nothing stays of a bar but the notes that were printed meanwhile and after it."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, highlight=False)
    with monkeypatch.context() as patch:
        patch.setattr(terminal, "messages", lambda: console)
        with terminal.progress("copying images.zip", total, "B") as advance:
            advance(1000)
            terminal.note("meanwhile")
            advance(2000)
        terminal.note("images.zip: 3 kB, checked")
    assert "copying images.zip" in written.getvalue()
    assert screen(written.getvalue()) == ["meanwhile", "images.zip: 3 kB, checked"]


def screen(text: str) -> list[str]:
    """The lines that a terminal shows after it was sent this text, as far as rich's bars need one."""
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece.startswith("\x1b["):
            if piece.endswith("A"):
                row -= int(piece[2:-1] or 1)
            elif piece == "\x1b[2K":
                lines[row] = ""
        elif piece != "\r":
            lines[row] += piece
    return [line for line in lines if line.strip()]
