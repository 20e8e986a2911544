"""Trials that end without a result: what is reported, and what the same command does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from in_process import run_here
from warm_process import WarmProcess

import galaxynet
from galaxynet.runs import Run
from galaxynet.sweeps.engine import Event
from galaxynet.sweeps.job import TrialJob
from galaxynet.sweeps.scheduler import final_status
from galaxynet.sweeps.sweep_record import Sweep, TrialRecord, log_path
from galaxynet.sweeps.worker import run_trial

pytestmark = [pytest.mark.usefixtures("toys", "trial_server"), pytest.mark.slow]

MOODY = """
import os, signal, sys
from pathlib import Path
from toy_model import Net as Plain

class Net(Plain):
    def __init__(self, options, data_info):
        super().__init__(options, data_info)
        if options.hidden == 11:
            print("eleven speaks")
            sys.exit("too early")

    def training_step(self, batch, index):
        repaired = Path("REPAIRED").exists()
        match self.options.hidden:
            case 12: sys.exit("bye")
            case 13: raise KeyboardInterrupt
            case 14: raise MemoryError
            case 15: raise ValueError("first line " + "of many words " * 20 + "\\nsecond line")
            case 16 if self.current_epoch == 2 and not repaired: os.kill(os.getpid(), signal.SIGKILL)
        return super().training_step(batch, index)
"""


@pytest.fixture
def moody(distribution: Any, tmp_path: Path) -> Path:
    """A network that fails differently at some widths; returns the file that repairs width 16."""
    distribution(
        "moody",
        {
            "moody": "from toys import NET; import dataclasses\n"
            "SPEC = dataclasses.replace(NET, name='moody', module='moody_net:Net')",
            "moody_net": MOODY.replace("REPAIRED", str(tmp_path / "repaired")),
        },
        {"galaxynet.models": {"moody": "moody:SPEC"}},
    )
    return tmp_path / "repaired"


def sweep(*words: str) -> subprocess.CompletedProcess[str]:
    return run_here("sweep", *words, "--name", "s")


def message(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join(done.stderr.split())


def record() -> Sweep:
    return Sweep.open(Path(os.environ["GALAXYNET_RUNS"]), "s")


def trials() -> dict[Any, TrialRecord]:
    return {trial.values["hidden"]: trial for trial in record().record.trials}


@pytest.mark.promise("Interruptions")
@pytest.mark.usefixtures("moody")
def test_a_plugin_that_ends_its_process_has_failed(warm: WarmProcess) -> None:
    """A trial that ends itself by `sys.exit` or KeyboardInterrupt is recorded as failed."""
    done = warm.run("sweep", "moody", "--hidden", "8,11,12,13", "--epochs", "1", "--name", "s")
    assert done.returncode == 1, done.stderr
    assert "4 trials: 1 finished, 3 failed" in message(done)
    before = trials()
    assert {width: trial.status for width, trial in before.items()} == {
        8: "finished", 11: "failed", 12: "failed", 13: "failed"
    }  # fmt: skip
    itself = "The network or the dataset ended the training itself: "
    assert [before[width].message for width in (11, 12, 13)] == [
        f"{itself}SystemExit: too early.", f"{itself}SystemExit: bye.", f"{itself}KeyboardInterrupt."
    ]  # fmt: skip
    # What it printed is in its log, and no plugin's word got to the terminal.
    assert "eleven speaks" in log_path(record().path, before[11].key).read_text()
    assert "bye" not in (done.stderr + done.stdout).splitlines()
    assert "eleven speaks" not in done.stderr + done.stdout

    again = sweep("moody", "--hidden", "8,11,12,13", "--epochs", "1")
    assert "4 trials, nothing left to train: 1 finished, 3 failed" in message(again)
    assert {width: trial.run for width, trial in trials().items()} == {
        width: trial.run for width, trial in before.items()
    }


@pytest.mark.promise("Interruptions")
def test_a_trial_that_was_stopped_is_counted(warm: WarmProcess) -> None:
    """A trial stopped by SIGTERM is counted as interrupted and continued by the same command."""
    words = ("toynet", "--hidden", "4,8", "--epochs", "6", "--pause", "0.05")
    process = warm.start("sweep", *words, "--name", "s")
    for _ in range(600):
        busy = [run for run in galaxynet.list_runs() if isinstance(run, Run) and run.metrics()]
        if busy:
            os.kill(busy[0].record.environment.pid, signal.SIGTERM)
            break
        time.sleep(0.1)
    _, text = process.communicate(timeout=120)
    assert (process.returncode, "2 trials: 1 finished, 1 interrupted" in " ".join(text.split())) == (1, True)
    done = sweep(*words)
    assert (done.returncode, "2 trials: 2 finished" in message(done)) == (0, True)
    assert len(galaxynet.list_runs()) == 2


@pytest.mark.promise("Interruptions")
def test_a_trial_that_is_stopped_while_it_prepares_is_trained_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A trial stopped by SIGTERM before its run is there prints no traceback, and has not failed."""
    monkeypatch.setattr("galaxynet.training.fit.build_data", lambda *_: signal.raise_signal(signal.SIGTERM))
    folder = str(tmp_path)
    job = TrialJob("k", "toynet", "blobs", {"epochs": 1}, "s", folder, folder, "log")
    before = torch.get_num_threads()
    try:
        assert run_trial(job, 1, lambda _: None) == ""
    finally:
        torch.set_num_threads(before)
    assert capsys.readouterr().out == "stopped\n"
    assert final_status(None, Event("k", ended=True)) == ("interrupted", "")


