"""What Kaggle sends packed: tables of a competition, and the one zip of a dataset."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KaggleServer
from made import GALAXIES, LABELS, QUICK, on_disk, zip_bytes

from galaxynet.errors import DataError
from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.request import FetchRequest

pytestmark = pytest.mark.usefixtures("nothing_secret")

Stranger = Callable[..., Any]
TABLE = GALAXIES.replace(
    'DataFile(name="labels.zip", summary="labels", folder="labels.csv")', 'DataFile(name="labels.csv")'
)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_table_may_arrive_zipped(
    stranger: Stranger, kaggle: KaggleServer, data: Path, zipped: bool
) -> None:
    """A CSV that Kaggle packs into a zip on the way is unpacked; one that it does not, is not."""
    kaggle.files["labels.csv"] = LABELS["labels.csv"]
    if zipped:
        kaggle.sent["labels.csv"] = zip_bytes(LABELS)
    fetch(FetchRequest(stranger(TABLE), data, policy=QUICK))
    assert (data / "stars" / "labels.csv").read_bytes() == LABELS["labels.csv"]
    assert on_disk(data / "stars") == ["images.zip", "labels.csv", "receipt.json"]


def test_a_table_of_another_size_is_damaged(stranger: Stranger, kaggle: KaggleServer, data: Path) -> None:
    """A table that is shorter than Kaggle lists it is not kept."""
    kaggle.files["labels.csv"] = LABELS["labels.csv"]
    kaggle.sent["labels.csv"] = b"id,label\n"
    with pytest.raises(DataError, match="Kaggle lists 27"):
        fetch(FetchRequest(stranger(TABLE), data, policy=QUICK))
    assert on_disk(data / "stars") == ["images.zip", "receipt.json"]


DIGITS = """
SPEC = DatasetSpec(
    name="stars", summary="digits", options=Nothing, module="nowhere:Module",
    files=(DataFile(name="train.gz", md5="0" * 32), DataFile(name="test.csv")),
    sources=(
        Https(mirrors=("http://127.0.0.1:9",)),
        KaggleDataset(slug="ann/digits", members={"train.gz": ("train.idx/train.idx", "train.idx")}),
    ),
)
"""


def test_a_kaggle_dataset_is_taken_apart(stranger: Stranger, kaggle: KaggleServer, data: Path) -> None:
    """The one zip of a Kaggle dataset gives the files, compressed where the dataset wants them so."""
    kaggle.files["digits.zip"] = zip_bytes({"a/test.csv": b"1,2", "train.idx/train.idx": b"pixels", "x": b""})
    kaggle.fail("storage", "cut", "corrupt")
    fetch(FetchRequest(stranger(DIGITS), data, source="kaggle", policy=QUICK))
    assert gzip.decompress((data / "stars" / "train.gz").read_bytes()) == b"pixels"
    assert (data / "stars" / "test.csv").read_bytes() == b"1,2"
    assert on_disk(data / "stars") == ["receipt.json", "test.csv", "train.gz"]


def test_a_kaggle_dataset_that_lacks_a_file(stranger: Stranger, kaggle: KaggleServer, data: Path) -> None:
    """If the zip does not hold a file it is named after one download, and the zip is not left behind."""
    kaggle.files["digits.zip"] = zip_bytes({"train.idx": b"pixels"})
    with pytest.raises(FetchError, match=r"does not contain test\.csv"):
        fetch(FetchRequest(stranger(DIGITS), data, source="kaggle", policy=QUICK))
    assert on_disk(data / "stars") == ["receipt.json", "train.gz"]
    assert len(kaggle.headers_of("DownloadDataset")) == 1
