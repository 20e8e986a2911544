"""The installed command `generate`."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from warm_process import WarmProcess

import galaxynet
from galaxynet.errors import RunError
from galaxynet.runs import Run

COMMAND = str(Path(sys.executable).with_name("galaxynet"))
pytestmark = [pytest.mark.usefixtures("toys"), pytest.mark.slow]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    path = tmp_path / "my.txt"
    path.write_text("it is a truth\n" * 60)
    return galaxynet.train("charrnn", dataset="text", file=path, epochs=1, iterations=3, hidden=4, name="my")


def test_it_writes_to_standard_output(run: Run, warm: WarmProcess) -> None:
    """The beginning and what follows, of the length asked for; Python writes the same for the seed."""
    words = ["generate", "my", "--length", "30", "--temperature", "0.8", "--prime", "it is", "--seed", "3"]
    done = warm.run(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("it is")
    assert len(done.stdout) == 5 + 30 + 1
    drawn = "".join(galaxynet.generate("my", length=30, temperature=0.8, prime="it is", seed=3))
    assert done.stdout == f"it is{drawn}\n"


def test_a_run_is_named_as_one_likes(run: Run) -> None:
    """In Python a run itself, its folder as a path or a text, its id and its name mean the same."""
    named = [run, run.path, str(run.path), run.record.id, "my"]
    assert len({"".join(galaxynet.generate(each, length=20)) for each in named}) == 1
    for like in (run, run.path):
        again = galaxynet.train("charrnn", like=like, seed=1)
        assert again.record.options.dataset == run.record.options.dataset
        assert galaxynet.find_run(like).record == run.record
    with pytest.raises(RunError, match="is finished"):
        galaxynet.train("charrnn", resume=run.path)


@pytest.mark.promise("Strangers' files")
def test_a_terminal_does_not_obey_the_text(tmp_path: Path, warm: WarmProcess) -> None:
    """Escape sequences in generated text are spelt out on a terminal; a pipe gets the text itself."""
    path = tmp_path / "codes.txt"
    path.write_text("\x1b\x07" * 400)
    words = f"train charrnn --dataset text --file {path} --epochs 1 --iterations 3 --hidden 4 --name codes"
    shown = in_a_terminal(warm, *words.split(), "--sample-every", "1e-9")
    assert "it writes in epoch 1" in shown
    assert re.search(r"(\\x(1b|07)){200}", shown), shown
    assert "\x07" not in shown
    shown = in_a_terminal(warm, "generate", "codes", "--length", "20", "--prime", "\x1b")
    assert re.search(r"(\\x(1b|07)){21}\s*$", shown), shown
    assert "\x07" not in shown
    assert re.fullmatch(
        "\x1b[\x1b\x07]{20}\n", warm.run("generate", "codes", "--length", "20", "--prime", "\x1b").stdout
    )


def in_a_terminal(warm: WarmProcess, *words: str) -> str:
    """What the command writes to a terminal that it is called in."""
    ours, theirs = pty.openpty()
    process = warm.start(*words, terminal=os.ttyname(theirs))
    os.close(theirs)
    written = b""
    with contextlib.suppress(OSError):  # what Linux gives when the other end is closed
        while piece := os.read(ours, 4096):
            written += piece
    process.wait(60)
    os.close(ours)
    return written.decode()


def test_what_cannot_write_says_so(run: Run, warm: WarmProcess) -> None:
    """An unknown character, a classifier, weights that are damaged or gone: a sentence each."""
    unknown = warm.run("generate", "my", "--prime", "Été")
    assert unknown.returncode == 2
    assert "no 'É', 'é', so" in " ".join(unknown.stderr.split())
    seed = warm.run("generate", "my", "--seed", "99999999999999999999999")
    assert seed.returncode == 2
    assert "4294967295" in seed.stderr
    galaxynet.train("toynet", epochs=1, name="blobs")
    classifier = warm.run("generate", "blobs")
    assert classifier.returncode == 1
    assert "blobs cannot write text: toynet is a network for classification" in classifier.stderr
    best = run.checkpoint("best")
    best.write_bytes(best.read_bytes()[:1000])
    damaged = warm.run("generate", "my")
    assert damaged.returncode == 1
    assert "cannot be read" in " ".join(damaged.stderr.split())
    shutil.rmtree(run.checkpoints)
    gone = warm.run("generate", "my")
    assert gone.returncode == 1
    assert "has no best checkpoint" in " ".join(gone.stderr.split())
    for done in (unknown, seed, classifier, damaged, gone):
        assert "Traceback" not in done.stderr


def test_a_reader_may_go(run: Run) -> None:
    """`| head` ends it without a complaint."""
    done = subprocess.run(
        f"{COMMAND} generate my --length 100000 | head -c 20", shell=True, capture_output=True, text=True
    )
    assert len(done.stdout) == 20
    assert done.stderr == ""


def test_a_strangers_language_model_writes(distribution: object, warm: WarmProcess) -> None:
    """Any network whose class has the method `generate` works with the command."""
    assert callable(distribution)
    distribution(
        "parrots",
        {
            "parrots": "import dataclasses, toys\n"
            "SPEC = dataclasses.replace(toys.NET, name='parrot', module='parrot_net:Parrot')",
            "parrot_net": "from toy_model import Net\n"
            "class Parrot(Net):\n"
            "    def generate(self, prime, length, *, temperature, seed):\n"
            "        return iter((prime or 'hello') * length)",
        },
        {"galaxynet.models": {"parrot": "parrots:SPEC"}},
    )
    galaxynet.train("parrot", epochs=1, name="polly")
    done = warm.run("generate", "polly", "--length", "2", "--prime", "ho")
    assert done.stdout == "hohoho\n", done.stderr
