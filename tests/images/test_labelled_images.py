"""Labels joined with the images that they name: by ids or paths, from every kind of table."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from galaxynet.catalogue.columns import Column, make_table
from galaxynet.catalogue.writing import write_table
from galaxynet.errors import DataError
from galaxynet.images.input_search import TableColumns, find_inputs
from galaxynet.images.inputs import Inputs
from galaxynet.images.labels import LabelColumns, read_labels
from galaxynet.images.matching import distinct_ids


def folder_of(tmp_path: Path, *names: str) -> Inputs:
    """A folder of empty files: labels need their names alone."""
    for name in names:
        path = tmp_path / "cutouts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return find_inputs([str(tmp_path / "cutouts")])


def table_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "ids",
    [
        ["587726033341776175", "587726033341776176", "12"],
        ["J1234+56.7", "J1234-56.7", "NGC 4321"],
        ["007", "7", "0007"],
        ["étoile", "1e5", "true"],
    ],
)
def test_ids_of_any_form(tmp_path: Path, ids: list[str]) -> None:
    """Ids are texts: long numbers, leading zeros, points and blanks are kept as they are."""
    inputs = folder_of(tmp_path, *(f"{name}.jpg" for name in ids))
    path = table_of(tmp_path, "name,label\n" + "".join(f"{name},l{n}\n" for n, name in enumerate(ids)))
    labels = read_labels(path, inputs)
    by_id = {inputs.id(row): label for row, label in enumerate(labels.labels)}
    assert by_id == {name: f"l{n}" for n, name in enumerate(ids)}
    assert labels.column == "name"
    assert labels.missing == ()


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".fits", ".vot", ".parquet"])
def test_tables_of_every_format(tmp_path: Path, suffix: str) -> None:
    """A table of labels may be CSV, ECSV, FITS, VOTable or Parquet, with ids as whole numbers."""
    inputs = folder_of(tmp_path, "100008.jpg", "100023.fits")
    columns = [Column("ra", "float64"), Column("GalaxyID", "int64"), Column("label", "string")]
    values = {
        "ra": np.array([1.5, 2.5, 3.5]),
        "GalaxyID": np.array([100023, 100008, 5], np.int64),
        "label": np.array(["spiral", "smooth", "smooth"], dtype=object),
    }
    write_table(tmp_path / f"t{suffix}", make_table(columns, values).layout, [values])
    labels = read_labels(tmp_path / f"t{suffix}", inputs)
    assert labels.labels == ("smooth", "spiral")
    assert labels.missing == ("5",)
    assert labels.rows == (0, 1)
    assert labels.classes == ("smooth", "spiral")


def test_paths_that_fit_best(tmp_path: Path) -> None:
    """Of images with one name, the folders of a path decide; folders above them may differ."""
    inputs = folder_of(tmp_path, "a/1.jpg", "b/1.jpg", "b/2.png", "c/3.jpg", "c/3.fits")
    text = "path,label\n/data/old/a/1.jpg,x\nb/1.jpg,y\nelsewhere/2.jpg,z\n3.fits,w\n"
    labels = read_labels(table_of(tmp_path, text), inputs)
    by_name = {
        Path(inputs.name(row)).relative_to(tmp_path / "cutouts").as_posix(): label
        for row, label in enumerate(labels.labels)
    }
    assert by_name == {"a/1.jpg": "x", "b/1.jpg": "y", "b/2.png": "z", "c/3.jpg": "", "c/3.fits": "w"}


def test_a_zip_and_a_table_of_images(tmp_path: Path) -> None:
    """Members of a zip are found by ids and paths; ids that a table of images gives come first."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("set/1.jpg", "set/2.jpg"):
            archive.writestr(name, b"")
    inputs = find_inputs([str(tmp_path / "all.zip")])
    assert read_labels(table_of(tmp_path, "id,label\n2,b\n1,a\n"), inputs).labels == ("a", "b")
    assert read_labels(table_of(tmp_path, "file,label\nset/2.jpg,b\n"), inputs).labels == ("", "b")
    images = tmp_path / "images.csv"
    images.write_text("objid,file\n2,set/1.jpg\n1,set/2.jpg\n")
    inputs = find_inputs([str(images)], TableColumns(id="objid"))
    assert read_labels(table_of(tmp_path, "objid,label\n2,b\n1,a\n"), inputs).labels == ("b", "a")