@pytest.mark.usefixtures("moody")
def test_a_message_keeps_to_its_line(warm: WarmProcess) -> None:
    """An error message of any length is shown in one short line; the log has all of it."""
    done = warm.run("sweep", "moody", "--hidden", "14,15", "--epochs", "1", "--name", "s")
    lines = done.stderr.splitlines()
    assert any("hidden 14: failed: MemoryError (" in line for line in lines), done.stderr
    (long,) = [line for line in lines if "hidden 15: failed: ValueError: first line" in line]
    assert "… (" in long
    assert len(long) < 170
    assert "second line" not in done.stderr + done.stdout
    assert trials()[15].message.endswith("words")
    assert "second line" in log_path(record().path, trials()[15].key).read_text()
    assert done.stderr.count(str(record().path / "logs")) == 1


@pytest.mark.promise("Interruptions")
def test_a_killed_trial_keeps_its_epochs(moody: Path) -> None:
    """A killed trial keeps its epochs, and `--retry-failed` continues it from there."""
    done = sweep("moody", "--hidden", "8,16", "--epochs", "4")
    assert "2 trials: 1 finished, 1 failed" in message(done)
    killed = galaxynet.find_run(trials()[16].run)
    assert (killed.status, killed.record.epochs) == ("failed", 2)
    moody.touch()
    again = sweep("moody", "--hidden", "8,16", "--epochs", "4", "--retry-failed")
    assert again.returncode == 0, again.stderr
    assert "1 of 2 trials is done already: 1 finished" in message(again)
    run = galaxynet.find_run(trials()[16].run)
    assert (run.record.id, run.status, run.record.epochs) == (killed.record.id, "finished", 4)
    printed = log_path(record().path, trials()[16].key).read_text()
    assert printed.count("epoch 1/4") == 1
    assert len(galaxynet.list_runs()) == 2


def test_a_damaged_run_is_named_and_trained_again() -> None:
    """A run of the sweep whose record cannot be read is named before it is trained again."""
    sweep("toynet", "--hidden", "4,8", "--epochs", "1")
    broken = galaxynet.find_run(trials()[8].run)
    (broken.path / "run.json").write_text("{")
    done = sweep("toynet", "--hidden", "4,8", "--epochs", "1")
    assert done.returncode == 0
    assert f"{broken.path / 'run.json'}: The record is not JSON" in done.stderr.replace("\n", "")
    assert "It is trained again as a new run." in message(done)


def test_a_damaged_record_names_the_key() -> None:
    """A sweep.json in which a key is wrong is refused with that key, before anything is timed."""
    sweep("toynet", "--hidden", "4", "--epochs", "1")
    path = record().path / "sweep.json"
    values = json.loads(path.read_text())
    values["trials"][0]["status"] = "perhaps"
    path.write_text(json.dumps(values))
    done = sweep("toynet", "--hidden", "4,8", "--epochs", "1")
    assert done.returncode == 1
    assert "cannot be read: trials.0.status: input should be 'waiting'" in message(done)
    assert "validation error" not in message(done)


def test_a_name_of_another_sweep_is_refused_before_timing(distribution: Any) -> None:
    """The name of a sweep of another network is refused by --dry-run as by the real call, and at once."""
    distribution(
        "second",
        {"second": "from toys import NET; import dataclasses as d\nSPEC = d.replace(NET, name='toynet2')"},
        {"galaxynet.models": {"toynet2": "second:SPEC"}},
    )
    sweep("toynet", "--hidden", "4", "--epochs", "1")
    for more in ((), ("--dry-run",)):
        done = sweep("toynet2", "--hidden", "4,8", *more)
        assert (done.returncode, "is of toynet on blobs" in message(done)) == (2, True)
        assert "steps" not in message(done)
