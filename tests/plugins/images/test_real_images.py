"""Real galaxies: a folder and a table give what the archive gives, and a catalogue joins with others."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from astropy.table import Table, join

import galaxynet
from galaxynet.catalogue.writing import write_table
from galaxynet.runs import Run

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("real_images")]  # one run for both

CLASSES = ("completely_round_smooth", "cigar_shaped_smooth", "edge_on", "in_between_smooth", "spiral")
PER_CLASS = 80
TRAINING = {"crop": 212, "size": 32, "epochs": 2, "threads": 1, "precision": "float32"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Path:
    """Four hundred labelled galaxies of five classes: as the archive, as a folder, and their labels."""
    zoo, folder = real_data / "galaxy-zoo", tmp_path_factory.mktemp("real")
    archive = folder / "data" / "galaxy-zoo" / "images_training_rev1.zip"
    archive.parent.mkdir(parents=True)
    (folder / "cutouts").mkdir()
    with (zoo / "labels_morphology5.csv").open(newline="") as stream:
        label_of = {row["GalaxyID"]: row["label"] for row in csv.DictReader(stream)}
    counts = dict.fromkeys(CLASSES, 0)
    rows = []
    with zipfile.ZipFile(zoo / "images_training_rev1.zip") as source, zipfile.ZipFile(archive, "w") as target:
        for name in sorted(source.namelist()):
            label = label_of.get(Path(name).stem, "")
            if label and counts[label] < PER_CLASS:
                counts[label] += 1
                rows.append(f"{Path(name).stem},{label}\n")
                content = source.read(name)
                target.writestr(name, content)
                (folder / "cutouts" / Path(name).name).write_bytes(content)
    (folder / "mine.csv").write_text("GalaxyID,label\n" + "".join(rows))
    return folder


@pytest.fixture(scope="module")
def own(folder: Path) -> Run:
    """A network trained from the folder and the table."""
    return galaxynet.train(
        "galaxy_alexnet",
        dataset="images",
        images=folder / "cutouts",
        labels=folder / "mine.csv",
        runs_dir=folder / "runs",
        data_dir=folder / "data",
        **TRAINING,
    )


def test_a_folder_gives_the_metrics_of_the_archive(folder: Path, own: Run) -> None:
    """On real galaxies, the same network has the same metrics and predictions from either."""
    run = galaxynet.train(
        "galaxy_alexnet",
        labels=str(folder / "mine.csv"),
        runs_dir=folder / "runs",
        data_dir=folder / "data",
        **TRAINING,
    )
    assert own.record.classes == sorted(CLASSES)
    assert own.record.metrics == run.record.metrics
    assert own.record.test_set == run.record.test_set
    assert (own.path / "predictions.csv").read_bytes() == (run.path / "predictions.csv").read_bytes()


def test_the_catalogue_of_the_test_images_joins_another(
    folder: Path, own: Run, real_data: Path, tmp_path: Path
) -> None:
    """All 1,197 unlabelled images have a row that astropy and pandas join with a table by id."""
    zoo = real_data / "galaxy-zoo"
    catalogue = galaxynet.load(own).predict(zoo / "images_test_rev1.zip")
    for suffix in (".fits", ".parquet"):
        write_table(tmp_path / f"catalogue{suffix}", catalogue.layout, [catalogue.values])
    benchmark = pd.read_csv(zoo / "central_pixel_benchmark.zip", usecols=["GalaxyID", "Class1.1"])

    ours = pd.read_parquet(tmp_path / "catalogue.parquet")
    assert len(ours) == 1197
    assert ours["flag"].eq(0).all()
    joined = ours.merge(benchmark.astype({"GalaxyID": str}), left_on="id", right_on="GalaxyID")
    assert len(joined) == 1197
    assert joined["Class1.1"].notna().all()

    table = Table.read(tmp_path / "catalogue.fits")
    table["GalaxyID"] = [int(identifier) for identifier in table["id"]]
    matched = join(table, Table.from_pandas(benchmark), keys="GalaxyID")
    assert len(matched) == 1197
    assert set(matched["label"]) <= set(CLASSES)
    sums = sum(matched[f"p_{name}"] for name in CLASSES)
    assert abs(sums - 1).max() < 1e-5
