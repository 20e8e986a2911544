"""A sweep on a Ray cluster: real nodes as real processes, one of which is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import galaxynet
from galaxynet.runs import Run
from galaxynet.sweeps.sweep_record import Sweep, TrialRecord

pytestmark = pytest.mark.xdist_group("ray")  # one cluster for all of them
COMMAND = str(Path(sys.executable).with_name("galaxynet"))
SMALL = {"object_store_memory": 80_000_000, "num_cpus": 1}
# What Slurm sets on the second of two nodes; Lightning would take itself for a part of that job.
SLURM = {"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_JOB_NAME": "cluster"}
FRAGILE = """
import time
from pathlib import Path
from toy_model import Net as Plain

class Net(Plain):
    def training_step(self, batch, index):
        if self.options.hidden == 14:
            raise MemoryError("14 units need too much memory")
        while self.current_epoch == 1 and not Path("GATE").exists():
            time.sleep(0.05)
        return super().training_step(batch, index)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A Ray cluster whose head has one CPU; a test adds nodes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else Ray writes a token into the home of who tests
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        quick = {"health_check_period_ms": 500, "health_check_initial_delay_ms": 500}
        cluster = Cluster(
            initialize_head=True,
            head_node_args={**SMALL, "include_dashboard": False, "_system_config": quick},
        )
        try:
            patch.setenv("RAY_ADDRESS", cluster.address)
            yield cluster
        finally:
            cluster.shutdown()


def words(*more: str) -> list[str]:
    return [COMMAND, "sweep", *more, "--engine", "ray", "--name", "s"]


def record() -> Sweep:
    return Sweep.open(Path(os.environ["GALAXYNET_RUNS"]), "s")


def trials() -> dict[Any, TrialRecord]:
    """The trials by their width."""
    return {trial.values["hidden"]: trial for trial in record().record.trials}


