"""`galaxynet sweep` as users run it: real processes, killed at real moments."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from in_process import run_here
from warm_process import WarmCommand, WarmProcess

import galaxynet
from galaxynet.runs import Run
from galaxynet.sweeps.sweep_record import Sweep, TrialRecord, log_path

pytestmark = [pytest.mark.usefixtures("toys", "trial_server"), pytest.mark.slow]

FRAGILE = """
import os, signal
from pathlib import Path
from toy_model import Net as Plain

with Path(os.environ["IMPORTS"]).open("a") as stream:
    stream.write(f"{os.getpid()}\\n")

class Net(Plain):
    def training_step(self, batch, index):
        match self.options.hidden:
            case 13: os.kill(os.getpid(), signal.SIGKILL)
            case 14: raise MemoryError("14 units need too much memory")
            case 15: os._exit(3)
        loss = super().training_step(batch, index)
        return loss * float("inf") if self.options.hidden == 16 else loss
"""

SEEING = """
import os, time
from pathlib import Path
from toy_model import Net as Plain

class Net(Plain):
    def on_fit_start(self):
        self.begun = time.time()

    def on_fit_end(self):
        with Path(os.environ["SEEN"]).open("a") as stream:
            stream.write(f"{os.environ['CUDA_VISIBLE_DEVICES']} {self.begun} {time.time()}\\n")
