"""`predict` among strangers' files, full disks and interruptions."""

from __future__ import annotations

import csv
import io
import os
import resource
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from bad_images import GOOD, PNG, png_bomb
from in_process import call
from PIL import Image

import galaxynet
from galaxynet.catalogue.reading import read_table
from galaxynet.images.flags import Flag
from galaxynet.images.input_search import find_inputs
from galaxynet.prediction import job
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.prediction.rows import Catalogue
from galaxynet.prediction.shards import Shard, merge
from galaxynet.runs import Run


def bombs() -> dict[str, bytes]:
    """Small files that declare or unpack to gigabytes."""
    jpeg = bytearray(GOOD)
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    stream = io.BytesIO()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(stream, "TIFF")
    tiff = bytearray(stream.getvalue())
    directory = int.from_bytes(tiff[4:8], "little")
    for entry in range(directory + 2, directory + 26, 12):  # width and height
        assert int.from_bytes(tiff[entry : entry + 2], "little") in (256, 257)
        tiff[entry + 2 : entry + 12] = b"\4\0\1\0\0\0" + (60_000).to_bytes(4, "little")
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                  -64",
        "NAXIS   =                    2",
    ]
    cards += ["NAXIS1  =                60000", "NAXIS2  =                60000", "END"]
    fits = "".join(card.ljust(80) for card in cards).ljust(2880).encode() + bytes(2880)
    return {"a.jpg": bytes(jpeg), "b.png": png_bomb(), "c.tif": bytes(tiff), "d.fits": fits}


