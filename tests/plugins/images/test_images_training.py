"""Training, resuming, sweeping, comparing and predicting on your own images."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from in_process import run_here
from interrupting import interrupted_at
from own_images import encoded, picture, write_folder, write_labels

import galaxynet
from galaxynet.catalogue.reading import read_table
from galaxynet.runs import Run

IDS = range(100_000, 100_030)
QUICK = ("--size", "24", "--threads", "1", "--precision", "float32", "--batch-size", "8")


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty images and their labels in the current folder."""
    monkeypatch.chdir(tmp_path)
    write_folder(Path("cutouts"), IDS)
    write_labels(Path("mine.csv"), {str(i): ("flat" if i % 2 else "round") for i in IDS})


def train(*words: str) -> Run:
    done = run_here(
        *("train", "galaxy_alexnet", "--dataset", "images"),
        *("--images", "cutouts/", "--labels", "mine.csv", *QUICK, *words),
    )
    assert done.returncode == 0, done.stderr
    return galaxynet.find_run("last")


def test_the_metrics_are_those_of_the_archive(tmp_path: Path) -> None:
    """The same network, trained from a folder and a table, has the figures of galaxy-zoo's archive."""
    data = tmp_path / "data" / "galaxy-zoo"
    data.mkdir(parents=True)
    with zipfile.ZipFile(data / "images_training_rev1.zip", "w") as archive:
        for path in sorted(Path("cutouts").iterdir()):
            archive.write(path, f"images_training_rev1/{path.name}")
    text = Path("mine.csv").read_text().replace("id,label", "GalaxyID,label")
    Path("zoo.csv").write_text(text)
    ours = train("--epochs", "2", "--crop", "32")
    done = run_here("train", "galaxy_alexnet", "--labels", "zoo.csv", *QUICK, "--epochs", "2", "--crop", "32")
    assert done.returncode == 0, done.stderr
    theirs = galaxynet.find_run("last")
    assert (ours.record.dataset.name, theirs.record.dataset.name) == ("images", "galaxy-zoo")
    assert ours.record.metrics == theirs.record.metrics
    assert ours.record.test_set == theirs.record.test_set
    assert (ours.path / "predictions.csv").read_bytes() == (theirs.path / "predictions.csv").read_bytes()
    assert (ours.path / "metrics.csv").read_bytes() == (theirs.path / "metrics.csv").read_bytes()
    compared = run_here("compare", "--format", "json")
    assert compared.returncode == 0, compared.stderr
    tables = json.loads(compared.stdout)["tables"]
    assert {row["dataset"] for table in tables for row in table["rows"]} == {"images", "galaxy-zoo"}


def test_a_run_predicts_what_it_tested(tmp_path: Path) -> None:
    """`predict` gives the labels of the test part that the training wrote of them, without the dataset."""
    run = train("--epochs", "1")
    shutil.rmtree(tmp_path / "data")
    done = run_here("predict", "last", "cutouts/", "-o", "catalogue.csv")
    assert done.returncode == 0, done.stderr
    rows = [line.split(",") for line in Path("catalogue.csv").read_text().splitlines()[1:]]
    label_of = {row[0]: row[2] for row in rows}
    recorded = run.predictions()
    assert {str(i): label_of[str(i)] for i in recorded.ids} == dict(
        zip(map(str, recorded.ids), recorded.predictions, strict=True)
    )


def test_a_run_on_fits_predicts_with_its_own_bands() -> None:
    """`predict` reads FITS images as in training without being asked, and the catalogue says how."""
    Path("cubes").mkdir()
    for identifier in IDS:
        planes = np.moveaxis(picture(identifier, 32).astype(np.float32), -1, 0)
        cube = fits.PrimaryHDU(planes)
        cube.header["BANDS"] = "gri"
        cube.writeto(f"cubes/{identifier}.fits")
    done = run_here(
        *("train", "galaxy_alexnet", "--dataset", "images", "--images", "cubes", "--labels", "mine.csv"),
        *(*QUICK, "--epochs", "1", "--channels", "rgb", "--bands", "i,r,g", "--stretch", "50,8,10"),
    )
    assert done.returncode == 0, done.stderr
    run = galaxynet.find_run("last")
    recorded = run.predictions()
    table = galaxynet.load(run).predict([f"cubes/{identifier}.fits" for identifier in recorded.ids])
    probabilities = np.stack([table[f"p_{name}"] for name in recorded.classes], axis=1)
    np.testing.assert_allclose(probabilities, np.array(recorded.probabilities), atol=2e-6)
    assert table.parameters["fits"] == "bands i,r,g"
    assert table.parameters["stretch"] == "50,8,10"
    done = run_here("predict", "last", "cubes/", "-o", "other.csv", "--bands", "g,r,i", "--stretch", "auto")
    assert done.returncode == 0, done.stderr
    others = read_table(Path("other.csv"))
    assert others.parameters["fits"] == "bands g,r,i"
    assert others.parameters["stretch"] == "auto"


def interrupted() -> Run:
    """A run of two epochs that was interrupted when the second began."""
    with interrupted_at(1):
        done = run_here(
            *("train", "galaxy_alexnet", "--dataset", "images", "--images", "cutouts"),
            *("--labels", "mine.csv", *QUICK, "--epochs", "2"),
        )
    assert done.returncode == 130, done.stderr
    return galaxynet.find_run("last")


@pytest.mark.promise("Interruptions")
def test_a_run_is_resumed_with_the_same_data_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on your own images continues with the same pixels and labels alone; changed ones are refused."""
    run = interrupted()
    image, labels = Path("cutouts") / f"{IDS[0]}.jpg", Path("mine.csv")
    pixels, text = image.read_bytes(), labels.read_text()
    for path, changed in (
        (image, encoded(picture(1))),
        (labels, text.replace(f"{IDS[2]},round", f"{IDS[2]},flat").encode()),
    ):
        path.write_bytes(changed)
        done = run_here("train", "--resume", run.record.id)
        assert (done.returncode, "The data of images have changed since" in done.stderr) == (1, True)
        image.write_bytes(pixels)
        labels.write_text(text)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = run_here("train", "--resume", run.record.id)
    assert done.returncode == 0, done.stderr
    resumed = galaxynet.find_run(run.record.id)
    monkeypatch.chdir(tmp_path)
    assert train("--epochs", "2").record.metrics == resumed.record.metrics


@pytest.mark.slow
def test_a_sweep_prepares_the_images_once(tmp_path: Path) -> None:
    """Trials of a sweep share the prepared images, and each names them in its record."""
    done = run_here(
        *("sweep", "galaxy_alexnet", "--dataset", "images", "--images", "cutouts/", "--labels", "mine.csv"),
        *(*QUICK, "--epochs", "1", "--act", "relu,tanh", "--name", "mine", "--yes"),
    )
    assert done.returncode == 0, done.stderr
    records = [run.record for run in galaxynet.list_runs() if isinstance(run, Run)]
    assert {record.options.model["act"] for record in records} == {"relu", "tanh"}
    assert len({record.data["pixels"] for record in records}) == 1
    assert len(list((tmp_path / "data" / "images" / "arrays").glob("[!.]*"))) == 1
