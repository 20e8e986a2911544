"""`fetch --from FOLDER` where browsers and other programs have changed what was downloaded."""

from __future__ import annotations

import errno
import gzip
import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KaggleServer
from made import GALAXIES, IMAGES, LABELS, QUICK, contents, downloads, on_disk, write_zip

from galaxynet import registry
from galaxynet.data.idx_images import describe
from galaxynet.errors import DataError
from galaxynet.fetching.errors import DiskError, FetchError, disk_errors
from galaxynet.fetching.fetch import fetch, plan
from galaxynet.fetching.inventory import inventory
from galaxynet.fetching.local_files import is_copy
from galaxynet.fetching.request import FetchRequest
from galaxynet_galaxy_zoo import TRAINING_IMAGES
from galaxynet_galaxy_zoo.files import need

Stranger = Callable[..., Any]


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    "names",
    [
        ("images (1).zip", "labels (2).zip"),
        ("images(1).zip", "labels 2.zip"),
        ("IMAGES.ZIP", "labels.ZIP"),
        ("images (1).ZIP", "Labels.csv (1).zip"),
    ],
)
def test_what_a_browser_renamed_is_found(
    stranger: Stranger, tmp_path: Path, data: Path, names: tuple[str, str]
) -> None:
    """A second download, `images (1).zip`, and a name in capitals are found and get the right name."""
    folder = downloads(tmp_path / "downloads")
    for old, new in zip(("images.zip", "labels.zip"), names, strict=True):
        (folder / old).rename(folder / new)
    request = FetchRequest(stranger(GALAXIES), data, folder=folder)
    assert [line.action for line in plan(request)] == [f"copy {folder / name}" for name in names]
    fetch(request)
    assert contents(data / "stars" / "images.zip") == IMAGES
    assert contents(data / "stars" / "labels.zip") == LABELS
    assert fetch(request).fetched == ()


@pytest.mark.parametrize("named", [False, True])
def test_a_renamed_bundle_is_found(stranger: Stranger, tmp_path: Path, data: Path, named: bool) -> None:
    """The bundle of a second download serves, in a folder or named itself."""
    single = downloads(tmp_path / "single")
    folder = tmp_path / "downloads"
    folder.mkdir()
    bundle = write_zip(
        folder / "star-challenge (1).ZIP", {path.name: path.read_bytes() for path in single.iterdir()}
    )
    fetch(FetchRequest(stranger(GALAXIES), data, folder=bundle if named else folder))
    assert contents(data / "stars" / "images.zip") == IMAGES


def test_the_expected_name_and_the_newest_copy_come_first(
    stranger: Stranger, tmp_path: Path, data: Path
) -> None:
    """The file of the expected name is preferred; without it, the copy that was downloaded last."""
    folder = downloads(tmp_path / "downloads")
    for number in (1, 2):
        copy = write_zip(folder / f"images ({number}).zip", {f"images/{number}.jpg": b"copy"})
        os.utime(copy, (1000 * number, 1000 * number))
    request = FetchRequest(stranger(GALAXIES), data, folder=folder)
    fetch(request)
    assert contents(data / "stars" / "images.zip") == IMAGES
    (folder / "images.zip").unlink()
    fetch(request)
    assert contents(data / "stars" / "images.zip") == {"images/2.jpg": b"copy"}


@pytest.mark.parametrize(
    "name", ["images-old.zip", "images (1) (2).zip", "images.zip.part", "myimages.zip", "images (a).zip"]
)
def test_other_names_are_no_copies(name: str) -> None:
    """A name that only begins alike is not taken for a copy."""
    assert not is_copy(name, "images.zip")


def test_a_renamed_file_gets_the_checks_of_the_published_one(
    stranger: Stranger, tmp_path: Path, data: Path
) -> None:
    """What a browser renamed is still compared with the publisher's size."""
    folder = downloads(tmp_path / "downloads")
    (folder / "images.zip").rename(folder / "images (1).zip")
    plugin = stranger(GALAXIES.replace('summary="images"', 'summary="images", size=12'))
    with pytest.raises(DataError, match=r"images \(1\)\.zip has .* bytes; the publisher's has 12"):
        fetch(FetchRequest(plugin, data, folder=folder))


