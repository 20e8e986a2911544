"""Run folders appear complete, are entries by what the user types, and stop nothing when damaged."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import START, add_curves, made_record, made_run

from galaxynet.errors import RunError
from galaxynet.runs import DamagedRun, Environment, Run, create, describe_environment, find, scan
from galaxynet.runs.environment import process_start
from galaxynet.runs.removal import remove
from galaxynet.runs.search import find_to_remove


@pytest.mark.promise("Several processes")
def test_runs_that_start_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    """Fifty trainings that start at once lose none of each other's records."""
    with ThreadPoolExecutor(16) as pool:
        runs = list(pool.map(lambda n: create(tmp_path, made_record(id="aaaaaa", seed=n)), range(50)))
    assert len({run.path for run in runs}) == 50
    assert len({run.record.id for run in runs}) == 50
    entries = {run.record.seed: run for run in scan(tmp_path) if isinstance(run, Run)}
    assert sorted(entries) == list(range(50))
    assert all(run.path.name.endswith(run.record.id) for run in entries.values())


def test_a_new_run_is_whole(tmp_path: Path) -> None:
    """The folder has its record and its parts, and no leftovers are next to it."""
    run = made_run(tmp_path / "not" / "yet" / "there")
    assert Run.open(run.path).record == run.record
    assert run.checkpoints.is_dir()
    assert run.figures.is_dir()
    assert [path.name for path in run.path.parent.iterdir()] == [run.path.name]
    assert run.path.name == f"{START.astimezone():%Y%m%d-%H%M%S}-galaxy_alexnet-{run.record.id}"


@pytest.mark.promise("Strangers' files")
def test_a_model_name_cannot_leave_the_runs_folder(tmp_path: Path) -> None:
    """A model name with slashes becomes one folder inside the runs folder."""
    record = made_record()
    record.model.name = "../../x"
    assert create(tmp_path, record).path.parent == tmp_path


def test_runs_cannot_be_kept_in_a_file(tmp_path: Path) -> None:
    """A runs folder that is a file is one sentence, not a traceback."""
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match="--runs-dir"):
        made_run(tmp_path / "runs")
    with pytest.raises(RunError, match="cannot be listed"):
        scan(tmp_path / "runs")


