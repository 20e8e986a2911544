"""`galaxynet runs`: list, show and remove, from the command line to the output."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from made_runs import START, made_run

from galaxynet.cli.main import main
from galaxynet.runs import Environment, RunRecord, describe_environment


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"  # where GALAXYNET_RUNS points in every test


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


def test_the_list_has_every_run_newest_first(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has what names the run, how it ended and what it reached; a damaged one stops nothing."""
    made_run(runs_dir, id="aaaaaa", name="older")
    made_run(
        runs_dir, id="bbbbbb", name="newer", started=START + timedelta(days=1), status="diverged", metrics={}
    )
    bad = made_run(runs_dir, id="cccccc")
    (bad.path / "run.json").write_text('{"schema": 99}')
    assert call("runs", "list") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["bbbbbb", "aaaaaa", "cccccc"]
    assert "undefined loss" in lines[0]
    assert "accuracy 70.0%" in lines[1]
    assert "damaged" in lines[2]
    assert f"{bad.path}: The record has layout 99" in err


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_list_fits_the_terminal(
    runs_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    """Every name is whole: columns are hidden for it with a note, and a very long name takes more lines."""
    monkeypatch.setenv("COLUMNS", str(width))
    made_run(runs_dir, id="aaaaaa", name="crop-90-without-rotation")
    long = "a rather long name that someone has given to a run, and then some more of it"
    made_run(runs_dir, id="bbbbbb", name=long)
    assert call("runs", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    table = "\n".join(lines)
    for name in ("aaaaaa", "crop-90-without-rotation", "galaxy_alexnet", "galaxy-zoo", "accuracy 70.0%"):
        assert name in table
    assert "…" not in table
    assert set(long.split()) <= set(table.split())
    assert "training" in table


def test_the_list_is_there_for_programs(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON, CSV and Markdown have the same runs, the damaged ones too."""
    run = made_run(runs_dir, name="one")
    (runs_dir / "20260101-000000-x-abcdef").mkdir()
    assert call("runs", "list", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["status"] for row in rows] == ["finished", "damaged"]
    assert rows[0]["id"] == run.record.id
    assert rows[0]["value"] == 0.7
    assert call("runs", "list", "--format", "csv") == 0
    assert [row["status"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == [
        "finished",
        "damaged",
    ]
    assert call("runs", "list", "--format", "markdown") == 0
    assert capsys.readouterr().out.count("\n|") == 3


def test_an_empty_list_says_how_to_fill_it(capsys: pytest.CaptureFixture[str]) -> None:
    """No runs is no failure."""
    assert call("runs", "list") == 0
    assert "galaxynet train" in capsys.readouterr().err


def test_show_tells_everything(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Options, counts, splits, times, interval, majority class, published value, machine and command."""
    made_run(runs_dir, name="one", message="a note", environment=describe_environment())
    assert call("runs", "show", "one") == 0
    text = capsys.readouterr().out
    for shown in (
        "extra convs",
        "without label",
        "3,600",
        "2 min 1 s",
        "67.1 to 72.8%",
        "always not_odd",
        "report, section 2.4",
        platform.node()[:20],
        "galaxynet train galaxy_alexnet --act relu",
        "a note",
    ):
        assert shown in text, shown


def test_show_gives_the_record_as_it_is_kept(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON is the record itself; `last` needs no name."""
    run = made_run(runs_dir)
    assert call("runs", "show", "--format", "json") == 0
    assert RunRecord.from_json(capsys.readouterr().out) == run.record


def test_an_interrupted_run_says_how_to_go_on(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command to resume it stands there."""
    run = made_run(runs_dir, status="interrupted")
    assert call("runs", "show", run.record.id) == 0
    assert f"--resume {run.record.id}" in capsys.readouterr().out


@pytest.mark.promise("Interruptions")
def test_remove_asks_and_no_means_no(runs_dir: Path) -> None:
    """`runs remove` deletes only after a yes; without an answer it deletes nothing."""
    run = made_run(runs_dir, name="one")
    environment = {**os.environ, "GALAXYNET_RUNS": str(runs_dir)}
    command = [sys.executable, "-m", "galaxynet.cli.main", "runs", "remove", "one"]
    for answer, code in (("n\n", 1), ("", 2), ("y\n", 0)):
        assert run.path.is_dir()
        done = subprocess.run(command, input=answer, text=True, capture_output=True, env=environment)
        assert done.returncode == code, done.stderr
        assert done.stdout == ""
        assert "Delete this run?" in done.stderr
    assert not run.path.exists()


def test_remove_takes_several_and_damaged_ones(runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that does not exist is found out before any is deleted."""
    first, second, kept = (made_run(runs_dir) for _ in range(3))
    (second.path / "run.json").unlink()
    assert call("runs", "remove", first.record.id, second.path.name, "nothing", "--yes") == 1
    assert first.path.is_dir()
    assert call("runs", "remove", first.record.id, second.path.name, "--yes") == 0
    assert [path.name for path in runs_dir.iterdir()] == [kept.path.name]
    assert "Deleted 2 runs" in capsys.readouterr().err


def test_a_running_run_is_not_removed_without_force(
    runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its process would go on writing into nothing."""
    environment = Environment(host=platform.node(), pid=os.getpid())
    run = made_run(runs_dir, name="live", status="running", environment=environment)
    assert call("runs", "remove", "live", "--yes") == 1
    assert "Still running: live" in capsys.readouterr().err
    assert run.path.is_dir()
    assert call("runs", "remove", "live", "--yes", "--force") == 0
    assert not run.path.exists()