@pytest.mark.promise("Fetching")
def test_digits_that_safari_unpacked_are_taken(tmp_path: Path, data: Path) -> None:
    """MNIST files that Safari has unpacked, and left their names with .gz, are taken from a folder."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for part, count in (("train", 20), ("t10k", 10)):
        images = struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28) + bytes(count * 784)
        labels = struct.pack(">4B1I", 0, 0, 8, 1, count) + bytes(range(10)) * (count // 10)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(labels)
    outcome = fetch(FetchRequest(registry.find("dataset", "mnist"), data, folder=folder))
    assert outcome.lines == ("20 training images and 10 test images of 28 x 28 pixels",)
    assert gzip.decompress((data / "mnist" / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:] == bytes(
        range(10)
    )


METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 98: "method 98"}


def packed_with(method: int, encrypted: bool = False) -> bytes:
    """A zip whose member is said to be packed by some method."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/0.jpg", bytes(1000))
    content = bytearray(buffer.getvalue())
    for index in (8, content.index(b"PK\x01\x02") + 10):
        content[index : index + 2] = struct.pack("<H", method)
        content[index - 2] |= encrypted
    return bytes(content)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("method", METHODS)
def test_a_method_of_packing_is_not_the_publishers_fault(
    stranger: Stranger, tmp_path: Path, data: Path, method: int
) -> None:
    """A zip packed with Deflate64, or another method that is not read, says how to unpack it."""
    folder = downloads(tmp_path / "downloads")
    (folder / "images.zip").write_bytes(packed_with(method))
    with pytest.raises(DataError) as raised:
        fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert raised.value.message == (
        f"{folder / 'images.zip'} cannot be read: its member 'images/0.jpg' is packed with "
        f"{METHODS[method]}, and only Deflate is read."
    )
    assert "publisher" not in str(raised.value)
    assert "--from FOLDER" in raised.value.hint
    assert on_disk(data / "stars") == []


def test_an_encrypted_zip_is_not_the_publishers_fault(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """A zip with a password says how to unpack it."""
    folder = downloads(tmp_path / "downloads")
    (folder / "images.zip").write_bytes(packed_with(8, encrypted=True))
    with pytest.raises(DataError, match="is encrypted") as raised:
        fetch(FetchRequest(stranger(GALAXIES), data, folder=folder))
    assert "publisher" not in str(raised.value)


def test_a_download_in_a_foreign_method_is_fetched_once(
    stranger: Stranger, kaggle: KaggleServer, data: Path
) -> None:
    """An archive that arrived whole and cannot be read is not fetched again, and does not stay."""
    kaggle.files["images.zip"] = packed_with(9)
    with pytest.raises(DataError, match="Deflate64"):
        fetch(FetchRequest(stranger(GALAXIES), data, policy=QUICK))
    assert len(kaggle.headers_of("/storage/images.zip")) == 1
    assert on_disk(data / "stars") == []


def test_a_folder_that_cannot_be_read_is_not_the_data_folder(tmp_path: Path) -> None:
    """A file of the person's folder that may not be read is named, and no other data folder advised."""
    with (
        pytest.raises(FetchError, match=r"/elsewhere/images\.zip cannot be read") as raised,
        disk_errors(tmp_path / "x"),
    ):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/images.zip")
    assert not isinstance(raised.value, DiskError)
    assert "--data-dir" not in str(raised.value)


@pytest.mark.promise("Fetching")
def test_a_link_whose_file_is_gone_says_so(
    stranger: Stranger, kaggle: KaggleServer, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that was taken with --link and moved away is said to be a link to where it was."""
    folder = downloads(tmp_path / "downloads")
    request = FetchRequest(stranger(GALAXIES), data, folder=folder, link=True)
    fetch(request)
    moved = folder.rename(tmp_path / "elsewhere")
    link = data / "stars" / "images.zip"
    reason = f"is a link to {folder / 'images.zip'}, which is not there"
    (item,) = (item for item in inventory(data) if item.name == "stars")
    assert item.problems[0] == f"images.zip {reason}"
    fetch(FetchRequest(request.plugin, data, policy=QUICK))
    assert f"{link} {reason}. Fetching it again." in capsys.readouterr().err
    assert not link.is_symlink()
    (moved / "images.zip").rename(tmp_path / "images.zip")
    (moved / "images.zip").symlink_to(tmp_path / "nowhere.zip")
    with pytest.raises(FetchError, match=r"images\.zip is a link to .*nowhere\.zip, which is not there"):
        fetch(FetchRequest(request.plugin, tmp_path / "other", folder=moved))


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("images_training_rev1.zip", lambda folder: need(folder, TRAINING_IMAGES)),
        ("train-images-idx3-ubyte.gz", describe),
    ],
)
def test_training_says_that_a_link_leads_nowhere(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    """Training on a dataset whose linked file was moved away says where the link leads."""
    (tmp_path / name).symlink_to("/nowhere/images")
    with pytest.raises(DataError, match=f"{name} is a link to /nowhere/images, which is not there") as raised:
        read(tmp_path)
    assert "galaxynet fetch" in raised.value.hint
