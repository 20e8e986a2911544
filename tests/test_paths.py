"""Where runs cannot be kept, that is said before anything is spent on them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from galaxynet.cli.main import main
from galaxynet.errors import RunError
from galaxynet.paths import check_runs_dir


@pytest.mark.parametrize(
    "words",
    [
        ("train", "mnist_cnn"),
        ("sweep", "mnist_cnn", "--seeds", "2"),
        ("reproduce", "mnist", "--seeds", "1"),
    ],
)
def test_a_folder_that_cannot_be_made_is_told_at_once(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is read, simulated or timed for runs that cannot be kept: the missing data are not missed."""
    (tmp_path / "file").touch()
    folders = "--runs-dir", str(tmp_path / "file" / "runs"), "--data-dir", str(tmp_path / "data")
    with pytest.raises(SystemExit) as ended:
        main([*words, *folders])
    message = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 1
    assert f"{tmp_path / 'file'} is not a folder" in message
    assert "--runs-dir" in message
    assert "missing" not in message


def test_a_folder_that_is_yet_to_be_made_is_fine(tmp_path: Path) -> None:
    """The folders above it need not be there either, and none of them is made by asking."""
    check_runs_dir(tmp_path / "a" / "b" / "runs")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_others_is_not(tmp_path: Path) -> None:
    """A folder that may only be read is named."""
    tmp_path.chmod(0o500)
    with pytest.raises(RunError, match="cannot be written to"):
        check_runs_dir(tmp_path / "runs")
    tmp_path.chmod(0o700)
