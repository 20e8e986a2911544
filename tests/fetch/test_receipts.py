"""Receipts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import GALAXIES, downloads, write_zip

from galaxynet.errors import DataError
from galaxynet.fetching import receipts
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.receipts import DamagedReceiptError, FileReceipt, Receipt
from galaxynet.fetching.request import FetchRequest

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENTRY = FileReceipt(name="a.zip", size=3, sha256="0" * 64, source="from /tmp", fetched=NOW)


def test_a_receipt_is_read_as_it_was_written(tmp_path: Path) -> None:
    """What a receipt says survives the disk, the options of a simulator and the time included."""
    receipt = Receipt(
        dataset="stars", distribution="d", version="1", options={"count": 3}, files={"a.zip": ENTRY}
    )
    receipt.save(tmp_path)
    assert receipts.load(tmp_path) == receipt
    assert json.loads((tmp_path / "receipt.json").read_text())["schema"] == 1


def test_no_receipt_is_none(tmp_path: Path) -> None:
    """A folder without a receipt, or that is not there, has none; that is no error."""
    assert receipts.load(tmp_path) is None
    assert receipts.load(tmp_path / "absent") is None


@given(st.text(max_size=60) | st.sampled_from(["{}", "[]", "null", '{"dataset": 3}']))
def test_a_damaged_receipt_is_named(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """For any damage to a receipt, the error names the file and the command that repairs it."""
    folder = tmp_path_factory.mktemp("stars")
    (folder / "receipt.json").write_text(text, encoding="utf-8")
    with pytest.raises(DamagedReceiptError, match=r"receipt\.json is damaged") as raised:
        receipts.load(folder)
    assert "galaxynet fetch stars" in raised.value.hint


def test_a_receipt_of_a_newer_version_is_not_read(tmp_path: Path) -> None:
    """A receipt in a format of the future is left alone, and the way out is an upgrade."""
    text = Receipt(dataset="stars").model_dump_json(by_alias=True).replace('"schema":1', '"schema":2')
    (tmp_path / "receipt.json").write_text(text)
    with pytest.raises(DataError, match="newer galaxynet") as raised:
        receipts.load(tmp_path)
    assert "upgrade" in raised.value.hint.lower()
    assert not isinstance(raised.value, DamagedReceiptError)


def test_a_file_is_held_with_its_size_only(tmp_path: Path) -> None:
    """A file that is absent, not entered, or of another size is not held."""
    receipt = Receipt(dataset="stars", files={"a.zip": ENTRY})
    assert not receipt.holds(tmp_path, "a.zip")
    (tmp_path / "a.zip").write_bytes(b"four")
    assert not receipt.holds(tmp_path, "a.zip")
    (tmp_path / "a.zip").write_bytes(b"two")
    assert receipt.holds(tmp_path, "a.zip")
    assert not Receipt(dataset="stars").holds(tmp_path, "a.zip")


@pytest.mark.promise("Fetching")
def test_a_file_that_is_replaced_is_not_in_the_receipt_meanwhile(
    stranger: Callable[..., Any], tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt while files are replaced leaves no receipt that describes the old ones."""
    folder = downloads(tmp_path / "downloads")
    request = FetchRequest(stranger(GALAXIES), data, folder=folder)
    fetch(request)
    write_zip(folder / "images.zip", {"images/9.jpg": b"9"})

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("galaxynet.atomic.publish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(request)
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert list(receipt.files) == ["labels.zip"]
