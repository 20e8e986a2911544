"""`predict` among strangers' files, full disks and interruptions."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import resource
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bad_images import GOOD, PNG, png_bomb
from PIL import Image
from warm_process import WarmProcess

import galaxynet
from galaxynet.catalogue.reading import read_table
from galaxynet.cli.main import main
from galaxynet.errors import GalaxynetError
from galaxynet.images.flags import Flag
from galaxynet.images.input_search import find_inputs
from galaxynet.prediction import job, parts
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.prediction.rows import Catalogue
from galaxynet.prediction.shards import Shard, merge
from galaxynet.runs import Run


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    """Exit status and standard error."""
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0), " ".join(capsys.readouterr().err.split())


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
    code, err = call(capsys, "predict", trained.path, *words)
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
            code, err = call(capsys, "predict", trained.path, cutouts, "-o", cutouts / "c.csv")
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
    code, err = call(capsys, "predict", trained.path, tmp_path / "t.csv", "-o", tmp_path / "c.csv")
    assert code == 1
    assert "gives the id '7' to 2 images" in err


def test_the_batch_halves_when_memory_runs_out(
    trained: Run, cutouts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory, on a GPU or not, the batch is halved and said, and no figure changes."""
    files = sorted(cutouts.glob("*.png"))
    whole = galaxynet.load(trained).predict(files)
    network = applied_network(trained, accelerator="cpu", batch_size=32)
    outputs = network.task.outputs
    for error in (
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("can't allocate memory: 9 bytes"),
    ):
        network.batch_size = 32

        def scarce(inputs: torch.Tensor, error: Exception = error) -> Any:
            if len(inputs) > 2:
                raise error
            return outputs(inputs)

        monkeypatch.setattr(network.task, "outputs", scarce)
        (block,) = Catalogue(find_inputs([str(file) for file in files]), network).blocks()
        np.testing.assert_allclose(block["p_flat"], whole["p_flat"], atol=1e-6)
        assert network.batch_size == 2
        assert "out of memory: continuing with batches of 2" in capsys.readouterr().err

    def none(_: torch.Tensor) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(network.task, "outputs", none)
    with pytest.raises(GalaxynetError, match="Not even one image"):
        list(Catalogue(find_inputs([str(cutouts)]), network).blocks())


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize("fails", ["part", "catalogue", "page"])
def test_a_full_disk_loses_nothing(
    trained: Run,
    cutouts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    """When the disk is full, `predict` stops with a sentence, leaves no half file and continues later."""
    monkeypatch.setattr(job, "PART_ROWS", 8)
    words = ["predict", trained.path, cutouts, "-o", tmp_path / "c.ecsv", "--gallery", tmp_path / "c.html"]
    words += ["--batch-size", 8]
    with monkeypatch.context() as full:
        written = 0

        def refuse(*_: Any, **__: Any) -> None:
            nonlocal written
            written += 1
            if fails != "part" or written > 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))

        add = parts.Parts.add

        def add_part(self: parts.Parts, number: int, block: Any) -> None:
            refuse()
            add(self, number, block)

        if fails == "part":
            full.setattr(parts.Parts, "add", add_part)
        else:
            full.setattr(job, "write_table" if fails == "catalogue" else "write_page", refuse)
        code, err = call(capsys, *words)
    assert code == 1
    assert "No space left on device" in err
    assert "the same command continues" in err
    assert not (tmp_path / "c.html").exists()
    code, err = call(capsys, *words)
    assert code == 0
    assert "continuing after" in err
    assert len(read_table(tmp_path / "c.ecsv")) == 30
    left = {path.name for path in tmp_path.iterdir()} - {"cutouts", "data"}
    assert left == {"c.ecsv", "c.html"}


@pytest.mark.slow
@pytest.mark.promise("Interruptions")
def test_an_interrupt_can_be_continued(
    trained: Run, cutouts: Path, tmp_path: Path, warm: WarmProcess
) -> None:
    """Ctrl-C ends `predict` with 130 and a sentence, and the same command continues."""
    code = "import galaxynet.prediction.job as j; j.PART_ROWS = 4; import galaxynet.cli.main as m; m.main()"
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{path}\n" for path in sorted(cutouts.glob("*.jpg"))))
    words = ["predict", str(trained.path), str(listed), "-o", "c.csv", "--batch-size", "2"]
    process = warm.start(*words, folder=tmp_path, code=code)
    first = tmp_path / "c.csv.parts" / "part-000000.npz"
    while process.poll() is None and not first.exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode:  # on a quick machine it may have ended by itself
        assert process.returncode == 130, err
        assert "interrupted" in err
        assert "the same command continues" in err
        assert "Traceback" not in err
        assert json.loads((tmp_path / "c.csv.parts" / "job.json").read_text())["request"]
        assert warm.run(*words, folder=tmp_path, code=code).returncode == 0
    assert len(read_table(tmp_path / "c.csv")) == len(listed.read_text().splitlines())
    assert not (tmp_path / "c.csv.parts").exists()
