"""The dataset `images`: your own images and labels, from every place and in every form."""

from __future__ import annotations

import dataclasses
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits
from own_images import encoded, picture, write_folder, write_labels

from galaxynet.catalogue.columns import Column, make_table
from galaxynet.catalogue.writing import write_table
from galaxynet.data.array_module import ArrayData
from galaxynet.errors import DataError, OptionError, UsageError
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData
from galaxynet_galaxy_zoo.options import GalaxyZooOptions
from galaxynet_images.datamodule import ImagesData
from galaxynet_images.options import ImagesOptions

IDS = range(100_000, 100_020)


@pytest.fixture
def cutouts(tmp_path: Path) -> Path:
    """A folder of twenty JPEGs named by their ids."""
    return write_folder(tmp_path / "cutouts", IDS)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Their labels: even ones are round, odd ones flat."""
    return write_labels(tmp_path / "mine.csv", {str(i): ("flat" if i % 2 else "round") for i in IDS})


def module(tmp_path: Path, images: Path | None, labels: Path | None, **options: Any) -> ImagesData:
    return ImagesData(
        ImagesOptions(images=images, labels=labels, **{"size": 16, **options}), data_dir=tmp_path / "data"
    )


def load(tmp_path: Path, images: Path, labels: Path, **options: Any) -> ArrayData:
    return module(tmp_path, images, labels, **options).load()


def test_the_same_data_as_from_the_archive(tmp_path: Path, cutouts: Path, labels: Path) -> None:
    """Pixels, classes, parts, scale and test set are those of the dataset galaxy-zoo on the same files."""
    zoo = tmp_path / "data" / "galaxy-zoo"
    zoo.mkdir(parents=True)
    with zipfile.ZipFile(zoo / "images_training_rev1.zip", "w") as archive:
        for path in sorted(cutouts.iterdir()):
            archive.writestr(f"images_training_rev1/{path.name}", path.read_bytes())
    own = write_labels(
        tmp_path / "zoo.csv", {str(i): ("flat" if i % 2 else "round") for i in IDS}, "GalaxyID,label"
    )
    for settings in ({}, {"crop": 24}, {"channels": "rgb", "crop": 32}):
        options = GalaxyZooOptions(labels=str(own), size=16, **settings)
        theirs = GalaxyZooData(options, data_dir=tmp_path / "data").load()
        ours = load(tmp_path, cutouts, labels, **settings)
        assert np.array_equal(ours.images, theirs.images)
        assert np.array_equal(ours.targets, theirs.targets)
        assert [str(i) for i in theirs.ids] == list(ours.ids)
        assert ours.classes == theirs.classes
        assert ours.normalization == theirs.normalization
        for rows, expected in zip(ours.split, theirs.split, strict=True):
            assert np.array_equal(rows, expected)
        assert ours.preprocessing is not None
        prepared = ours.preprocessing.prepare((cutouts / f"{IDS[3]}.jpg").read_bytes())
        assert np.array_equal(prepared.pixels, theirs.images[3])


def test_every_place_of_images_and_every_table(tmp_path: Path, cutouts: Path, labels: Path) -> None:
    """Folder, zip, list and table of images give the same data, and so do labels of every format."""
    whole = load(tmp_path, cutouts, labels)
    archive = tmp_path / "all.zip"
    with zipfile.ZipFile(archive, "w") as members:
        for path in sorted(cutouts.iterdir()):
            members.write(path, f"set/{path.name}")
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"cutouts/{i}.jpg\n" for i in IDS))
    both = write_labels(
        tmp_path / "both.csv", {f"cutouts/{i}.jpg": ("flat" if i % 2 else "round") for i in IDS}, "file,label"
    )
    loaded = [load(tmp_path, archive, labels), load(tmp_path, listed, labels), load(tmp_path, both, both)]
    columns = [Column("objid", "int64"), Column("morphology", "string")]
    cells = {
        "objid": np.array(IDS, np.int64),
        "morphology": np.array(["flat" if i % 2 else "round" for i in IDS], dtype=object),
    }
    for suffix in (".ecsv", ".fits", ".vot", ".parquet"):
        path = tmp_path / f"labels{suffix}"
        write_table(path, make_table(columns, cells).layout, [cells])
        loaded.append(load(tmp_path, cutouts, path, label_column="morphology", id_column="objid"))
    for data in loaded:
        assert np.array_equal(data.images, whole.images)
        assert data.digest() == whole.digest()
        assert data.summary == whole.summary


@pytest.mark.promise("Inputs")
def test_what_cannot_be_used_is_counted_and_said(tmp_path: Path, cutouts: Path, labels: Path) -> None:
    """Missing, damaged and unlabelled images and labels without image are counted, and training goes on."""
    (cutouts / f"{IDS[0]}.jpg").write_bytes(b"not an image")
    (cutouts / "other.jpg").write_bytes(encoded(picture(1)))
    (cutouts / "notes.md").write_text("")
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"cutouts/{name}.jpg\n" for name in (*IDS, "other", "200000")))
    rows = {str(i): ("flat" if i % 2 else "round") for i in (*IDS, 200_000, 300_000)}
    data = load(tmp_path, listed, write_labels(tmp_path / "more.csv", rows))
    summary = data.summary
    assert (summary["images"], summary["images_left_out"]) == (19, 2)
    assert (summary["labelled"], summary["without_label"], summary["without_image"]) == (21, 1, 1)
    assert summary["classes"] == {"flat": 10, "round": 9}
    notes = "\n".join(data.notes)
    assert (
        "21 images labelled, by the column id of more.csv; 1 image without a label, 1 label without" in notes
    )
    assert f"left out cutouts/{IDS[0]}.jpg: not an image" in notes
    assert "left out cutouts/200000.jpg: there is no such file" in notes
    assert "1 other file skipped" in "\n".join(load(tmp_path, cutouts, labels).notes)


def test_images_of_any_size_and_kind(tmp_path: Path) -> None:
    """Other sizes, shapes and formats are brought to one size, and those that lose by it are counted."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.png").write_bytes(encoded(picture(number, 16 + 8 * number), ".png"))
    wide = np.ascontiguousarray(picture(8, 40)[:20])
    (folder / "wide.tif").write_bytes(encoded(wide, ".tif"))
    (folder / "small.jpg").write_bytes(encoded(picture(9, 8)))
    rows = {path.stem: "ab"[number % 2] for number, path in enumerate(sorted(folder.iterdir()))}
    data = load(tmp_path, folder, write_labels(tmp_path / "t.csv", rows), channels="rgb")
    assert data.images.shape == (10, 16, 16, 3)
    assert "1 image not square: the central part is used" in data.notes
    assert "1 image smaller than --size: enlarged" in data.notes


