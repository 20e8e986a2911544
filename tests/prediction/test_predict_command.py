"""The command `predict`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from bad_images import bad_images
from in_process import call

import galaxynet
from galaxynet.catalogue.reading import read_table
from galaxynet.runs import Run


def test_images_are_named_in_many_ways(
    trained: Run,
    cutouts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder, a glob, files, a zip archive, a list and standard input give the same rows."""
    monkeypatch.chdir(tmp_path)
    files = sorted(path for path in cutouts.iterdir() if path.is_file())
    with zipfile.ZipFile("survey.zip", "w") as archive:
        for file in files:
            archive.write(file, file.name)
        archive.writestr("__MACOSX/._J0000.jpg", b"no image")
        archive.writestr("README.txt", b"hello")
    Path("list.txt").write_text("\n".join(f"cutouts/{file.name}" for file in files) + "\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(Path("list.txt").read_text()))
    ways = {
        "glob": ["cutouts/J*.*"],
        "files": [str(file.relative_to(tmp_path)) for file in files],
        "zip": ["survey.zip"],
        "list": ["list.txt"],
        "stdin": ["-"],
    }
    tables = {}
    for name, words in ways.items():
        code, out, err = call(capsys, "predict", trained.path, *words, "-o", f"{name}.csv")
        assert (code, out) == (0, ""), err
        assert "29 of 29 images predicted" in err
        tables[name] = read_table(Path(f"{name}.csv"))
    for table in tables.values():
        assert list(table["id"]) == [file.stem for file in files]
        assert table["p_flat"].tolist() == pytest.approx(tables["glob"]["p_flat"].tolist(), abs=1e-6)
    assert list(tables["zip"]["file"]) == [f"survey.zip/{file.name}" for file in files]
    code, _, err = call(capsys, "predict", trained.path, "cutouts", "-o", "folder.parquet")
    assert code == 0
    assert len(read_table(Path("folder.parquet"))) == 30


def test_two_files_of_one_name_are_two_rows(
    trained: Run, cutouts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files of one name in two folders stay two rows, with different values of `file`, and a note says so."""
    (cutouts / "more" / "J0001.jpg").write_bytes((cutouts / "J0002.jpg").read_bytes())
    code, _, err = call(capsys, "predict", trained.path, cutouts, "-o", tmp_path / "c.csv")
    assert code == 0
    assert "2 images have the id J0001" in err
    table = read_table(tmp_path / "c.csv")
    assert list(table["id"]).count("J0001") == 2
    assert len(set(table["file"])) == 31


def test_unusable_images_are_counted(
    trained: Run, cutouts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with 0 and a count, and with --strict with 1; --dry-run names them beforehand."""
    for name, content in list(bad_images().items())[:4]:
        (cutouts / name).write_bytes(content)
    code, out, _ = call(capsys, "predict", trained.path, cutouts, "--dry-run")
    assert code == 0
    assert "34 images" in out
    assert "4 cannot be used" in out
    assert "empty.jpg: an empty file" in out
    assert "label " in out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cutouts",
        *(["data"] if (tmp_path / "data").exists() else []),
    ]
    code, _, err = call(capsys, "predict", trained.path, cutouts, "-o", tmp_path / "c.csv")
    assert code == 0
    assert "30 of 34 images predicted" in err
    assert "1 could not be used: an empty file" in err
    code, _, _ = call(capsys, "predict", trained.path, cutouts, "-o", tmp_path / "d.csv", "--strict")
    assert code == 1


def test_shards_by_command(
    trained: Run, cutouts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--shard I/N` and `--merge`, in whatever order, give the catalogue of one call."""
    call(capsys, "predict", trained.path, cutouts, "-o", tmp_path / "whole.csv")
    for index in (1, 2, 3):
        name = tmp_path / f"part-{index}.csv"
        assert call(capsys, "predict", trained.path, cutouts, "-o", name, "--shard", f"{index}/3")[0] == 0
    parts = [tmp_path / f"part-{index}.csv" for index in (3, 1, 2)]
    code, _, err = call(capsys, "predict", "--merge", *parts, "-o", tmp_path / "all.csv")
    assert code == 0
    assert "30 rows of 3 shards" in err
    assert (tmp_path / "all.csv").read_text().splitlines()[0] == (
        tmp_path / "whole.csv"
    ).read_text().splitlines()[0]
    assert (
        read_table(tmp_path / "all.csv")["id"].tolist() == read_table(tmp_path / "whole.csv")["id"].tolist()
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["RUN", "cutouts"], "needs a name"),
        (["RUN", "-o", "c.csv"], "Name the images"),
        (["RUN", "empty", "-o", "c.csv"], "no images in"),
        (["RUN", "nowhere", "-o", "c.csv"], "nowhere does not exist"),
        (["RUN", "no*.jpg", "-o", "c.csv"], "No file fits"),
        (["RUN", "cutouts", "-o", "c.xlsx"], "unknown suffix .xlsx"),
        (["RUN", "cutouts", "-o", "there.csv"], "exists"),
        (["RUN", "cutouts", "-o", "c.csv", "--shard", "4/3"], "I from 1 to N"),
        (["RUN", "cutouts", "-o", "c.csv", "--stretch", "big"], "--stretch big"),
        (["RUN", "cutouts", "-o", "c.csv", "--id-column", "x"], "one table alone"),
        (["RUN", "table.csv", "-o", "c.csv"], "no column of paths"),
        (["RUN", "table.csv", "-o", "c.csv", "--path-column", "z"], "no such column"),
        (["RUN", "bad.zip", "-o", "c.csv"], "not a whole zip archive"),
        (["nothing", "cutouts", "-o", "c.csv"], "no run"),
        (["--merge", "there.csv", "-o", "c.csv"], "not a shard"),
        (["RUN", "cutouts", "-o", "c.csv", "--gallery", "page.png"], "ends in .html"),
        (["RUN", "cutouts", "-o", "c.csv", "--gallery", "there.html"], "exists"),
        (["--merge", "there.csv", "-o", "c.csv", "--gallery", "p.html"], "not with --merge"),
    ],
)
def test_a_wrong_call_is_one_sentence(
    trained: Run,
    cutouts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    """What is wrong is said in a sentence, before anything is computed, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("there.csv").write_text("a\n1\n")
    Path("there.html").write_text("mine")
    Path("table.csv").write_text("a,b\n1,2\n")
    Path("bad.zip").write_bytes(b"PK\3\4")
    code, _, err = call(capsys, "predict", *(str(trained.path) if word == "RUN" else word for word in words))
    assert code in (1, 2)
    assert message in err
    assert "Traceback" not in err
    assert not Path("c.csv").exists()
    assert not Path("c.csv.parts").exists()


def test_a_language_model_is_refused(
    tmp_path: Path, cutouts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of a language model is refused in one sentence with the command that fits."""
    text = tmp_path / "my.txt"
    text.write_text("it is a truth\n" * 60)
    run = galaxynet.train("charrnn", dataset="text", file=text, epochs=1, iterations=3, hidden=4)
    code, _, err = call(capsys, "predict", run.path, cutouts, "-o", tmp_path / "c.csv")
    assert code == 1
    assert "is a language model" in err
    assert "galaxynet generate" in err


def test_digits_are_predicted_from_png(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run on digits takes PNGs of 28 x 28 pixels, and an autoencoder gives reconstruction errors."""
    from idx_files import make_idx_folder
    from PIL import Image

    from galaxynet.data.idx_images import read_parts

    folder = make_idx_folder(tmp_path / "idx")
    _, (images, _) = read_parts(folder, "")
    (tmp_path / "png").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "png" / f"test-{number:05d}.png")
    run = galaxynet.train("mnist_cnn", folder=folder, epochs=1)
    assert call(capsys, "predict", run.path, tmp_path / "png", "-o", tmp_path / "d.csv")[0] == 0
    recorded, table = run.predictions(), read_table(tmp_path / "d.csv")
    assert table["p_7"].tolist() == pytest.approx([row[7] for row in recorded.probabilities], abs=1e-5)
    run = galaxynet.train("fashion_ae", folder=folder, epochs=1, code=4)
    words = ["-o", tmp_path / "e.parquet", "--gallery", tmp_path / "e.html"]
    code, _, err = call(capsys, "predict", run.path, tmp_path / "png", *words)
    assert code == 0
    assert "e.html: pictures of the selected images" in err
    page = (tmp_path / "e.html").read_text()
    assert "Best: 12 of " in page
    assert "Worst: 12 of " in page
    table = read_table(tmp_path / "e.parquet")
    assert table.names == ("id", "file", "mse", "flag", "reason")
    assert table["mse"].mean() == pytest.approx(run.record.metrics["test/mse"], rel=1e-4)
