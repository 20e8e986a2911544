"""`fetch --from FOLDER` for files that are compressed or converted on the way."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made import on_disk, write_zip

from galaxynet.errors import DataError, GalaxynetError
from galaxynet.fetching import receipts
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.request import FetchRequest
from galaxynet.fetching.store import DatasetStore

Stranger = Callable[..., Any]
PACKED = gzip.compress(b"pixels", mtime=0)


MD5 = hashlib.md5(PACKED).hexdigest()


GZIPPED = """
SPEC = DatasetSpec(
    name="stars", summary="digits", options=Nothing, module="nowhere:Module",
    files=(
        DataFile(name="train-images.gz", md5="{md5}"),
        DataFile(name="book.txt", convert=f"{__name__}:shout"),
    ),
    sources=(
        KaggleDataset(slug="me/digits", members={"train-images.gz": ("train-images.idx/train-images.idx",)}),
    ),
)

def shout(source, target):
    target.write_text(source.read_text().upper())
"""


@pytest.mark.promise("Inputs")
@pytest.mark.parametrize("form", ["gz", "raw", "folder", "bundle"])
def test_gzip_files_come_in_every_form(stranger: Stranger, tmp_path: Path, data: Path, form: str) -> None:
    """A `.gz` file is accepted as it is, unpacked, or within a Kaggle zip."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "book.txt").write_text("call me")
    if form == "gz":
        (folder / "train-images.gz").write_bytes(PACKED)
    elif form == "raw":
        (folder / "train-images").write_bytes(b"pixels")
    elif form == "folder":
        (folder / "train-images.idx").mkdir()
        (folder / "train-images.idx/train-images.idx").write_bytes(b"pixels")
    else:
        write_zip(folder / "digits.zip", {"train-images.idx/train-images.idx": b"pixels"})
    fetch(FetchRequest(stranger(GZIPPED.replace("{md5}", MD5)), data, folder=folder))
    assert gzip.decompress((data / "stars" / "train-images.gz").read_bytes()) == b"pixels"


def test_a_file_is_converted_when_the_dataset_says_so(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """The dataset's own function makes the kept file of the one that came; the receipt is of the kept one."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "book.txt").write_text("call me")
    (folder / "train-images.gz").write_bytes(PACKED)
    fetch(FetchRequest(stranger(GZIPPED.replace("{md5}", MD5)), data, folder=folder))
    assert (data / "stars" / "book.txt").read_text() == "CALL ME"
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.files["book.txt"].sha256 == hashlib.sha256(b"CALL ME").hexdigest()
    assert on_disk(data / "stars") == ["book.txt", "receipt.json", "train-images.gz"]


def test_what_is_there_already_is_compared_and_not_converted_again(stranger: Stranger, data: Path) -> None:
    """A file in the data folder is kept as it is if it is converted, or if its MD5 is the publisher's."""
    (data / "stars").mkdir(parents=True)
    (data / "stars" / "book.txt").write_text("Call me, converted")
    (data / "stars" / "train-images.gz").write_bytes(gzip.compress(b"other pixels", mtime=0))
    plugin = stranger(GZIPPED.replace("{md5}", MD5))
    store = DatasetStore(plugin, data)
    images, book = store.spec.files
    assert (store.adopt(images), store.adopt(book)) == (False, True)
    (data / "stars" / "train-images.gz").write_bytes(PACKED)
    assert fetch(FetchRequest(plugin, data)).fetched == ()
    assert (data / "stars" / "book.txt").read_text() == "Call me, converted"
    assert on_disk(data / "stars") == ["book.txt", "receipt.json", "train-images.gz"]


def test_a_damaged_gzip_file_is_refused(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """A truncated gzip file, and one that is not a gzip file, are refused by name."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "book.txt").write_text("call me")
    plugin = stranger(GZIPPED.replace("{md5}", MD5))
    for content, reason in (
        (gzip.compress(b"pixels" * 99, mtime=0)[:-9], "truncated gzip"),
        (b"pixels", "not a gzip"),
    ):
        (folder / "train-images.gz").write_bytes(content)
        with pytest.raises(GalaxynetError, match=reason):
            fetch(FetchRequest(plugin, data, folder=folder))


@pytest.mark.promise("Fetching")
def test_the_publishers_md5_is_compared(stranger: Stranger, tmp_path: Path, data: Path) -> None:
    """An intact file that is not the publisher's is refused where its MD5 is known."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "book.txt").write_text("call me")
    (folder / "train-images.gz").write_bytes(gzip.compress(b"other pixels", mtime=0))
    with pytest.raises(DataError, match=r"train-images\.gz is damaged: its MD5 is"):
        fetch(FetchRequest(stranger(GZIPPED.replace("{md5}", MD5)), data, folder=folder))
    assert on_disk(data / "stars") == []
