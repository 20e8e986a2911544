"""What becomes of the runs of a sweep: compared by its name, trained again, removed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from in_process import run_here as call

import galaxynet

pytestmark = [pytest.mark.usefixtures("toys", "trial_server"), pytest.mark.slow]


def test_a_sweep_is_compared_by_its_name() -> None:
    """`compare --sweep` takes the seeds of each configuration together; an unknown name is refused."""
    assert (
        call("sweep", "toynet", "--hidden", "4,8", "--seeds", "2", "--epochs", "1", "--name", "w").returncode
        == 0
    )
    call("train", "toynet", "--epochs", "1")
    rows = json.loads(call("compare", "--sweep", "w", "--format", "json").stdout)["tables"][0]["rows"]
    assert {(row["hidden"], row["runs"], row["seeds"]) for row in rows} == {(4, 2, 2), (8, 2, 2)}
    wrong = call("compare", "--sweep", "v")
    assert (wrong.returncode, "There are: w" in " ".join(wrong.stderr.split())) == (1, True)
    (Path(os.environ["GALAXYNET_RUNS"]) / "sweeps" / "w" / "sweep.json").write_text('{"name": ')
    broken = call("compare", "--sweep", "w")
    assert (broken.returncode, "sweep.json cannot be read" in " ".join(broken.stderr.split())) == (1, True)
    assert len(json.loads(call("runs", "list", "--format", "json").stdout)) == 5


def test_what_a_sweep_varies_is_shown_in_every_table() -> None:
    """Runs with other test samples stand apart, and each table still says which value it is of."""
    words = ("--pause", "0,0.001", "--samples", "120,90", "--epochs", "1", "--name", "w")
    assert call("sweep", "toynet", *words).returncode == 0
    text = call("compare", "--sweep", "w", "--sort", "-pause", "--format", "markdown").stdout
    headers = [line for line in text.splitlines() if line.startswith("| run")]
    assert len(headers) == 2
    assert all("samples |" in header and "pause" in header for header in headers)


def test_a_run_that_was_removed_is_trained_again() -> None:
    """After `runs remove ID`, the same command trains that trial again, and no other."""
    words = ("sweep", "toynet", "--hidden", "4,8", "--epochs", "1", "--name", "w")
    assert call(*words).returncode == 0
    kept, gone = galaxynet.list_runs()
    call("runs", "remove", gone.record.id, "--yes")
    assert call(*words).returncode == 0
    first, again = galaxynet.list_runs()
    assert first.record == kept.record
    assert again.record.id != gone.record.id
    assert again.record.metrics == gone.record.metrics


def test_a_sweep_is_removed_whole() -> None:
    """`runs remove --sweep` deletes the runs of a sweep with its record, and no other run."""
    assert call("sweep", "toynet", "--hidden", "4,8", "--epochs", "1", "--name", "w").returncode == 0
    call("train", "toynet", "--epochs", "1", "--name", "other")
    assert call("runs", "remove", "--sweep", "v", "--yes").returncode == 1
    done = call("runs", "remove", "--sweep", "w", "--yes")
    assert (done.returncode, "Deleted 2 runs" in done.stderr) == (0, True)
    assert [run.record.name for run in galaxynet.list_runs()] == ["other"]
    assert "There is no sweep 'w'" in " ".join(call("compare", "--sweep", "w").stderr.split())