def test_images_of_one_name(tmp_path: Path) -> None:
    """Images called alike in two folders are two samples, named and divided by their folders too."""
    for folder in ("a", "b"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for number in range(4):
            path = tmp_path / "set" / folder / f"{number}.jpg"
            path.write_bytes(encoded(picture(number)))
    rows = {f"{folder}/{number}.jpg": folder for folder in "ab" for number in range(4)}
    data = load(tmp_path, tmp_path / "set", write_labels(tmp_path / "t.csv", rows, "path,label"))
    assert list(data.ids) == list(rows)
    assert data.summary["classes"] == {"a": 4, "b": 4}


def flux(seed: int, band: int) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng([seed, band])
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    light = (10 + 20 * band) * np.exp(-(x**2 + (y * (1 + seed % 2)) ** 2) / 0.1)
    return np.asarray(light + generator.normal(0, 1, (32, 32)), np.float32)


def test_fits_is_read_as_in_use(tmp_path: Path) -> None:
    """Bands and stretch of FITS images belong to the preprocessing, so that a run applies them by itself."""
    folder = tmp_path / "fits"
    folder.mkdir()
    for seed in range(6):
        hdus = [fits.PrimaryHDU()]
        for number, band in enumerate("gri"):
            image = fits.ImageHDU(flux(seed, number))
            image.header["FILTER"] = band
            hdus.append(image)
        fits.HDUList(hdus).writeto(folder / f"J{seed}.fits")
    labels = write_labels(tmp_path / "t.csv", {f"J{seed}": "ab"[seed % 2] for seed in range(6)})
    data = load(tmp_path, folder, labels, channels="rgb", bands="i,r,g", stretch="0.123456789,8")
    assert data.preprocessing is not None
    record = dataclasses.replace(
        data.preprocessing, mean=data.normalization.mean, std=data.normalization.std
    ).to_dict()
    assert record["fits"] == {"bands": "i,r,g", "stretch": "0.123456789,8"}
    again = type(data.preprocessing).from_dict(record)
    for row in range(6):
        content = (folder / f"J{row}.fits").read_bytes()
        assert np.array_equal(again.prepare(content).pixels, data.images[row])
    gray = load(tmp_path, folder, labels, hdu="3")
    assert gray.preprocessing is not None
    assert gray.preprocessing.to_dict()["fits"] == {"hdu": "3"}
    with pytest.raises(DataError, match="6 of them: it has one plane and the network was trained on colour"):
        load(tmp_path, folder, labels, channels="rgb")


def test_a_crop_is_a_share_of_the_usual_size(tmp_path: Path) -> None:
    """The crop counts pixels of the most frequent size, and of other images the same share is used."""
    folder = tmp_path / "sizes"
    folder.mkdir()
    for number in range(6):
        side = 128 if number == 5 else 64
        (folder / f"{number}.png").write_bytes(encoded(picture(7, side), ".png"))
    labels = write_labels(tmp_path / "t.csv", {str(number): "ab"[number % 2] for number in range(6)})
    data = load(tmp_path, folder, labels, crop=32)
    assert data.preprocessing is not None
    assert (data.preprocessing.frame, data.preprocessing.crop) == (64, 32)
    assert np.abs(data.images[5].astype(int) - data.images[0]).mean() < 3
    with pytest.raises(DataError, match="--crop 65: most images have 64 pixels a side"):
        load(tmp_path, folder, labels, crop=65)


def test_a_fixed_test_set(tmp_path: Path, cutouts: Path, labels: Path) -> None:
    """The test part is what a table names, by ids or paths, as far as it has an image and a label."""
    names = write_labels(
        tmp_path / "test.csv", {f"old/{IDS[2]}.png": "", str(IDS[5]): "", "7": ""}, "name,note"
    )
    data = load(tmp_path, cutouts, labels, test_ids=names)
    assert [data.ids[row] for row in data.split.test] == [str(IDS[2]), str(IDS[5])]
    assert data.summary["test_ids_missing"] == 1
    assert any("1 of the 3 images of test.csv" in line for line in data.notes)
    with pytest.raises(DataError, match="names none of the 20 labelled images"):
        load(tmp_path, cutouts, labels, test_ids=write_labels(tmp_path / "no.csv", {"7": ""}, "id,x"))


def arrays(tmp_path: Path) -> set[Path]:
    return set((tmp_path / "data" / "images" / "arrays").glob("[!.]*"))


def test_images_are_prepared_once(
    tmp_path: Path, cutouts: Path, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second training opens the prepared images, and so does one with other classes for the same images."""
    first = load(tmp_path, cutouts, labels)
    monkeypatch.setattr("galaxynet_images.arrays.prepared_batches", None)
    assert np.array_equal(load(tmp_path, cutouts, labels).images, first.images)
    other = write_labels(tmp_path / "other.csv", {str(i): ("a" if i % 3 else "b") for i in IDS})
    assert load(tmp_path, cutouts, other).classes == ("a", "b")
    assert len(arrays(tmp_path)) == 1


def test_changed_images_are_prepared_again(tmp_path: Path, cutouts: Path, labels: Path) -> None:
    """A changed image changes the data and their record, and the earlier array is removed."""
    before, kept = load(tmp_path, cutouts, labels), arrays(tmp_path)
    (cutouts / f"{IDS[4]}.jpg").write_bytes(encoded(picture(1)))
    after = load(tmp_path, cutouts, labels)
    assert not np.array_equal(before.images[4], after.images[4])
    assert before.summary["pixels"] != after.summary["pixels"]
    assert len(arrays(tmp_path)) == 1
    assert arrays(tmp_path) != kept
    # A copy of the same images elsewhere is the same data.
    (tmp_path / "moved").mkdir()
    for path in cutouts.iterdir():
        (tmp_path / "moved" / path.name).write_bytes(path.read_bytes())
    os.utime(tmp_path / "moved" / f"{IDS[0]}.jpg", (1, 1))
    assert load(tmp_path, tmp_path / "moved", labels).summary == after.summary


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ({"x": "a"}, {}, "None of the 1 labelled rows"),
        (
            {str(i): "a" for i in IDS},
            {},
            "the training part has images of one class only, a",
        ),
        ({str(i): f"c{i}" for i in IDS}, {}, "the training part has no images"),
        ({str(IDS[0]): "a"}, {}, "nothing to learn"),
        ({str(i): "a" for i in IDS}, {"label_column": "kind"}, "has no column kind: it has id, label"),
    ],
)
def test_labels_that_teach_nothing(
    tmp_path: Path, cutouts: Path, rows: dict[str, str], options: dict[str, str], message: str
) -> None:
    """Labels that share no id with the images, or too few of them, are refused in a sentence."""
    with pytest.raises(DataError, match=message):
        load(tmp_path, cutouts, write_labels(tmp_path / "t.csv", rows), **options)


@pytest.mark.promise("Inputs")
def test_a_label_that_occurs_once_is_left_out(tmp_path: Path, cutouts: Path) -> None:
    """A class of one image cannot be both learnt and tested: it is named and left out."""
    rows = {str(i): ("odd" if i == IDS[0] else "ab"[i % 2]) for i in IDS}
    data = load(tmp_path, cutouts, write_labels(tmp_path / "t.csv", rows))
    assert data.classes == ("a", "b")
    assert any(line.startswith("left out, having a single image") and "odd" in line for line in data.notes)


def test_wrong_calls_are_refused_in_a_sentence(tmp_path: Path, cutouts: Path, labels: Path) -> None:
    """What is missing, empty or given twice is named, with the way out."""
    with pytest.raises(UsageError, match="needs images and a table of their labels"):
        module(tmp_path, None, labels).load()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"There are no images in .*empty"):
        load(tmp_path, tmp_path / "empty", labels)
    with pytest.raises(DataError, match="nowhere does not exist"):
        load(tmp_path, tmp_path / "nowhere", labels)
    with pytest.raises(DataError, match=r"There is no file .*no\.csv"):
        load(tmp_path, cutouts, tmp_path / "no.csv")
    twice = write_labels(tmp_path / "twice.csv", {"1": f"cutouts/{IDS[0]}.jpg"}, "id,file")
    twice.write_text(twice.read_text() + f"1,cutouts/{IDS[1]}.jpg\n")
    with pytest.raises(DataError, match="gives the id '1' to 2 images"):
        load(tmp_path, twice, labels)
    with pytest.raises(OptionError, match="--stretch big"):
        module(tmp_path, cutouts, labels, stretch="big")
