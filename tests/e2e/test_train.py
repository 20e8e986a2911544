"""The installed command, as users run it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from warm_process import WarmCommand, WarmProcess

import galaxynet

pytestmark = [pytest.mark.usefixtures("toys"), pytest.mark.slow]
COMMAND = str(Path(sys.executable).with_name("galaxynet"))


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *words], capture_output=True, text=True, timeout=120)


def wait_for_epoch(process: WarmCommand) -> Path:
    """Wait until the first epoch is kept; the run folder."""
    for _ in range(600):
        checkpoints = list(Path(os.environ["GALAXYNET_RUNS"]).glob("*/checkpoints/last.ckpt"))
        if checkpoints:
            time.sleep(0.2)
            return checkpoints[0].parent.parent
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(process.communicate())


def test_train_and_compare(warm: WarmProcess) -> None:
    """`train` ends with the accuracy, its interval, the majority class and the folder, in plain lines."""
    done = call("train", "toynet", "--epochs", "2", "--name", "mine")
    assert done.returncode == 0, done.stderr
    output = " ".join(done.stderr.split())
    assert "95% interval" in output
    assert "majority class 33.3%" in output
    assert done.stdout == ""
    assert "another run is called" not in output
    run = galaxynet.find_run("mine")
    assert run.record.command[:3] == ["galaxynet", "train", "toynet"]
    assert list(run.figures.glob("*.png"))
    rows = json.loads(warm.run("compare", "--format", "json").stdout)
    assert "toynet" in json.dumps(rows)
    again = warm.run("train", "toynet", "--epochs", "1", "--name", "mine")
    assert "another run is called mine already" in " ".join(again.stderr.split())


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize(
    ("sent", "ends"), [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -9)]
)
def test_a_killed_run_goes_on(sent: signal.Signals, ends: int, warm: WarmProcess) -> None:
    """Ctrl-C, SIGTERM and `kill -9` each leave a run that `--resume` finishes from where it stopped."""
    process = warm.start("train", "toynet", "--epochs", "6", "--pause", "0.1", "--seed", "3")
    folder = wait_for_epoch(process)
    process.send_signal(sent)
    _, output = process.communicate(timeout=60)
    run = galaxynet.find_run(str(folder))
    assert run.status == "interrupted"
    assert process.returncode == ends
    if sent != signal.SIGKILL:
        assert f"galaxynet train --resume {run.record.id}" in " ".join(output.split())
    mixed = warm.run("train", "--resume", run.record.id, "--lr", "1")
    assert (mixed.returncode, "no other option can be given" in " ".join(mixed.stderr.split())) == (2, True)
    done = warm.run("train", "--resume", run.record.id)
    assert done.returncode == 0, done.stderr
    run = galaxynet.find_run(str(folder))
    assert run.status == "finished"
    assert [row["epoch"] for row in run.metrics()] == [0, 1, 2, 3, 4, 5]
    assert len(galaxynet.list_runs()) == 1


@pytest.mark.promise("Several processes")
def test_two_processes_are_resumed(warm: WarmProcess) -> None:
    """An interrupted run of two processes is resumed in two processes."""
    process = warm.start(
        *["train", "toynet", "--accelerator", "cpu", "--devices", "2", "--epochs", "6", "--pause", "0.1"]
    )
    folder = wait_for_epoch(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    run = galaxynet.find_run(str(folder))
    done = warm.run("train", "--resume", run.record.id)
    assert done.returncode == 0, done.stderr
    assert galaxynet.find_run(str(folder)).status == "finished"


@pytest.mark.promise("Several processes")
def test_two_processes_make_one_run(warm: WarmProcess) -> None:
    """Two processes train one run: one folder, one voice, and every test sample counted once."""
    done = warm.run(
        "train", "toynet", "--accelerator", "cpu", "--devices", "2", "--epochs", "2", "--samples", "121"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert [line for line in lines if lines.count(line) > 1] == []
    (run,) = galaxynet.list_runs()
    assert isinstance(run, type(galaxynet.find_run("last")))
    assert run.record.devices == 2
    predictions = run.predictions()
    assert len(predictions) == len(set(predictions.ids)) == run.record.splits["test"]
    assert sum(predictions.correct) / len(predictions) == pytest.approx(run.record.metrics["test/accuracy"])


@pytest.mark.parametrize(
    ("words", "output", "code"),
    [
        (["train", "toynett"], "Did you mean 'toynet'?", 2),
        (["train", "toynet", "--epochs", "0"], "--epochs 0", 2),
        (["train", "toynet", "--epochs", "many"], "--epochs", 2),
        (["train", "toynet", "--dataset", "blob"], "Did you mean 'blobs'?", 2),
        (["train", "toynet", "--dataset", "blobs", "--dataset", "text"], "--file FILE", 2),
        (["train", "toynet", "--resume", "nothing"], "no runs", 1),
        (["train", "toynet", "--explode"], "lower --lr", 1),
        (["train", "--epochs", "3"], "The network comes first", 2),
        (["train", "--resume"], "--resume needs a run", 2),
        (["trian"], "Did you mean 'train'?", 2),
    ],
)
def test_errors_are_a_sentence(words: list[str], output: str, code: int, warm: WarmProcess) -> None:
    """A mistake ends in a sentence with the way out and the right exit code, without a traceback."""
    done = warm.run(*words)
    assert done.returncode == code, done.stderr
    assert output in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_debug_shows_where(distribution: Any, warm: WarmProcess) -> None:
    """A fault inside a plugin is one line; with --debug there is a traceback."""
    distribution(
        "faulty",
        {
            "faulty": "import dataclasses, toys\n"
            "SPEC = dataclasses.replace(toys.NET, name='f', module='f_net:Net')",
            "f_net": "1 / 0",
        },
        {"galaxynet.models": {"f": "faulty:SPEC"}},
    )
    done = warm.run("train", "f")
    assert done.returncode == 1
    assert "faulty 1.0 does not import f_net:Net: ZeroDivisionError" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert "Traceback" in warm.run("train", "f", "--debug").stderr
