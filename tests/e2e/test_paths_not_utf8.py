"""Files and folders whose names are not UTF-8, as they come from older systems."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from idx_files import make_idx_folder

from galaxynet.cli.main import main
from galaxynet.fetching import receipts
from galaxynet.runs.folder import RECORD
from galaxynet.runs.run_record import RunRecord


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder whose name is not UTF-8."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has no such names")
    return folder


def call(*words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code


@pytest.mark.promise("Inputs")
def test_a_training_survives_paths_that_are_not_utf8(odd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Data, runs and files of options may lie in folders whose names are not UTF-8."""
    make_idx_folder(odd / "mine")
    runs = ("--runs-dir", str(odd / "runs"))
    options = ("--folder", str(odd / "mine"), "--data-dir", str(odd / "data"), "--epochs", "1", "--name", "a")
    call("train", "mnist_cnn", *options, *runs)
    [path] = (odd / "runs").glob(f"*/{RECORD}")
    text = path.read_text(encoding="utf-8")
    record = RunRecord.from_json(text)
    assert record.options.dataset["folder"] == str(odd / "mine")
    assert record.to_json() == RunRecord.from_json(record.to_json()).to_json()
    call("runs", "list", *runs)
    call("runs", "show", "a", *runs)
    call("runs", "show", "a", "--format", "json", *runs)
    call("compare", "--format", "csv", *runs)
    assert "unforeseen" not in capfd.readouterr().err


@pytest.mark.promise("Inputs")
def test_a_dataset_is_fetched_from_a_folder_that_is_not_utf8(
    odd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """`fetch --from` takes files out of a folder whose name is not UTF-8, and its receipt is read again."""
    (odd / "pg1342.txt").write_text("\u201cMr. Bennet,\u201d she said.\n" * 30_000, encoding="utf-8")
    call("fetch", "pride-and-prejudice", "--from", str(odd), "--data-dir", str(odd / "data"))
    receipt = receipts.load(odd / "data" / "pride-and-prejudice")
    assert receipt is not None
    assert [file.source for file in receipt.files.values()] == [f"from {odd / 'pg1342.txt'}"]
    call("datasets", "--data-dir", str(odd / "data"))
    call("datasets", "--data-dir", str(odd / "data"), "--format", "json")
