"""Downloads over https: tolerated faults, checks, and messages."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KaggleServer
from made import QUICK, challenge, mirrored, on_disk, whole

from galaxynet.errors import DataError, PluginError
from galaxynet.fetching import errors, receipts
from galaxynet.fetching.errors import DiskError, FetchError
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.request import FetchRequest, FetchResult
from galaxynet.fetching.retry import retry_after

Stranger = Callable[..., Any]
IMAGES = challenge()["images.zip"]


def test_a_strangers_declaration_is_enough(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path
) -> None:
    """A plugin that only declares mirrors gets its files, checked, entered with hash and origin."""
    assert get().fetched == ("images.zip", "labels.zip")
    assert whole(data)
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.files["images.zip"].sha256 == hashlib.sha256(IMAGES).hexdigest()
    assert receipt.files["images.zip"].source == f"{server.mirror()}/images.zip"


@pytest.mark.promise("Fetching")
def test_a_second_fetch_makes_no_request(get: Callable[..., FetchResult], server: KaggleServer) -> None:
    """A dataset that is present is not requested again."""
    get()
    server.requests.clear()
    assert get().present == ("images.zip", "labels.zip")
    assert server.requests == []


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    "fault", ["cut", "nothing", "silent", "500", "503", "429 0", "408", "wrong range", "whole"]
)
def test_a_failure_in_passing_is_got_over(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, fault: str
) -> None:
    """A broken connection, a silent server and a busy one are retried, and the download ends complete."""
    server.fail("storage", "cut", fault)
    get()
    assert whole(data)


def test_pauses_grow_and_start_anew_with_new_bytes(
    get: Callable[..., FetchResult], server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure doubles the pause; a byte that was not there before makes it the first again."""
    pauses: list[float] = []
    monkeypatch.setattr("galaxynet.fetching.retry.time.sleep", pauses.append)
    server.fail("storage", "503", "503", "cut 500000", "503", "cut 500000", "cut 600000", "503")
    get()
    assert pauses == [0.01, 0.02, 0.01, 0.02, 0.04, 0.01, 0.02]


@pytest.mark.promise("Fetching")
def test_retry_after_is_honoured(
    get: Callable[..., FetchResult], server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server's Retry-After is honoured; one that asks for an hour is reported instead."""
    pauses: list[float] = []
    monkeypatch.setattr("galaxynet.fetching.retry.time.sleep", pauses.append)
    server.fail("storage", "429 1.5", "503 0")
    get()
    assert pauses == [1.5, 0]
    server.fail("storage", "429 3600")
    with pytest.raises(FetchError, match="a pause of 3600 s"):
        get(force=True)


def test_retry_after_may_be_a_date() -> None:
    """Both forms of Retry-After are understood, and nonsense is not."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    assert retry_after(date) == pytest.approx(100, abs=3)
    assert retry_after("7") == 7
    assert retry_after("-7") == 0
    assert retry_after("soon") is None
    assert retry_after(None) is None


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("md5", [True, False])
def test_wrong_bytes_of_the_right_size_are_fetched_again(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, md5: bool
) -> None:
    """Damage in transit is found by the MD5 or the archive's own checksums, and downloaded again."""
    server.hashes = False
    server.fail("storage", "corrupt")
    get(md5=md5)
    assert whole(data)
    assert len(server.headers_of("images.zip")) == 2


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(("md5", "reason"), [(True, "its MD5 is"), (False, r"images/5\.jpg cannot be read")])
def test_wrong_bytes_twice_are_an_error(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, md5: bool, reason: str
) -> None:
    """If the damage stays it is an error, and neither the file nor a part of it is left."""
    server.hashes = False
    server.fail("storage", "corrupt", always=True)
    with pytest.raises(DataError, match=f"{reason}.*fetched twice"):
        get(md5=md5)
    assert on_disk(data / "stars") == []


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("fault", ["html", "page"])
def test_a_web_page_is_no_archive(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, fault: str
) -> None:
    """A login page in place of a file is recognised by its first bytes and not kept."""
    server.fail("storage", fault, always=True)
    with pytest.raises(FetchError, match=r"sent a web page in place of images\.zip"):
        get()
    assert on_disk(data / "stars") == []
    assert len(server.requests) == 1


def test_a_chunked_answer_without_a_length_is_taken(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path
) -> None:
    """A server that does not say how much is to come is read to its end."""
    server.fail("storage", "chunked")
    get()
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_the_next_mirror_is_asked(
    stranger: Stranger, server: KaggleServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mirror that is down or lacks the file is passed over for the next one."""
    dead = "http://127.0.0.1:9"
    plugin = stranger(mirrored(dead, f"{server.mirror()}/empty", server.mirror()))
    server.files["empty"] = b""
    fetch(FetchRequest(plugin, data, policy=QUICK))
    assert whole(data)
    assert "127.0.0.1 refuses the connection" in capsys.readouterr().err


@pytest.mark.promise("Fetching")
def test_no_room_is_said_before_the_first_byte(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a file does not fit on the disk, nothing is written."""
    monkeypatch.setattr(errors, "_SPARE_BYTES", 1 << 60)
    with pytest.raises(DiskError, match="of free space"):
        get()
    assert on_disk(data / "stars") == []
    assert len(server.requests) == 1


def test_a_publishers_size_is_compared(stranger: Stranger, server: KaggleServer, data: Path) -> None:
    """A file of another size than the publisher states is refused before it is downloaded."""
    plugin = stranger(mirrored(server.mirror()).replace('summary="images"', 'summary="images", size=12'))
    with pytest.raises(FetchError, match="it should have 12"):
        fetch(FetchRequest(plugin, data, policy=QUICK))


@pytest.mark.promise("Fetching")
def test_two_fetches_at_once_do_it_once(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path
) -> None:
    """A second fetch of the same dataset waits for the first, and then downloads nothing."""
    server.fail("storage", "slow")
    get_again: list[FetchResult] = []
    first = threading.Thread(target=get)
    first.start()
    assert server.arrived.wait(5)
    second = threading.Thread(target=lambda: get_again.append(get()))
    second.start()
    first.join()
    second.join()
    assert get_again[0].fetched == ()
    assert len(server.headers_of("images.zip")) == 1
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert {file.source.rpartition("/")[0] for file in receipt.files.values()} == {server.mirror()}
    assert whole(data)


@pytest.mark.parametrize(
    ("mirrors", "reason"),
    [
        ((), "has no URL for"),
        (("file:///etc",), "invalid URL for images.zip"),
        (("https://[stars",), "invalid URL for images.zip"),
        (("https://stars.example:port",), "invalid URL for images.zip"),
    ],
)
def test_an_address_that_is_none_is_the_plugins_fault(
    stranger: Stranger, data: Path, mirrors: tuple[str, ...], reason: str
) -> None:
    """A plugin that declares no address, or a local file as one, is named as faulty."""
    with pytest.raises(PluginError, match=reason):
        fetch(FetchRequest(stranger(mirrored(*mirrors)), data))


@pytest.mark.parametrize("content", [b"not the publisher's", IMAGES[:-50]])
def test_a_wrong_file_in_the_folder_is_replaced(
    get: Callable[..., FetchResult], data: Path, content: bytes
) -> None:
    """A wrong file in the data folder, without a receipt, is replaced by a download."""
    (data / "stars").mkdir(parents=True)
    (data / "stars" / "images.zip").write_bytes(content)
    assert get(md5=True).fetched == ("images.zip", "labels.zip")
    assert whole(data)
