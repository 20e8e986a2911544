from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from warm_process import WarmCommand, WarmProcess

import galaxynet

COMMAND = str(Path(sys.executable).with_name("galaxynet"))
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_a_terminal(columns: int, *words: str, warm: WarmProcess | None = None) -> str:
    """Run the command in a terminal of that width; what it wrote, without colours and cursor moves."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "OMP_NUM_THREADS": "1"}
    process: subprocess.Popen[bytes] | WarmCommand
    if warm is not None:
        process = warm.start(*words, environment=environment, terminal=os.ttyname(theirs))
    else:
        words = (COMMAND, *words)
        process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # what Linux gives when the other end is closed
        while piece := os.read(ours, 4096):
            written += piece
    process.wait(60)
    os.close(ours)
    return _CONTROL.sub("", written.decode())


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "rate"), [(80, False), (100, True)])
def test_the_bar_is_one_line(tmp_path: Path, columns: int, rate: bool, warm: WarmProcess) -> None:
    """In a usual terminal the bar with loss, metric and time left does not wrap."""
    (tmp_path / "my.txt").write_text("it is a truth universally acknowledged\n" * 400)
    words = f"train charrnn --dataset text --file {tmp_path / 'my.txt'} --hidden 64 --epochs 12"
    more = ("--iterations", "60", "--sample-every", "0")
    text = in_a_terminal(columns, *words.split(), *more, warm=warm)

    bars = [line.rstrip() for line in re.split(r"[\r\n]+", text) if re.match(r"epoch +\d+/12", line)]
    complete = [bar for bar in bars if "val/bits_per_character" in bar]
    assert complete, text
    assert not re.search(r"^ {8,}\S", text, re.MULTILINE), text  # where a column of a bar goes on
    for bar in complete:
        assert len(bar) <= columns
        assert re.search(r"\d\d:\d\d$", bar), bar
        assert ("samples/s" in bar) == rate, bar


@pytest.mark.parametrize("columns", [30, 40, 80])
def test_a_sentence_breaks_between_words_and_a_command_not_at_all(tmp_path: Path, columns: int) -> None:
    """At the edge of a terminal no word is cut, and the command of the way out can be copied as it stands."""
    call = "figures", "last", "--runs-dir", str(tmp_path / "a folder without runs")
    whole = in_a_terminal(500, *call)
    assert whole.count("\n") == 2
    text = in_a_terminal(columns, *call)
    assert text.split() == whole.split()
    assert "galaxynet train MODEL" in text
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", text)]
    long = [line for line in lines if len(line) > columns and not line.startswith("galaxynet")]
    assert not [line for line in long if " " in line], text


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("words", ["train", "fetch", "sweep", "runs remove"])
def test_help_fills_the_lines(words: str, columns: int) -> None:
    """A description ends its lines where the terminal does, and not where the source did."""
    text = in_a_terminal(columns, *words.split(), "--help")
    described = text.split("╭")[0].split("Usage:")[1]
    for paragraph in re.split(r"\n\s*\n", described.replace("\r", "")):
        if "galaxynet " in paragraph.strip().split("\n")[-1]:  # examples, a line each
            continue
        lines = [line.strip() for line in paragraph.strip().split("\n")]
        for line, following in itertools.pairwise(lines):
            assert len(line) + 1 + len(following.split()[0]) > columns - 3, paragraph


@pytest.mark.parametrize(("columns", "shown"), [(80, False), (130, True)])
def test_the_source_of_a_dataset_is_shown_if_it_fits(tmp_path: Path, columns: int, shown: bool) -> None:
    """A path is not cut to a few letters of its two ends."""
    subprocess.run(
        [COMMAND, "fetch", "galaxy-sim", "--count", "20", "--data-dir", str(tmp_path)],
        check=True, capture_output=True,
    )  # fmt: skip
    text = in_a_terminal(columns, "datasets", "--data-dir", str(tmp_path))
    assert ("from" in text.split("\n")[0]) == shown
    assert "…" not in text


@pytest.mark.slow
@pytest.mark.promise("Interruptions")
@pytest.mark.usefixtures("toys")
def test_a_closed_terminal_interrupts_a_run(warm: WarmProcess) -> None:
    """A run whose terminal is closed ends as `interrupted`, not as failed."""
    ours, theirs = pty.openpty()
    words = ("train", "toynet", "--epochs", "500", "--pause", "0.05")
    process = warm.start(*words, terminal=os.ttyname(theirs))
    os.close(theirs)
    runs = Path(os.environ["GALAXYNET_RUNS"])
    while not (kept := list(runs.glob("*/checkpoints/last.ckpt"))):
        assert os.read(ours, 4096)
    os.close(ours)
    process.wait(60)
    run = galaxynet.find_run(str(kept[0].parent.parent))
    assert (run.record.status, run.record.message) == ("interrupted", "")
