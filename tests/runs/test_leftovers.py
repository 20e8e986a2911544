"""What processes that died leave among the runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from made_runs import made_record

from galaxynet import locks
from galaxynet.cli.main import main
from galaxynet.runs import Run, create
from galaxynet.runs.lock import LOCK

pytestmark = pytest.mark.promise("Interruptions")


def spoiled(runs_dir: Path, status: str) -> tuple[Run, Path]:
    """A run in whose checkpoints a write was cut off, and what is left of that."""
    run = create(runs_dir, made_record(status=status))
    leftover = run.checkpoints / ".last.ckpt.abc.tmp"
    leftover.write_bytes(bytes(100))
    return run, leftover


def test_removing_a_run_clears_what_the_dead_left(tmp_path: Path) -> None:
    """`runs remove` also deletes temporary files of dead runs, and leaves those of the living alone."""
    run, _ = spoiled(tmp_path, "finished")
    _, dead = spoiled(tmp_path, "interrupted")
    resumed, living = spoiled(tmp_path, "interrupted")
    young, old = tmp_path / ".new-run-young", tmp_path / ".new-run-old"
    for folder in (young, old, tmp_path / ".removed-half"):
        folder.mkdir()
    os.utime(old, (1, 1))
    with locks.hold(resumed.path / LOCK), pytest.raises(SystemExit) as ended:
        main(["runs", "remove", run.record.id, "--yes", "--runs-dir", str(tmp_path)])
    assert ended.value.code == 0
    assert [path.exists() for path in (run.path, dead, living)] == [False, False, True]
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == [young]


def test_leftovers_behind_a_link_are_not_ours(tmp_path: Path) -> None:
    """Temporary files are not deleted where the folder of the checkpoints is a link out of the run."""
    run, _ = spoiled(tmp_path, "finished")
    other, leftover = spoiled(tmp_path, "interrupted")
    outside = other.checkpoints.rename(tmp_path / "outside")
    other.checkpoints.symlink_to(outside)
    with pytest.raises(SystemExit):
        main(["runs", "remove", run.record.id, "--yes", "--runs-dir", str(tmp_path)])
    assert (outside / leftover.name).exists()
