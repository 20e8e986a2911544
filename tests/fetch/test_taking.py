"""`fetch --from FOLDER`."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made import GALAXIES, IMAGES, LABELS, contents, downloads, on_disk, write_zip

from galaxynet.errors import DataError, UsageError
from galaxynet.fetching import receipts
from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.fetch import PlannedFile, fetch, plan
from galaxynet.fetching.request import FetchRequest

Stranger = Callable[..., Any]
WHOLE = ["images.zip", "labels.zip", "receipt.json"]


def test_archives_are_taken_and_entered(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """The archives of a folder are copied unchanged to the data folder; the receipt has hashes and origin."""
    folder = downloads(tmp_path / "downloads")
    outcome = fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert outcome.fetched == ("images.zip", "labels.zip")
    assert outcome.lines == ("5 images",)
    assert on_disk(data / "stars") == WHOLE
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    for name in ("images.zip", "labels.zip"):
        original = (folder / name).read_bytes()
        assert (data / "stars" / name).read_bytes() == original
        assert receipt.files[name].sha256 == hashlib.sha256(original).hexdigest()
        assert receipt.files[name].source == f"from {folder / name}"


@pytest.mark.promise("Inputs")
def test_the_folder_of_the_person_is_not_touched(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """`fetch --from` changes nothing in the folder it reads."""
    folder = downloads(tmp_path / "downloads")
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    folder.chmod(0o555)
    fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()} == before


@pytest.mark.promise("Inputs")
def test_a_bundle_is_taken_apart(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """The one zip of zips that "Download all" gives is accepted like the single archives."""
    single = downloads(tmp_path / "single")
    folder = tmp_path / "downloads"
    folder.mkdir()
    write_zip(folder / "star-challenge.zip", {p.name: p.read_bytes() for p in sorted(single.iterdir())})
    fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert contents(data / "stars" / "images.zip") == IMAGES
    assert contents(data / "stars" / "labels.zip") == LABELS
    assert on_disk(data / "stars") == WHOLE


@pytest.mark.promise("Inputs")
def test_a_bundle_packed_by_powershell_is_taken_apart(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """A bundle whose member names have backslashes, as PowerShell packs them, is taken apart."""
    single = downloads(tmp_path / "single")
    members = {f"downloads\\{path.name}": path.read_bytes() for path in single.iterdir()}
    bundle = write_zip(tmp_path / "mine.zip", members)
    assert fetch(FetchRequest(stranger(GALAXIES), data, folder=bundle)).fetched == (
        "images.zip",
        "labels.zip",
    )


def test_the_bundle_itself_may_be_named(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """`--from` also takes the path of the bundle, whatever it is called."""
    single = downloads(tmp_path / "single")
    bundle = write_zip(tmp_path / "saved (2).zip", {p.name: p.read_bytes() for p in single.iterdir()})
    assert fetch(FetchRequest(stranger(GALAXIES), data, folder=bundle)).fetched == (
        "images.zip",
        "labels.zip",
    )


@pytest.mark.promise("Inputs")
def test_unpacked_folders_are_packed(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """A folder of images and a bare CSV are accepted like the archives they came from."""
    folder = tmp_path / "downloads"
    (folder / "images").mkdir(parents=True)
    for name, content in IMAGES.items():
        (folder / name).write_bytes(content)
    (folder / "images" / ".DS_Store").write_bytes(b"litter")
    (folder / "labels.csv").write_bytes(LABELS["labels.csv"])
    plugin = stranger(GALAXIES)
    fetch(FetchRequest(plugin, data, folder=folder))
    assert contents(data / "stars" / "images.zip") == IMAGES
    assert contents(data / "stars" / "labels.zip") == LABELS
    with zipfile.ZipFile(data / "stars" / "images.zip") as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
    first = (data / "stars" / "images.zip").read_bytes()
    os.utime(folder / "images/0.jpg", (1, 1))
    fetch(FetchRequest(plugin, data, folder=folder, force=True))
    assert (data / "stars" / "images.zip").read_bytes() == first


@pytest.mark.promise("Inputs")
def test_a_csv_zipped_by_kaggle_is_known(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """A single CSV that arrives as `labels.csv.zip` is accepted."""
    folder = downloads(tmp_path / "downloads")
    (folder / "labels.zip").rename(folder / "labels.csv.zip")
    fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert contents(data / "stars" / "labels.zip") == LABELS


def test_links_in_place_of_copies(
    stranger: Stranger, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `link`, an archive is checked and linked; removing the link leaves the person's file."""
    folder = downloads(tmp_path / "downloads")
    fetch(FetchRequest(stranger(GALAXIES), data, folder=folder, link=True))
    assert (data / "stars" / "images.zip").readlink() == folder / "images.zip"
    assert capsys.readouterr().err.count(", checked, linked") == 2
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.holds(data / "stars", "images.zip")


