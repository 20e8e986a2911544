"""`galaxynet reproduce`, with a stranger's network that brings the claims of its own paper."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from in_process import run_here
from warm_process import WarmProcess

import galaxynet
from galaxynet.runs import Run
from galaxynet_reproduce import reproduce

pytestmark = [pytest.mark.usefixtures("paper", "trial_server"), pytest.mark.slow]

PAPER = """
from galaxynet_reproduce import Claim, Diverges, Exceeds, Reaches
from galaxynet.plugin import ModelSpec
from toys import NetOptions

NET = {"hidden": 16, "lr": 0.01, "epochs": 8}
SPEC = ModelSpec(
    name="papernet", summary="a net", options=NetOptions, module="toy_model:Net", dataset="blobs",
    training={"epochs": 3, "batch_size": 16},
    claims="paper:CLAIMS",
)
OTHER = ModelSpec(
    name="othernet", summary="a net", options=NetOptions, module="toy_model:Net", dataset="blobs",
    training={"epochs": 3, "batch_size": 16},
    claims="paper:OTHERS",
)
OTHERS = (
    Claim(name="other/better", says="It is better than a small one.", source="a paper",
          arms={"net": {"pause": 0.05}, "small": {"pause": 0.05, "hidden": 1}},
          rule=Exceeds(arm="net", than="small", metric="test/accuracy"), seeds=3),
)
CLAIMS = (
    Claim(name="blobs/accuracy", says="It finds 40 % of the spots.", source="a paper", where="page 3",
          arms={"net": NET}, rule=Reaches(arm="net", metric="test/accuracy", value=0.4), seeds=2),
    Claim(name="blobs/explodes", says="Its loss can become undefined.", source="a paper",
          arms={"net": {"explode": True}}, rule=Diverges(arm="net"), seeds=1),
    Claim(name="slow/better", says="It is better than a small one.", source="a paper",
          arms={"net": {"pause": 0.05, "epochs": 4}, "small": {"pause": 0.05, "epochs": 4, "hidden": 1}},
          rule=Exceeds(arm="net", than="small", metric="test/accuracy"), seeds=2),
    Claim(name="crash/accuracy", says="It does not work.", source="a paper",
          arms={"net": {"accelerator": "cpu", "precision": "fp16"}}, rule=Diverges(arm="net"), seeds=1),
    Claim(name="long/accuracy", says="It takes long.", source="a paper",
          arms={"net": {"epochs": 1000000}}, rule=Diverges(arm="net")),
    Claim(name="blobs/broken", says="It cannot be tested.", source="a paper",
          arms={"net": {"petals": 8}}, rule=Diverges(arm="net")),
)
"""


@pytest.fixture
def paper(toys: None, distribution: Any) -> None:
    """Install the network `papernet` with its claims."""
    models = {"papernet": "paper:SPEC", "othernet": "paper:OTHER"}
    distribution("paper", {"paper": PAPER}, {"galaxynet.models": models})


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return run_here("reproduce", *words)


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return {row["claim"]: row for row in json.loads(done.stdout)}


def runs() -> list[Run]:
    everything = galaxynet.list_runs()
    assert all(isinstance(run, Run) for run in everything)
    return [run for run in everything if isinstance(run, Run)]


def test_a_strangers_claims_are_tested() -> None:
    """Claims of an installed package are trained and judged; the same call trains nothing more."""
    first = call("blobs", "--format", "json")
    rows = verdicts(first)
    assert rows["blobs/accuracy"]["verdict"] == "holds"
    assert rows["blobs/accuracy"]["low"] <= rows["blobs/accuracy"]["estimate"]
    assert rows["blobs/explodes"]["verdict"] == "holds"
    assert rows["blobs/explodes"]["ours"] == "undefined loss in 1 of 1 trainings"
    assert "no option petals" in first.stderr
    assert len(runs()) == 3
    again = call("blobs", "--format", "markdown")
    assert "nothing to train" in again.stderr
    assert "| `blobs/explodes` | – | undefined loss" in again.stdout
    assert len(runs()) == 3


def test_the_commands_behind_a_line_repeat_it() -> None:
    """The shown sweep trains the same, and the shown comparison has the runs of the line."""
    row = verdicts(call("blobs/accuracy", "--format", "json"))["blobs/accuracy"]
    sweep, compare = row["commands"]
    for command in (sweep, compare):
        done = run_here(*command.split()[1:])
        assert done.returncode == 0, done.stderr
    trained = [run for run in runs() if run.record.id not in row["runs"]]
    values = sorted(run.record.metrics["test/accuracy"] or 0.0 for run in trained)
    assert len(values) == 2
    assert row["estimate"] == pytest.approx(sum(values) / 2)


def test_what_was_trained_otherwise_counts() -> None:
    """Runs of `train` with exactly these options are judged, and damaged or other ones are not in the way."""
    for seed in (0, 1):
        galaxynet.train("papernet", hidden=16, lr=0.01, epochs=8, seed=seed)
    galaxynet.train("papernet", hidden=16, lr=0.02, epochs=8)
    damaged = Path(os.environ["GALAXYNET_RUNS"]) / "20260101-000000-papernet-abc123"
    damaged.mkdir()
    (damaged / "run.json").write_text("{")
    row = verdicts(call("blobs/accuracy", "--seeds", "0", "--format", "json"))["blobs/accuracy"]
    assert row["verdict"] == "holds"
    assert len(row["runs"]) == 2


def test_a_cut_test_has_no_bold_verdict() -> None:
    """With a part of the seeds and epochs the table says which part, and that it undecided."""
    part = ("--seeds", "1", "--epochs", "2")
    dry = call("slow", *part, "--dry-run")
    assert "2 trainings" in dry.stderr
    assert not galaxynet.list_runs()
    row = verdicts(call("slow", *part, "--format", "json"))["slow/better"]
    assert row["verdict"] == "undecided"
    assert row["cut"]
    assert row["extent"] == "1 of 2 seeds, 2 of 4 epochs"
    assert {run.record.options.training["epochs"] for run in runs()} == {2}
    assert all("--epochs 2" in command for command in row["commands"][:2])
    shown = call("slow", *part).stdout
    assert "undecided: cut short" in shown
    judged = verdicts(call("slow", "--seeds", "0", "--format", "json"))["slow/better"]
    assert {name: judged[name] for name in ("runs", "extent", "estimate")} == {
        name: row[name] for name in ("runs", "extent", "estimate")
    }


@pytest.mark.promise("Interruptions")
def test_a_stopped_call_is_continued(warm: WarmProcess) -> None:
    """After Ctrl-C the same `reproduce` continues with the run that was stopped."""
    process = warm.start("reproduce", "slow", "--quiet")
    for _ in range(600):
        if list(Path(os.environ["GALAXYNET_RUNS"]).glob("*/checkpoints/last.ckpt")):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "the same command continues" in text
    before = {run.record.id for run in runs()}
    assert before
    rows = verdicts(call("slow", "--format", "json"))
    assert before <= set(rows["slow/better"]["runs"])
    assert {run.status for run in runs()} == {"finished"}


def test_a_failed_training_is_reported() -> None:
    """A claim whose training failed gives the reason, later too, and the others have their verdicts."""
    done = call("crash", "blobs/explodes", "--format", "json")
    rows = {row["claim"]: row for row in json.loads(done.stdout)}
    assert rows["blobs/explodes"]["verdict"] == "holds"
    assert done.returncode == 1
    assert rows["crash/accuracy"]["verdict"] == "training failed"
    assert "fp16" in rows["crash/accuracy"]["reason"]
    later = verdicts(call("crash", "--seeds", "0", "--format", "json"))["crash/accuracy"]
    assert (later["verdict"], later["reason"]) == ("training failed", rows["crash/accuracy"]["reason"])


def test_missing_data_affect_no_other_claim() -> None:
    """A claim without data on this machine says how to get them, and the others are tested."""
    rows = verdicts(call("mnist/accuracy", "blobs/explodes", "--format", "json"))
    assert rows["blobs/explodes"]["verdict"] == "holds"
    assert rows["mnist/accuracy"]["verdict"] == "not run"
    assert "Data are missing" in rows["mnist/accuracy"]["reason"]
    assert rows["mnist/accuracy"]["commands"][0] == "galaxynet fetch mnist"
    judged = call("mnist/accuracy", "--seeds", "0", "--format", "json")
    assert verdicts(judged)["mnist/accuracy"]["commands"][0] == "galaxynet fetch mnist"
    assert "3 of 3 trainings of the full test are missing" in judged.stderr
    assert "galaxynet fetch mnist" in judged.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["blobz"], "'blobs'"),
        ([], "all"),
        (["blobs", "--seeds", "-1"], "--seeds"),
        (["blobs", "--set", "samples"], "OPTION=VALUE"),
        (["blobs", "--set", "sample=12"], "samples"),
        (["blobs", "--set", "samples=2"], "--samples 2"),
        (["galaxy", "--set", "labels=/no/such.csv"], "--set labels=/no/such.csv"),
        (["galaxy", "--set", "test-ids=/no/such.csv", "--seeds", "0"], "no such file"),
        (["slow", "--set", "pause=1"], "slow/better sets it itself"),
        (["long"], "--seeds 1"),
    ],
)
def test_a_wrong_call_has_a_hint(words: list[str], message: str) -> None:
    """An unknown topic, no topic, a bad number and a bad option are errors with a way out, code 2."""
    done = call(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not galaxynet.list_runs()


def test_the_list_has_every_claim() -> None:
    """--list has what each claim says, where, and what its full test takes, and trains nothing."""
    done = call("--list", "--format", "json")
    rows = {row["claim"]: row for row in json.loads(done.stdout)}
    assert rows["blobs/accuracy"]["trainings"] == 2
    assert rows["blobs/accuracy"]["epochs"] == 16
    assert rows["galaxy/accuracy"]["published"] == 0.69
    assert "blobs/broken" not in rows
    text = call("blobs", "--list").stdout
    assert "It finds 40 % of the spots." in text
    assert "a paper, page 3" in text
    assert "galaxy" not in text
    assert "| `blobs/accuracy` |" in call("--list", "--format", "markdown").stdout


def test_the_same_from_python() -> None:
    """`galaxynet_reproduce.reproduce` gives the verdicts, time and again."""
    for _ in range(2):
        (outcome,) = reproduce("blobs/explodes")
        assert outcome.verdict == "holds"
        assert len(outcome.runs) == 1
