"""Links in a run folder that lead out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import add_curves, made_run

from galaxynet.cli.main import main
from galaxynet.errors import RunError
from galaxynet.runs import Run
from galaxynet.runs.removal import remove, remove_leftovers
from galaxynet.sweeps.sweep_record import log_path

pytestmark = pytest.mark.promise("Strangers' files")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of the user's own files, some named as those of a run."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("learning-curves.svg", "last.ckpt", ".last.ckpt.x.tmp", "precious.txt"):
        (folder / name).write_text("mine")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = made_run(tmp_path / "runs", name="one", status="interrupted")
    add_curves(run, epochs=3)
    return run


def link(run: Run, name: str, target: Path) -> None:
    """Put a link in place of a folder of the run."""
    if (run.path / name).is_dir():
        (run.path / name).rmdir()
    (run.path / name).symlink_to(target)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("target", ["../../outside", "figures"])
def test_figures_are_not_written_through_a_link(
    run: Run, outside: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A `figures` link out of the run folder, or in a circle, is refused and not written through."""
    before = contents(outside)
    link(run, "figures", Path(target))
    with pytest.raises(SystemExit) as ended:
        main(["figures", "one", "--format", "svg"])
    assert ended.value.code == 1
    output = " ".join(capsys.readouterr().err.split())
    assert f"{run.path}/figures" in output.replace(" ", "")
    assert "is a link that leads out of" in output
    assert "Remove the link" in output
    assert contents(outside) == before


def test_a_resumed_run_writes_through_no_link(run: Run, outside: Path) -> None:
    """Checkpoints are not written through a link, and what a dead process left is not removed through one."""
    from galaxynet.training.checkpoint import checkpoint_to_resume
    from galaxynet.training.config import Components

    before = contents(outside)
    plan = Components.load("galaxy_alexnet", "galaxy-zoo").plan({}, like=run.record)
    link(run, "checkpoints", outside)
    with pytest.raises(RunError, match="is a link that leads out of"):
        checkpoint_to_resume(run, plan)
    remove_leftovers(run.path)
    assert contents(outside) == before


@pytest.mark.parametrize("name", ["logs", "logs/0123456789ab.log"])
def test_a_sweep_logs_through_no_link(tmp_path: Path, outside: Path, name: str) -> None:
    """What a trial prints is not appended to a file outside the folder of its sweep."""
    sweep = tmp_path / "runs" / "sweeps" / "s"
    path = sweep / name
    path.parent.mkdir(parents=True)
    path.symlink_to(outside if name == "logs" else outside / "precious.txt")
    with pytest.raises(RunError, match="is a link that leads out of"):
        log_path(sweep, "0123456789ab")


def test_removing_a_run_removes_links_and_not_what_they_lead_to(run: Run, outside: Path) -> None:
    """`runs remove` deletes a run's links; the files that they lead to stay."""
    before = contents(outside)
    for name in ("figures", "checkpoints", "more"):
        link(run, name, outside)
    remove(Run.open(run.path))
    assert not run.path.exists()
    assert contents(outside) == before


def test_links_within_a_run_and_to_a_run_are_followed(run: Run, tmp_path: Path) -> None:
    """A run folder may lie elsewhere and be a link, and a link may lead to another place in the run."""
    (run.path / "drawn").mkdir()
    link(run, "figures", Path("drawn"))
    elsewhere = tmp_path / "disk"
    run.path.rename(elsewhere)
    run.path.symlink_to(elsewhere)
    with pytest.raises(SystemExit) as ended:
        main(["figures", "one", "--kind", "learning-curves", "--format", "svg"])
    assert ended.value.code == 0
    assert [path.name for path in (elsewhere / "drawn").iterdir()] == ["learning-curves.svg"]
    remove(Run.open(run.path))
    assert not run.path.is_symlink()
    assert (elsewhere / "run.json").is_file()