def start(*more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(words(*more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(process: subprocess.Popen[str], true: Callable[[], bool]) -> None:
    for _ in range(900):
        if true():
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate())


def epochs() -> dict[str, int]:
    """Finished epochs of each run, by its folder."""
    folder = Path(os.environ["GALAXYNET_RUNS"])
    return {str(path.parent.parent): len(Run.open(path.parent.parent).metrics())
            for path in folder.glob("*/checkpoints/last.ckpt")}  # fmt: skip


@pytest.mark.promise("Interruptions")
@pytest.mark.slow
def test_a_node_that_dies_loses_no_trial(distribution: Any, toys: None, cluster: Any, tmp_path: Path) -> None:
    """Trials of a killed Ray node continue elsewhere as the same runs."""
    distribution(
        "fragile",
        {
            "fragile": "from toys import NET; import dataclasses\n"
            "SPEC = dataclasses.replace(NET, name='fragile', module='fragile_net:Net')",
            "fragile_net": FRAGILE.replace("GATE", str(tmp_path / "gate")),
        },
        {"galaxynet.models": {"fragile": "fragile:SPEC"}},
    )
    node = cluster.add_node(**SMALL, env_vars=SLURM)
    # The first two wait in their second epoch until the node is gone.
    process = start("fragile", "--hidden", "4,8,14", "--epochs", "3")
    wait_until(process, lambda: len(epochs()) == 2 == [t.status for t in trials().values()].count("running"))
    before = {Path(run).name: count for run, count in epochs().items()}
    logs = Path(os.environ["GALAXYNET_RUNS"]) / "sweeps" / "s" / "logs"
    last = [json.loads(path.read_text().splitlines()[-1]) for path in logs.glob("*.attempts")]
    assert len({attempt["node"] for attempt in last}) == 2
    (lost,) = (Path(a["run"]).name for a in last if a["node"] == node.node_id)
    # Two run, and the third waits for its turn.
    assert trials()[14].status == "waiting"
    cluster.remove_node(node, allow_graceful=False)
    (tmp_path / "gate").touch()

    results, stderr = process.communicate(timeout=90)
    stderr = " ".join(stderr.split())
    assert process.returncode == 1, stderr
    assert "is gone; 1 trial waits to resume elsewhere" in stderr
    assert "3 trials: 2 finished, 1 failed" in stderr
    assert "raylet" not in stderr + results
    assert {width: trial.status for width, trial in trials().items()} == {
        4: "finished", 8: "finished", 14: "failed"
    }  # fmt: skip
    assert "14 units need too much memory" in trials()[14].message
    runs = {run.path.name: run for run in galaxynet.list_runs() if isinstance(run, Run)}
    assert len(runs) == 3
    assert set(before) <= set(runs)
    # The lost one went on from its checkpoint: its first epochs are those of the node that died.
    assert before[lost] >= 1
    assert [row["epoch"] for row in runs[lost].metrics()] == [0, 1, 2]
    printed = next(log for log in (path.read_text() for path in logs.glob("*.log")) if lost in log)
    assert printed.count("process") == 2
    assert printed.count("epoch 1/3") == 1
    # One CPU of each trial was asked for, and no more was used.
    assert {run.record.environment.cores for run in runs.values()} == {1}
    assert not list(logs.glob("*.attempts"))


@pytest.mark.slow
@pytest.mark.usefixtures("toys")
def test_an_interrupted_sweep_goes_on(cluster: Any) -> None:
    """Ctrl-C leaves runs on the cluster that can be resumed, and the same command finishes them."""
    options = ("toynet", "--hidden", "4", "--explode", "no,yes", "--epochs", "4", "--pause", "0.1")
    process = start(*options)
    wait_until(process, lambda: bool(epochs()))
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "the same command continues this sweep" in stderr
    (run,) = galaxynet.list_runs()
    assert isinstance(run, Run)
    assert run.record.status == "interrupted"
    assert sorted(trial.status for trial in record().record.trials) == ["interrupted", "waiting"]
    done = subprocess.run(words(*options), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert sorted(trial.status for trial in record().record.trials) == ["diverged", "finished"]
    runs = [run for run in galaxynet.list_runs() if isinstance(run, Run)]
    assert len(runs) == 2
    (same,) = (other for other in runs if other.path == run.path)
    assert (same.record.status, same.record.id) == ("finished", run.record.id)


@pytest.mark.usefixtures("toys")
def test_a_cluster_that_is_away_is_named(monkeypatch: Any) -> None:
    """Where RAY_ADDRESS leads nowhere, a sentence says so."""
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    unreachable = subprocess.run(words("toynet", "--hidden", "4,8"), capture_output=True, text=True)
    assert unreachable.returncode == 1
    assert "Cannot connect to Ray at 127.0.0.1:1: Connection refused." in unreachable.stderr


def raylet_of(process: subprocess.Popen[str]) -> int:
    """The process id of the raylet that a process has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, parent = (folder / "stat").read_text().rpartition(")")[::2]
            if name.endswith("(raylet") and int(parent.split()[1]) == process.pid:
                return int(folder.name)
    raise AssertionError("no raylet")


@pytest.mark.promise("Interruptions")
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.usefixtures("toys")
def test_a_sweep_ends_with_ray_itself(monkeypatch: Any) -> None:
    """If Ray dies, the sweep ends, no trial counts as failed, and the same command finishes it."""
    for name, value in (("RAY_ADDRESS", "local"), ("RAY_AUTH_MODE", "disabled")):
        monkeypatch.setenv(name, value)
    options = ("toynet", "--hidden", "4,8", "--epochs", "4", "--pause", "0.1", "--parallel", "1")
    process = start(*options)
    wait_until(process, lambda: bool(epochs()))
    os.kill(raylet_of(process), signal.SIGKILL)
    killed = time.monotonic()
    _, stderr = process.communicate(timeout=120)
    assert time.monotonic() - killed < 14  # Ray itself needs 15 s to notice
    assert process.returncode == 1, stderr
    assert "Ray on this machine has stopped, and the sweep with it." in stderr
    assert "raylet" not in stderr
    assert "failed" not in {trial.status for trial in record().record.trials}
    done = subprocess.run(words(*options), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert [trial.status for trial in record().record.trials] == ["finished"] * 2
    runs = [run for run in galaxynet.list_runs() if isinstance(run, Run)]
    assert len(runs) == 2
    assert all([row["epoch"] for row in run.metrics()] == list(range(4)) for run in runs)