def test_taking_twice_takes_once(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """The same folder a second time changes nothing; another file of that name replaces the first."""
    folder = downloads(tmp_path / "downloads")
    request = FetchRequest(stranger(GALAXIES), data, folder=folder)
    fetch(request)
    before = (data / "stars" / "images.zip").stat().st_ino
    outcome = fetch(request)
    assert outcome.fetched == ()
    assert outcome.present == ("images.zip", "labels.zip")
    assert (data / "stars" / "images.zip").stat().st_ino == before
    write_zip(folder / "images.zip", {"images/9.jpg": b"9"})
    assert fetch(request).fetched == ("images.zip",)
    assert contents(data / "stars" / "images.zip") == {"images/9.jpg": b"9"}


def test_what_is_there_without_a_receipt_is_checked_and_kept(
    stranger: Stranger, tmp_path: Path, data: Path
) -> None:
    """Files that were put into the data folder by hand are checked and recorded, not fetched."""
    data.mkdir()
    downloads(data / "stars")
    outcome = fetch(FetchRequest(stranger(GALAXIES), data))
    assert outcome.fetched == ()
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.files["images.zip"].source == "found in the data folder"


def test_a_missing_archive_is_named_with_its_forms(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """What is not in the folder is named, with the forms in which it is looked for; nothing is taken."""
    folder = downloads(tmp_path / "downloads")
    (folder / "labels.zip").unlink()
    with pytest.raises(
        FetchError, match=r"does not contain labels \(labels.zip or labels.csv or star-chall"
    ) as raised:
        fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert "https://stars.example/data" in raised.value.hint
    assert on_disk(data / "stars") == []


def test_what_is_optional_may_be_missing(
    stranger: Stranger, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an optional file, the others are imported, with a note; without a required one, none is."""
    optional = GALAXIES.replace('folder="labels.csv"', 'folder="labels.csv", optional="Make labels."')
    folder = downloads(tmp_path / "downloads")
    (folder / "labels.zip").unlink()
    request = FetchRequest(stranger(optional), data, folder=folder)
    assert plan(request)[1] == PlannedFile("labels.zip", None, "missing. Make labels.")
    outcome = fetch(request)
    assert (outcome.fetched, outcome.present) == (("images.zip",), ())
    message = capsys.readouterr().err
    assert "does not contain labels (labels.zip or labels.csv or star-challenge.zip). Make labels." in message
    (folder / "images.zip").unlink()
    with pytest.raises(FetchError, match=r"does not contain images .*; labels "):
        fetch(replace(request, data_dir=tmp_path / "elsewhere"))


def test_a_plan_finds_the_same_fault(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """A dry run over a folder that lacks a file fails with the sentence of the fetch, and writes nothing."""
    folder = downloads(tmp_path / "downloads")
    request = FetchRequest(stranger(GALAXIES), data, folder=folder)
    assert [line.action for line in plan(request)] == [f"copy {folder / name}" for name in WHOLE[:2]]
    (folder / "labels.zip").unlink()
    with pytest.raises(FetchError) as planned:
        plan(request)
    assert not data.exists()
    with pytest.raises(FetchError) as fetched:
        fetch(request)
    assert str(planned.value) == str(fetched.value)


def test_a_plan_counts_on_what_is_there(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """A dry run does not miss in the folder what was fetched before."""
    folder = downloads(tmp_path / "downloads")
    request = FetchRequest(stranger(GALAXIES), data, folder=folder)
    fetch(request)
    size = (folder / "labels.zip").stat().st_size
    (folder / "labels.zip").unlink()
    assert plan(request)[1] == PlannedFile("labels.zip", size, "already present")


def test_the_missing_half_may_come_later(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """A folder that lacks what was fetched before is enough."""
    folder = downloads(tmp_path / "downloads")
    request = FetchRequest(stranger(GALAXIES), data, folder=folder)
    fetch(request)
    (folder / "images.zip").unlink()
    write_zip(folder / "labels.zip", {"labels.csv": b"new"})
    assert fetch(request).fetched == ("labels.zip",)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda whole: whole[: len(whole) // 2], "a truncated zip archive"),
        (lambda _: b"<!DOCTYPE html><title>Sign in</title>", "is a web page, not a zip archive"),
        (lambda _: b"GalaxyID,Class1.1", "is not a zip archive"),
        (lambda _: b"", "is empty"),
        (lambda whole: whole.replace(b"\x03" * 50, b"\x04" * 50), "images/3.jpg cannot be read"),
    ],
)
def test_damaged_archives_never_get_the_final_name(
    stranger: Stranger, tmp_path: Path, data: Path, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    """A damaged archive or a web page is named and never gets a file's final name."""
    folder = downloads(tmp_path / "downloads")
    write_zip(folder / "images.zip", IMAGES, zipfile.ZIP_STORED)
    (folder / "images.zip").write_bytes(spoil((folder / "images.zip").read_bytes()))
    with pytest.raises(DataError, match=f"images.zip.*{reason}"):
        fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert on_disk(data / "stars") == []


@pytest.mark.promise("Fetching")
def test_a_damaged_replacement_does_not_cost_the_good_file(
    stranger: Stranger, tmp_path: Path, data: Path
) -> None:
    """If a replacement is damaged, the file that was there stays, with its receipt."""
    folder = downloads(tmp_path / "downloads")
    request = FetchRequest(stranger(GALAXIES), data, folder=folder)
    fetch(request)
    (folder / "images.zip").write_bytes(b"PK\x03\x04 half")
    with pytest.raises(DataError):
        fetch(request)
    assert contents(data / "stars" / "images.zip") == IMAGES
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.holds(data / "stars", "images.zip")


def test_a_full_disk_leaves_nothing(
    stranger: Stranger, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is reported before the first byte is copied."""
    folder = downloads(tmp_path / "downloads")
    monkeypatch.setattr("galaxynet.fetching.errors._SPARE_BYTES", 1 << 60)
    with pytest.raises(FetchError, match=r"of free space and has") as raised:
        fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert "--data-dir" in raised.value.hint
    assert on_disk(data / "stars") == []


def test_wrong_words_are_usage_errors(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """An unknown folder or group is a usage error; it names the groups that exist."""
    plugin = stranger(GALAXIES)
    with pytest.raises(UsageError, match="There is no folder"):
        fetch(FetchRequest(plugin, data, folder=tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="no group of files called 'mre'") as raised:
        fetch(FetchRequest(plugin, data, groups=("mre",)))
    assert "more" in raised.value.hint