@pytest.mark.promise("Strangers' files")
@settings(deadline=None, max_examples=40)
@given(st.binary(max_size=200))
def test_no_content_of_a_record_stops_the_scan(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Whatever bytes are in one run.json, the other runs are listed and it is shown as damaged."""
    runs_dir = tmp_path_factory.mktemp("runs")
    good, bad = made_run(runs_dir), made_run(runs_dir)
    (bad.path / "run.json").write_bytes(content)
    entries = {run.path: run for run in scan(runs_dir)}
    assert isinstance(entries[good.path], Run)
    damaged = entries[bad.path]
    assert isinstance(damaged, DamagedRun)
    assert damaged.reason


def test_a_folder_without_a_record_is_damaged_and_a_strange_one_is_not_a_run(tmp_path: Path) -> None:
    """A run that lost its record is shown; a folder of notes is not; hidden folders are left alone."""
    lost = made_run(tmp_path)
    (lost.path / "run.json").unlink()
    renamed = made_run(tmp_path)
    (renamed.path / "run.json").unlink()
    renamed.path.rename(tmp_path / "best so far")
    (tmp_path / "notes").mkdir()
    (tmp_path / ".hidden").mkdir()
    entries = scan(tmp_path)
    assert {run.path.name for run in entries} == {lost.path.name, "best so far"}
    assert all(isinstance(run, DamagedRun) and run.reason == "it has no run.json." for run in entries)
    assert scan(tmp_path / "absent") == []


def test_a_run_is_found_by_everything_a_person_may_type(tmp_path: Path) -> None:
    """Id, beginning of an id, folder, beginning of a folder, name, path and last all name it."""
    run = made_run(tmp_path, id="abc123", name="first try")
    made_run(tmp_path, id="xyz789", started=START.replace(year=2025))
    for reference in ("abc123", "abc", run.path.name, run.path.name[:6], "first try", "last", str(run.path)):
        assert find(tmp_path, reference).record.id == "abc123", reference
    assert find(tmp_path / "elsewhere", str(run.path / "run.json")).record.id == "abc123"


@pytest.mark.promise("Inputs")
@pytest.mark.parametrize("reference", ["abc123", "abc", "same"])
def test_a_copied_run_is_told_from_its_original(tmp_path: Path, reference: str) -> None:
    """A copied run folder has the id of its original, so both folders are shown."""
    run = made_run(tmp_path, id="abc123", name="same")
    copy = Path(shutil.copytree(run.path, tmp_path / f"{run.path.name} copy"))
    with pytest.raises(RunError) as raised:
        find(tmp_path, reference)
    assert f"{run.path}, {copy}" in raised.value.message
    assert "id" not in raised.value.hint
    assert find(tmp_path, str(copy)).path == copy
    assert find(tmp_path, copy.name).path == copy


def test_a_reference_that_fits_two_runs_is_refused(tmp_path: Path) -> None:
    """For two runs of one name, the error lists their ids."""
    made_run(tmp_path, id="abc123", name="same")
    made_run(tmp_path, id="abd456", name="same")
    for reference in ("same", "ab"):
        with pytest.raises(RunError, match=r"2 runs match.*abc123.*abd456"):
            find(tmp_path, reference)


def test_a_name_is_preferred_to_the_beginning_of_another(tmp_path: Path) -> None:
    """An exact name wins over ids and names that merely begin like it."""
    made_run(tmp_path, id="relu00", name="other")
    run = made_run(tmp_path, name="relu")
    assert find(tmp_path, "relu").path == run.path


@pytest.mark.parametrize("reference", ["firts", "", "/", "nothing like it"])
def test_an_unknown_run_is_a_sentence(tmp_path: Path, reference: str) -> None:
    """The nearest name is suggested if there is one."""
    made_run(tmp_path, name="first")
    with pytest.raises(RunError) as caught:
        find(tmp_path, reference)
    nearest = "Did you mean 'first'?"
    assert caught.value.hint == (nearest if reference == "firts" else "See them with: galaxynet runs list")


def test_without_runs_it_says_how_to_get_one(tmp_path: Path) -> None:
    """Without runs, the error names the command that makes one."""
    with pytest.raises(RunError, match="galaxynet train"):
        find(tmp_path, "last")


def test_a_path_is_never_taken_for_another_run(tmp_path: Path) -> None:
    """The path of a folder whose record is gone says so, and suggests no other run."""
    run = made_run(tmp_path)
    (run.path / "run.json").unlink()
    made_run(tmp_path, name="other")
    with pytest.raises(RunError, match=r"not a run folder: it has no run\.json"):
        find(tmp_path, str(run.path))


def test_naming_a_damaged_run_says_what_is_wrong(tmp_path: Path) -> None:
    """It is not called unknown when its folder is there."""
    run = made_run(tmp_path)
    (run.path / "run.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        find(tmp_path, run.record.id)


@pytest.mark.promise("Interruptions")
def test_a_run_whose_process_is_gone_is_interrupted(tmp_path: Path) -> None:
    """A killed training is shown as interrupted, not as running for ever."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    environment = Environment(host=platform.node(), pid=child.pid, process_start=process_start(child.pid))
    run = made_run(tmp_path, status="running", environment=environment)
    assert run.status == "running"
    child.communicate(b"\n")
    assert run.status == "interrupted"
    run.record.environment.host = "another machine"
    assert run.status == "running"


@pytest.mark.promise("Interruptions")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times are read from /proc")
def test_a_process_id_that_was_given_to_another_process_is_not_taken_for_the_run(tmp_path: Path) -> None:
    """After a reboot, another process with the run's process id is not taken for the run."""
    run = made_run(tmp_path, status="running", environment=describe_environment())
    assert run.status == "running"
    run.record.environment.process_start = "another boot:12345"
    assert run.status == "interrupted"
    assert run.record.status == "running"


@pytest.mark.promise("Interruptions")
def test_a_row_that_was_cut_off_does_not_hide_the_others(tmp_path: Path) -> None:
    """Learning curves of a killed run can still be drawn."""
    run = made_run(tmp_path)
    assert run.metrics() == []
    add_curves(run, epochs=3)
    path = run.path / "metrics.csv"
    path.write_text(path.read_text() + "3,227,0.6")
    rows = run.metrics()
    assert len(rows) == 4
    assert rows[3] == {"epoch": 3.0, "step": 227.0, "train/accuracy": 0.6}


@pytest.mark.parametrize("content", ["rubbish\n1,2\n", "\x00\x00", "train/loss,val/loss\n1,2\n"])
def test_a_file_that_is_no_metrics_is_called_damaged(tmp_path: Path, content: str) -> None:
    """It differs from a training that logged nothing, whose file is empty."""
    run = made_run(tmp_path)
    (run.path / "metrics.csv").write_text(content)
    with pytest.raises(RunError, match=r"metrics\.csv is damaged"):
        run.metrics()
    (run.path / "metrics.csv").write_text("")
    assert run.metrics() == []


def test_epochs_and_steps_are_whole_numbers(tmp_path: Path) -> None:
    """A resumed run writes the rows that it read, and `0,56` does not become `0.0,56.0`."""
    run = made_run(tmp_path)
    (run.path / "metrics.csv").write_text("epoch,step,val/loss\n0,56,1\n")
    (row,) = run.metrics()
    assert {name: str(value) for name, value in row.items()} == {
        "epoch": "0",
        "step": "56",
        "val/loss": "1.0",
    }


def test_a_checkpoint_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    """Using a run that never finished an epoch is a sentence."""
    run = made_run(tmp_path)
    with pytest.raises(RunError, match="no best checkpoint"):
        run.checkpoint()
    (run.checkpoints / "last.ckpt").touch()
    assert run.checkpoint("last").name == "last.ckpt"


@pytest.mark.promise("Strangers' files")
def test_a_run_is_removed_whole_and_a_link_to_one_is_only_unlinked(tmp_path: Path) -> None:
    """Removing a run never deletes through a link."""
    runs_dir = tmp_path / "runs"
    run = made_run(runs_dir)
    other = made_run(tmp_path / "archive")
    (runs_dir / "linked").symlink_to(other.path)
    for reference in (run.record.id, other.record.id):
        remove(find_to_remove(runs_dir, reference))
    assert list(runs_dir.iterdir()) == []
    assert Run.open(other.path).record == other.record


def test_only_a_run_that_is_named_in_full_is_removed(tmp_path: Path) -> None:
    """A slip of the pen deletes nothing, although showing a run takes the beginning of its id."""
    run = made_run(tmp_path, id="ccccc1", name="first try")
    for slip in ("c", "ccccc", run.path.name[:8], "first", "last", ""):
        with pytest.raises(RunError, match="no run"):
            find_to_remove(tmp_path, slip)
    for named in ("ccccc1", "first try", run.path.name, str(run.path)):
        assert find_to_remove(tmp_path, named).path == run.path
    damaged = made_run(tmp_path, id="abcdef")
    (damaged.path / "run.json").write_text("{")
    with pytest.raises(RunError):
        find_to_remove(tmp_path, damaged.path.name[:8])


def test_a_damaged_run_is_removed_by_the_name_of_its_folder(tmp_path: Path) -> None:
    """There is a way to get rid of it."""
    run = made_run(tmp_path)
    (run.path / "run.json").write_text("{")
    remove(find_to_remove(tmp_path, run.path.name))
    assert list(tmp_path.iterdir()) == []


def test_a_thousand_runs_are_listed_in_under_a_second(tmp_path: Path) -> None:
    """Listing many runs is fast."""
    text = made_record().to_json()
    for number in range(1000):
        folder = tmp_path / f"20260301-120000-galaxy_alexnet-{number:06}"
        folder.mkdir()
        (folder / "run.json").write_text(text)
    best = min(_timed(tmp_path) for _ in range(3))
    assert best < 1.0


def _timed(folder: Path) -> float:
    began = time.process_time()  # other processes on the machine do not count
    assert len(scan(folder)) == 1000
    return time.process_time() - began


def test_run_records_need_no_torch() -> None:
    """Listing runs is quick because nothing heavy is imported."""
    code = "import sys, galaxynet.runs, galaxynet.report.table, galaxynet.report.figures\n"
    code += "print([m for m in ('torch', 'lightning', 'numpy', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