def test_one_table_of_paths_and_labels(tmp_path: Path) -> None:
    """One table may name the images and label them."""
    folder_of(tmp_path, "1.jpg", "2.jpg")
    path = table_of(tmp_path, "file,class\ncutouts/1.jpg,a\ncutouts/2.jpg,b\n")
    labels = read_labels(path, find_inputs([str(path)]))
    assert (labels.labels, labels.column) == (("a", "b"), "file")


def test_labels_are_texts_and_whole_numbers(tmp_path: Path) -> None:
    """Numbers with gaps are written without a point, an empty cell is no label, decimals are refused."""
    inputs = folder_of(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    text = "id,stage,t\n1,3,0.5\n2,,1.5\n3,-1,2\n"
    path = table_of(tmp_path, text)
    assert read_labels(path, inputs, LabelColumns("stage")).labels == ("3", "", "-1")
    with pytest.raises(DataError, match=r"column t of .* holds decimal numbers"):
        read_labels(path, inputs, LabelColumns("T"))


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (
            "id,label\n7,a\n",
            {},
            r"None of the 1 labelled rows .* its column id has 7, and the images are 1, 2",
        ),
        ("id,kind\n1,a\n", {}, r"has no column label: it has id, kind"),
        ("id,label\n1,a\n", {"label": "x"}, r"has no column x: it has id, label"),
        ("id,label\n1,a\n", {"id": "x"}, r"--id-column x: .* it has id, label"),
        ("id,label\n1,\n", {}, r"column label of .* has no labels"),
        ("id,label\n", {}, r"has no rows"),
        ("label\na\n", {}, r"has no column of ids or paths"),
        ("id,label\n1,a\n1.jpg,b\n", {}, r"labels .*1\.jpg both 'a' and 'b'"),
        ("id,label\n5.87726E+17,a\n", {}, r"column id of .* have lost their last digits"),
    ],
)
def test_labels_that_do_not_fit(tmp_path: Path, text: str, columns: dict[str, str], message: str) -> None:
    """What does not fit is named in a sentence."""
    inputs = folder_of(tmp_path, "1.jpg", "2.jpg")
    with pytest.raises(DataError, match=message):
        read_labels(table_of(tmp_path, text), inputs, LabelColumns(**columns))


def test_an_id_of_two_images_is_ambiguous(tmp_path: Path) -> None:
    """An id that two images have labels neither by chance."""
    inputs = folder_of(tmp_path, "a/1.jpg", "b/1.jpg")
    with pytest.raises(DataError, match=r"'1' fits 2 images, .*a/1\.jpg and .*b/1\.jpg"):
        read_labels(table_of(tmp_path, "id,label\n1,x\n"), inputs)


def test_distinct_ids(tmp_path: Path) -> None:
    """Images of the same name get as many folders in their ids as it takes; others keep short ids."""
    inputs = folder_of(tmp_path, "a/1.jpg", "b/1.jpg", "x/c/2.jpg", "y/c/2.jpg", "3.jpg")
    assert distinct_ids(inputs) == ["3", "a/1.jpg", "b/1.jpg", "x/c/2.jpg", "y/c/2.jpg"]
    listed = tmp_path / "list.txt"
    listed.write_text("cutouts/3.jpg\n./cutouts/3.jpg\n")
    with pytest.raises(DataError, match=r"3\.jpg is named twice"):
        distinct_ids(find_inputs([str(listed)]))