@pytest.mark.promise("Strangers' files")
def test_bombs_cost_no_memory(trained: Run, tmp_path: Path) -> None:
    """Images and zip members that declare gigabytes are flagged, and take no memory."""
    for name, content in bombs().items():
        (tmp_path / name).write_bytes(content)
    with (
        zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("e.png", "w", force_zip64=True) as member,
    ):
        for _ in range(300):
            member.write(bytes(2**20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = galaxynet.load(trained)
    table = model.predict([str(tmp_path / name) for name in bombs()])
    # A FITS file of this size is cut short first of all.
    assert table["flag"].tolist() == [*[Flag.TOO_LARGE] * 3, Flag.DAMAGED], list(table["reason"])
    table = model.predict(tmp_path / "bomb.zip")
    assert table["flag"].tolist() == [Flag.TOO_LARGE]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


NAMES = (
    "=cmd|' calc'!A0.png",
    "+1.png",
    "-2+3.png",
    "@SUM(A1).png",
    "a\nb.png",
    "\x1b]0;title\x07.png",
    'quote",comma.png',
    "\t=1.png",
    "$(touch x).png",
    "-rf.png",
    "日本.png",
)


@pytest.mark.promise("Strangers' files")
def test_a_spreadsheet_executes_nothing(trained: Run, tmp_path: Path) -> None:
    """Names of files, labels and columns of an input table are text in the CSV, and numbers stay numbers."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(PNG)
    (folder / os.fsdecode(b"\xff\xfe.png")).write_bytes(PNG)
    network = applied_network(trained, accelerator="cpu")
    job.predict_to_file(trained, Catalogue(find_inputs([str(folder)]), network), tmp_path / "c.csv")
    content = (tmp_path / "c.csv").read_text(encoding="utf-8")
    assert not any(ord(mark) < 32 and mark != "\n" for mark in content)
    rows = list(csv.DictReader(io.StringIO(content)))
    assert len(rows) == len(NAMES) + 1
    for row in rows:
        formulas = [cell for cell in row.values() if cell.startswith(tuple("=+-@\t\r"))]
        assert formulas in ([], ["+1"])  # a number, which executes nothing
        assert 0 <= float(row["p_flat"]) <= 1
    table = read_table(tmp_path / "c.csv")
    assert "=cmd|' calc'!A0" in list(table["id"])
    assert "\\xff\\xfe" in list(table["id"])
    targets = tmp_path / "targets.csv"
    targets.write_text('path,"=HYPERLINK(1)",dec\n' + f'"{folder}/+1.png","=1+1",-3.5\n' * 2)
    inputs = find_inputs([str(targets)])
    for index in (1, 2):
        output = tmp_path / f"{index}.csv"
        job.predict_to_file(trained, Catalogue(inputs, network), output, shard=Shard(index, 2))
    merge([tmp_path / "1.csv", tmp_path / "2.csv"], tmp_path / "all.csv")
    header, row, _ = csv.reader(io.StringIO((tmp_path / "all.csv").read_text()))
    assert header[-2:] == ["'=HYPERLINK(1)", "dec"]
    assert row[-2:] == ["'=1+1", "-3.5"]
    assert read_table(tmp_path / "all.csv").names[-2:] == ("=HYPERLINK(1)", "dec")


def test_odd_entries_of_a_folder(trained: Run, cutouts: Path) -> None:
    """Named pipes, links in circles, broken links and folders with names of images cannot stop it."""
    os.mkfifo(cutouts / "pipe.jpg")
    (cutouts / "circle.jpg").symlink_to("circle.jpg")
    (cutouts / "broken.jpg").symlink_to("nothing")
    (cutouts / "up").symlink_to("..")
    (cutouts / "folder.jpg").mkdir()
    began = time.monotonic()
    table = galaxynet.load(trained).predict(cutouts)
    assert time.monotonic() - began < 60
    flags = dict(zip(table["id"], table["flag"], strict=True))
    assert len(table) == 30 + 3
    assert {flags.pop(name) for name in ("pipe", "circle", "broken")} == {Flag.UNREADABLE}
    assert not any(flags.values())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pipe.jpg", "-o", "c.csv"], "pipe.jpg is not an ordinary file"),
        (["~nobody_at_all/x", "-o", "c.csv"], "does not exist"),
        (["x" * 5000, "-o", "c.csv"], "ame too long"),
        (["a\0b", "-o", "c.csv"], "does not exist"),
        (["good", "-o", "folder.csv"], "folder.csv is a folder"),
        (["good", "-o", "folder.csv", "--overwrite"], "folder.csv is a folder"),
        (["good", "-o", "good/J.jpg/c.csv"], "good/J.jpg: File exists"),
        (["good", "-o", "/proc/c.csv"], "/proc"),
        (["good", "-o", "c.csv", "--gallery", "folder.html", "--overwrite"], "folder.html is a folder"),
        (["good", "-o", "c.csv", "--shard", "2/2"], "it has no rows of 1"),
        (["-", "-o", "c.csv"], "Standard input is closed"),
    ],
)
def test_a_call_that_cannot_be(
    trained: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    """What cannot be read or written is said in a sentence before anything is computed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", None)
    os.mkfifo("pipe.jpg")
    for name in ("folder.csv", "folder.html", "good"):
        Path(name).mkdir()
    Path("good/J.jpg").write_bytes(GOOD)
    if "2/2" in words:
        words[words.index("2/2")] = "1/2"
    code, _, err = call(capsys, "predict", trained.path, *words)
    assert code in (1, 2)
    assert message in err
    assert "unforeseen" not in err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(("c.", ".c"))]


def test_standard_input_may_be_any_bytes(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names on standard input need not be UTF-8: the file is found."""
    name = os.fsdecode(b"gal\xe9.png")
    (tmp_path / name).write_bytes(PNG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(os.fsencode(name) + b"\n"), "utf-8"))
    inputs = find_inputs(["-"])
    assert inputs.name(0) == "gal\\xe9.png"
    assert inputs.read(0) == PNG


def test_a_run_without_weights(trained: Run, cutouts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run whose weights are gone or damaged is refused in a sentence."""
    path = trained.checkpoint("best")
    kept = path.read_bytes()
    try:
        for content in (None, b"PK\3\4", kept[:1000]):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content)
            code, _, err = call(capsys, "predict", trained.path, cutouts, "-o", cutouts / "c.csv")
            assert code == 1
            assert "checkpoint" in err
            assert "unforeseen" not in err
    finally:
        path.write_bytes(kept)


def test_two_inputs_with_one_given_id(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids that the user gives must be unique; the message names one that is not."""
    (tmp_path / "t.csv").write_text("id,path\n7,a.jpg\n8,b.jpg\n7,c.jpg\n")
    code, _, err = call(capsys, "predict", trained.path, tmp_path / "t.csv", "-o", tmp_path / "c.csv")
    assert code == 1
    assert "gives the id '7' to 2 images" in err
