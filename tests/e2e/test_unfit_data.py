"""What the three small networks say to data that are not fit: one sentence, the way out, the exit code."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from idx_files import idx_bytes, make_idx_folder

import galaxynet
from galaxynet.cli.main import main


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code, and what was said on one line."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0), " ".join(capsys.readouterr().err.split())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files of every kind that is not fit, which is the current one."""
    work = tmp_path / "work"
    make_idx_folder(work / "whole")
    for name in ("cut", "mixed"):
        shutil.copytree(work / "whole", work / name)
    cut = work / "cut" / "train-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:400])
    (work / "mixed" / "t10k-images-idx3-ubyte.gz").write_bytes(idx_bytes(np.zeros(30, np.uint8)))
    (work / "empty.txt").write_bytes(b"")
    (work / "binary.txt").write_bytes(b"\x7fELF\x02\x01\x01\x00\x00")
    (work / "short.txt").write_text("It is a truth\n")
    (work / "fit.txt").write_text("It is a truth universally acknowledged.\n" * 40)
    monkeypatch.chdir(work)
    return work


@pytest.mark.parametrize(
    ("words", "code", "message", "way_out"),
    [
        ("charrnn --dataset text --file empty.txt", 1, "empty.txt is empty", "a file with text"),
        ("charrnn --dataset text --file binary.txt", 1, "binary.txt is not UTF-8 text", "iconv"),
        ("charrnn --dataset text --file short.txt", 1, "The text is too short", "Take a longer text"),
        ("charrnn --dataset text --file none.txt", 2, "there is no such file", "spelling"),
        ("charrnn --dataset text --file .", 2, "this is a folder", "Name a text file"),
        ("charrnn --dataset text", 2, "needs a file to read", "--file FILE"),
        ("charrnn --dataset mnist --folder whole", 2, "mnist is not a text", "--dataset text --file"),
        ("mnist_cnn --dataset text --file fit.txt", 2, "text holds no images", "galaxynet datasets"),
        ("fashion_ae --dataset text --file fit.txt", 2, "text holds no images", "galaxynet datasets"),
        ("galaxy_alexnet --dataset text --file fit.txt", 2, "text holds no images", "galaxynet datasets"),
        ("mnist_cnn --folder cut", 1, "train-images-idx3-ubyte.gz is only a part", "copy it again"),
        ("fashion_ae --folder mixed", 1, "holds labels where gray images are expected", "each other's names"),
        ("fashion_ae --folder whole --code 0", 2, "--code 0:", "greater than or equal to 1"),
        ("mnist_cnn", 1, "train-images-idx3-ubyte.gz is missing", "galaxynet fetch mnist"),
    ],
)
def test_data_that_are_not_fit_are_told_in_a_sentence(
    folder: Path, words: str, code: int, message: str, way_out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback and no half-made run: what is wrong, how to go on, 1 for bad data and 2 for a bad call."""
    ended, text = call(capsys, "train", *words.split())

    assert ended == code
    assert message in text.replace(str(folder), "")
    assert way_out in text
    assert "Traceback" not in text
    assert "unforeseen" not in text
    assert galaxynet.list_runs() == []


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_charrnn_says_that_it_computes_in_float32(
    folder: Path, cell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked for bf16 it refuses before it trains: the record would name a format that was not used."""
    words = f"train charrnn --dataset text --file fit.txt --epochs 1 --iterations 2 --cell {cell} --precision"
    ended, text = call(capsys, *words.split(), "bf16")
    assert ended == 2
    assert "--precision bf16: charrnn computes in float32. Leave --precision out." in text
    assert "unforeseen" not in text
    assert galaxynet.list_runs() == []
    ended, text = call(capsys, *words.split(), "float32")
    assert ended == 0, text
