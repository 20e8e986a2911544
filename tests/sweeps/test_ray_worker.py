"""What a Ray task of a sweep does on its machine, without a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_runs import made_run

from galaxynet import locks
from galaxynet.errors import RunError, UsageError
from galaxynet.runs import Environment, OptionValues, PluginId
from galaxynet.runs.lock import LOCK
from galaxynet.sweeps.dimensions import dimension_from
from galaxynet.sweeps.ray_worker import MAX_ATTEMPTS, Attempt, NodeSettings, attempts_file, run_ray_trial
from galaxynet.sweeps.scheduler import reconcile
from galaxynet.sweeps.sweep_plan import SweepPlan, plan_sweep
from galaxynet.sweeps.sweep_record import Sweep
from galaxynet.training.config import Components


def plan(tmp_path: Path, **more: Any) -> SweepPlan:
    components = Components.load("toynet", "blobs")
    dimensions = [dimension_from(components.fields()["hidden"], [4, 8])]
    runs, data = tmp_path / "runs", tmp_path / "data"
    return plan_sweep(components, dimensions, runs_dir=runs, data_dir=data, name="s", **more)


@pytest.mark.usefixtures("toys")
def test_folders_must_be_shared(tmp_path: Path) -> None:
    """A machine without a folder of the sweep names it, and trains nothing."""
    job = next(iter(plan(tmp_path).jobs.values()))
    _, message = run_ray_trial(job, NodeSettings(1, 1, str(tmp_path), has_data=False))
    assert f"lacks the folder of the runs {tmp_path / 'runs'}" in message
    assert not (tmp_path / "runs").exists()
    Sweep.create_or_extend(tmp_path / "runs", "s", plan(tmp_path).trials, ())
    _, message = run_ray_trial(job, NodeSettings(1, 1, str(tmp_path), has_data=True))
    assert f"lacks the folder of the datasets {tmp_path / 'data'}" in message


@pytest.mark.usefixtures("toys")
def test_what_always_dies_is_given_up(tmp_path: Path) -> None:
    """A trial whose process is killed again and again, for its memory say, is failed in the end."""
    Sweep.create_or_extend(tmp_path / "runs", "s", plan(tmp_path).trials, ())
    job = next(iter(plan(tmp_path).jobs.values()))
    attempts = [json.dumps(vars(Attempt("node", "host", pid))) + "\n" for pid in range(MAX_ATTEMPTS)]
    attempts_file(job).write_text("".join(attempts))
    _, message = run_ray_trial(job, NodeSettings(1, 1, str(tmp_path), has_data=False))
    assert f"died {MAX_ATTEMPTS} times" in message


@pytest.mark.usefixtures("toys")
def test_a_run_of_a_machine_that_is_gone(tmp_path: Path, monkeypatch: Any) -> None:
    """A run that says running on another machine is resumed if no process holds its lock."""
    trial = plan(tmp_path).trials[0]
    sweep = Sweep.create_or_extend(tmp_path / "runs", "s", [trial], ())
    of = trial.plan
    run = made_run(
        tmp_path / "runs",
        status="running",
        sweep="s",
        environment=Environment(host="elsewhere", pid=1),
        model=PluginId(name=of.model.name, distribution=of.model.distribution),
        dataset=PluginId(name=of.dataset.name, distribution=of.dataset.distribution),
        options=OptionValues(
            model=of.model_options.to_dict(),
            dataset=of.dataset_options.to_dict(),
            training=of.training.to_dict(),
        ),
    )
    # As long as a process holds the lock, it is waited for; here it never lets go.
    monkeypatch.setattr("galaxynet.sweeps.scheduler._END_TIMEOUT_S", 0.5)
    with (
        locks.hold(run.path / LOCK),
        pytest.raises(RunError, match=r"still running \(process 1 on elsewhere"),
    ):
        reconcile(sweep, [trial])
    assert reconcile(sweep, [trial]) == [trial]
    assert sweep.record.trials[0].status == "interrupted"


CORES = """
import sys, time
from galaxynet.sweeps.ray_worker import own_cores
print(own_cores(1)[0], flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_trials_on_one_machine_have_cores_of_their_own() -> None:
    """Two trials that run at once on a machine do not share a core, as long as there are enough."""
    trials = [
        subprocess.Popen([sys.executable, "-c", CORES], stdin=-1, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    cores = [process.stdout.readline() for process in trials if process.stdout is not None]
    for process in trials:
        process.communicate("")
    assert len(set(cores)) == 2


@pytest.mark.usefixtures("toys")
def test_ray_must_be_there(monkeypatch: Any, tmp_path: Path) -> None:
    """Without Ray, or with --trial-cpus and no cluster, a sentence says what to do."""
    with pytest.raises(UsageError, match="for a cluster"):
        plan(tmp_path, trial_cpus=2)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError) as missing:
        plan(tmp_path, engine="ray")
    assert missing.value.hint == "Install it with: pip install 'galaxynet[ray]'"