"""


def opened(name: str) -> Sweep:
    return Sweep.open(Path(os.environ["GALAXYNET_RUNS"]), name)


def trials(name: str) -> dict[str, TrialRecord]:
    """The trials of a sweep by their values."""
    return {json.dumps(trial.values): trial for trial in opened(name).record.trials}


def wait_until(process: WarmCommand, finished: int) -> None:
    """Wait until N trials have finished and another one has ended an epoch."""
    folder = Path(os.environ["GALAXYNET_RUNS"])
    for _ in range(1200):
        runs = [run for run in galaxynet.list_runs() if isinstance(run, Run)]
        done = sum(run.status == "finished" for run in runs)
        under_way = [run for run in runs if run.status == "running" and run.metrics()]
        if done >= finished and under_way and list(folder.glob("sweeps/*/sweep.json")):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    raise AssertionError(process.communicate())


def test_every_trial_ends_as_what_it_is(
    distribution: Any, monkeypatch: Any, tmp_path: Path, warm: WarmProcess
) -> None:
    """A crash, an error and an undefined loss each end one trial and are kept; the others finish."""
    monkeypatch.setenv("IMPORTS", str(tmp_path / "imports"))
    distribution(
        "fragile",
        {
            "fragile": "from toys import NET; import dataclasses\n"
            "SPEC = dataclasses.replace(NET, name='fragile', module='fragile_net:Net')",
            "fragile_net": FRAGILE,
        },
        {"galaxynet.models": {"fragile": "fragile:SPEC"}},
    )
    words = ("sweep", "fragile", "--hidden", "8,13,14,15,16", "--epochs", "1", "--name", "all")
    done = warm.run(*words, "--parallel", "2")
    assert done.returncode == 1, done.stderr
    stderr = " ".join(done.stderr.split())
    assert "5 trials: 1 finished, 1 with an undefined loss, 3 failed" in stderr
    trial = trials("all")
    assert trial['{"hidden": 8}'].status == "finished"
    assert trial['{"hidden": 16}'].status == "diverged"
    assert "killed" in trial['{"hidden": 13}'].message
    assert "14 units need too much memory" in trial['{"hidden": 14}'].message
    assert "exit code 3" in trial['{"hidden": 15}'].message
    log = log_path(opened("all").path, trial['{"hidden": 14}'].key)
    assert "14 units need too much memory" in log.read_text()
    # Each has a run that says the same, so that a comparison shows it.
    runs = {run.record.id: run for run in galaxynet.list_runs()}
    assert len(runs) == 5
    assert all(runs[record.run].status == record.status for record in trial.values())
    # The network was imported by the process that the workers are forked from, and not again by any of them.
    assert len((tmp_path / "imports").read_text().split()) == 1

    again = run_here(*words)
    assert "5 trials: 1 finished, 1 with an undefined loss, 3 failed" in " ".join(again.stderr.split())
    assert len(galaxynet.list_runs()) == 5  # failures are kept, and not tried again
    warm.run(*words, "--retry-failed")
    assert len(galaxynet.list_runs()) == 8


def test_gpus_are_shared_out(distribution: Any, monkeypatch: Any, tmp_path: Path, warm: WarmProcess) -> None:
    """With two GPUs visible two trials run at once, and each sees one of them, never both the same."""
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    distribution(
        "seeing",
        {
            "seeing": "from toys import NET; import dataclasses as d\n"
            "SPEC = d.replace(NET, name='seeing', module='seeing_net:Net')",
            "seeing_net": SEEING,
        },
        {"galaxynet.models": {"seeing": "seeing:SPEC"}},
    )
    done = warm.run("sweep", "seeing", "--hidden", "4,5,6,7", "--epochs", "2", "--pause", "0.15")
    assert "4 trials, 2 at once" in " ".join(done.stderr.split())
    seen = [line.split() for line in (tmp_path / "seen").read_text().splitlines()]
    assert {gpu for gpu, *_ in seen} == {"3", "5"}
    for gpu, begun, ended in seen:
        others = [other for other in seen if other[0] == gpu and other[1] != begun]
        assert all(float(ended) < float(other[1]) or float(other[2]) < float(begun) for other in others)


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_sweep_goes_on_where_it_was(sent: signal.Signals, warm: WarmProcess) -> None:
    """A sweep stopped by Ctrl-C, SIGTERM, a closed terminal or `kill -9` resumes and repeats nothing."""
    words = ("sweep", "toynet", "--seeds", "3", "--epochs", "4", "--pause", "0.05", "--name", "on")
    process = warm.start(*words)
    wait_until(process, finished=1)
    if sent == signal.SIGHUP:  # a terminal sends it to the workers too
        os.killpg(process.pid, sent)
    else:
        process.send_signal(sent)
    _, stderr = process.communicate(timeout=60)
    if sent != signal.SIGKILL:
        assert process.returncode == 130
        stderr = " ".join(stderr.split())
        assert "1 finished, 1 interrupted, 1 waiting; the same command continues this sweep" in stderr
        assert "results so far: galaxynet compare --sweep on" in stderr
    before = {run.record.id: run for run in galaxynet.list_runs()}
    finished = {id_ for id_, run in before.items() if run.status == "finished"}
    assert 1 <= len(finished) < 3
    done = run_here(*words)
    assert done.returncode == 0, done.stderr
    assert [trial.status for trial in opened("on").record.trials] == ["finished"] * 3
    after = {run.record.id: run for run in galaxynet.list_runs()}
    assert len(after) == 3  # the interrupted one was gone on with: it is the same run
    assert set(before) <= set(after)
    assert all(after[id_].record == before[id_].record for id_ in finished)
    assert all([row["epoch"] for row in run.metrics()] == [0, 1, 2, 3] for run in after.values())


@pytest.mark.promise("Interruptions")
def test_trials_end_with_a_sweep_that_was_killed(warm: WarmProcess) -> None:
    """After `kill -9` of a sweep none of its trials keeps training."""
    process = warm.start(
        "sweep", "toynet", "--hidden", "4,5", "--epochs", "500", "--pause", "0.05", "--parallel", "2"
    )
    wait_until(process, finished=0)
    process.kill()
    process.communicate()
    for _ in range(200):
        if all(run.status == "interrupted" for run in galaxynet.list_runs()):
            break
        time.sleep(0.1)
    assert {run.status for run in galaxynet.list_runs()} == {"interrupted"}


@pytest.mark.promise("Measurements")
def test_a_trial_is_what_its_command_trains(warm: WarmProcess) -> None:
    """A trial has the figures of the command that its record names, to the last digit."""
    done = run_here("sweep", "toynet", "--hidden", "5,6", "--lr", "0.02", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    trial = galaxynet.list_runs()[-1].record
    assert trial.command[:3] == ["galaxynet", "train", "toynet"]
    assert warm.run(*trial.command[1:], "--name", "alone").returncode == 0
    alone = galaxynet.find_run("alone").record
    assert alone.metrics == trial.metrics
    assert alone.options == trial.options
    assert (alone.sweep, trial.sweep != "") == ("", True)


def test_new_values_are_added_to_a_sweep(distribution: Any) -> None:
    """A sweep of a name that exists trains what is new; that of another network is refused."""
    distribution(
        "second",
        {"second": "from toys import NET; import dataclasses as d\nSPEC = d.replace(NET, name='toynet2')"},
        {"galaxynet.models": {"toynet2": "second:SPEC"}},
    )
    words = ("--epochs", "1", "--name", "mine")
    assert run_here("sweep", "toynet", "--hidden", "4,5", *words).returncode == 0
    done = run_here("sweep", "toynet", "--hidden", "5,6", *words)
    assert "1 of 2 trials is done already: 1 finished" in " ".join(done.stderr.split())
    assert len(galaxynet.list_runs()) == 3
    refused = run_here("sweep", "toynet2", "--hidden", "4,5", "--name", "mine")
    assert (refused.returncode, "is of toynet on blobs" in " ".join(refused.stderr.split())) == (2, True)


def test_a_dry_run_plans_and_leaves_nothing() -> None:
    """`--dry-run` shows trials and time from a few steps of each network, and makes no run."""
    words = ("--hidden", "4,5", "--lr", "1e-3..1e-1:3:log", "--seeds", "2", "--dry-run")
    done = run_here("sweep", "toynet", *words)
    stderr = " ".join(done.stderr.split())
    assert done.returncode == 0, stderr
    assert "12 trials, one at a time" in stderr
    assert "(from a few steps of 2 networks)" in stderr
    assert "0.001, 0.01, 0.1" in stderr
    assert not Path(os.environ["GALAXYNET_RUNS"]).exists()


def test_missing_data_are_told_once() -> None:
    """Where the dataset is not there, the sweep says how to fetch it and does not fail trial by trial."""
    done = run_here("sweep", "mnist_cnn", "--act", "relu,tanh")
    assert done.returncode == 1
    assert "galaxynet fetch mnist" in " ".join(done.stderr.split())
    assert not Path(os.environ["GALAXYNET_RUNS"]).exists()


@pytest.mark.promise("Several processes")
def test_two_processes_do_not_run_one_sweep(warm: WarmProcess) -> None:
    """While one process runs a sweep, a second is refused."""
    words = ("sweep", "toynet", "--hidden", "4,5", "--epochs", "300", "--pause", "0.05", "--name", "one")
    process = warm.start(*words)
    wait_until(process, finished=0)
    second = run_here(*words)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert second.returncode == 1
    assert "is being run by another process" in " ".join(second.stderr.split())


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (("--hiden", "4,5"), "--hiden"),
        (("--act", "relu"), "The network comes first, before --act. Write: galaxynet sweep MODEL --act ..."),
        (("--hidden", "4,x"), "--hidden x: not a whole number"),
        (("--hidden", "0,1"), "--hidden 0: input should be greater than or equal to 1"),
        (("--runs-dir", "a", "--hidden", "1..2000"), "2,000 trials"),
        (("--name", "../x", "--hidden", "1,2"), "A sweep cannot be named"),
        (("--seeds", "1,2"), "expected the number of seeds. To list seeds: --seed 1,2"),
        (("--lr", "0.1..1"), "the number of values is missing"),
    ],
)
def test_a_wrong_call_starts_nothing(words: tuple[str, ...], stderr: str) -> None:
    """An unknown option or an invalid value is reported before anything runs, with exit code 2."""
    done = run_here("sweep", *words) if words[0] == "--act" else run_here("sweep", "toynet", *words)
    assert (done.returncode, stderr in " ".join(done.stderr.split())) == (2, True), done.stderr
    assert not Path(os.environ["GALAXYNET_RUNS"]).exists()
