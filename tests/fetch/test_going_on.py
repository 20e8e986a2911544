"""Downloads that go on where they stopped, and never glue one file to another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from kaggle_server import KaggleServer
from made import challenge, contents, on_disk, whole

from galaxynet.fetching import download as downloads
from galaxynet.fetching import receipts
from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.request import FetchResult
from galaxynet.fetching.retry import RetryPolicy

IMAGES = challenge()["images.zip"]
PART = ["images.zip.part", "images.zip.part.json"]


@pytest.mark.promise("Fetching")
def test_it_goes_on_where_it_stopped(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path
) -> None:
    """A download that was cut resumes, guarded by the entity tag of what is there."""
    server.fail("storage", "cut 300000", "cut 700000")
    get()
    requests = server.headers_of("images.zip")
    tag = f'"{hashlib.md5(IMAGES).hexdigest()}"'
    assert [(headers.get("Range"), headers.get("If-Range")) for headers in requests] == [
        (None, None),
        ("bytes=300000-", tag),
        ("bytes=700000-", tag),
    ]
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_a_new_process_goes_on_too(get: Callable[..., FetchResult], server: KaggleServer, data: Path) -> None:
    """A download that was given up is resumed by the next call."""
    server.fail("storage", "cut 400000", always=True)
    with pytest.raises(FetchError, match=r"broke off the connection|sent 400.0 kB of"):
        get()
    assert on_disk(data / "stars") == PART
    server.storage = iter(())
    server.requests.clear()
    get()
    assert server.headers_of("images.zip")[0]["Range"] == "bytes=400000-"
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_a_file_that_changed_is_not_glued_to_the_old_one(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path
) -> None:
    """A file that the publisher replaced meanwhile is downloaded from its beginning."""
    server.fail("storage", "cut 400000", always=True)
    with pytest.raises(FetchError):
        get()
    server.files = challenge() | {"images.zip": challenge()["more.zip"]}
    server.storage = iter(())
    get()
    assert contents(data / "stars" / "images.zip") == {"more/1.jpg": b"more"}


@pytest.mark.promise("Fetching")
def test_another_part_than_asked_for_is_not_believed(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A partial answer (206) that begins at another byte is dropped at once."""
    server.fail("storage", "cut", "wrong range")
    get()
    message = capsys.readouterr().err
    assert "sent another range of images.zip" in message
    assert "damaged" not in message
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_an_answer_for_another_file_is_not_believed(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path
) -> None:
    """A partial answer (206) with another entity tag is dropped, and the file begun again."""
    server.fail("storage", "cut", "other file")
    get()
    assert server.headers_of("images.zip")[2].get("Range") is None
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_without_an_entity_tag_nothing_is_glued(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path
) -> None:
    """Without an entity tag or a hash of the file, nothing is resumed."""
    server.etags = server.hashes = False
    server.fail("storage", "cut", always=True)
    with pytest.raises(FetchError):
        get(policy=RetryPolicy(read_timeout=0.4, retries=0, pause=0.01))
    server.storage = iter(())
    server.requests.clear()
    get()
    assert "Range" not in server.headers_of("images.zip")[0]
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_bytes_that_only_arrive_again_are_no_progress(
    get: Callable[..., FetchResult], server: KaggleServer
) -> None:
    """A server that always stops at the same byte is given up."""
    server.etags = server.hashes = False
    server.fail("storage", "cut 500000", always=True)
    with pytest.raises(FetchError, match="Gave up after 4 attempts"):
        get()
    assert len(server.headers_of("images.zip")) == 4


def test_an_interrupt_keeps_the_part(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C leaves what has arrived, and says that the same command goes on there."""
    body = downloads._body

    def interrupted(response: requests.Response, *rest: object) -> object:
        yield next(iter(body(response, *rest)))[:50_000]
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "_body", interrupted)
    with pytest.raises(KeyboardInterrupt):
        get()
    monkeypatch.setattr(downloads, "_body", body)
    assert on_disk(data / "stars") == PART
    get()
    assert server.headers_of("images.zip")[1]["Range"] == "bytes=50000-"
    assert whole(data)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    "state", ["", "{}", '{"source": 3}', '{"source": "elsewhere", "validator": "x"}', "[1]"]
)
def test_a_part_of_unknown_origin_is_not_used(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, state: str
) -> None:
    """A `.part` whose state is damaged or of another file is not used."""
    (data / "stars").mkdir(parents=True)
    (data / "stars" / "images.zip.part").write_bytes(b"x" * 5000)
    (data / "stars" / "images.zip.part.json").write_text(state)
    get()
    assert "Range" not in server.headers_of("images.zip")[0]
    assert whole(data)


def test_a_part_that_is_whole_is_not_asked_for(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path
) -> None:
    """A process killed between the last byte and the renaming costs no second download."""
    (data / "stars").mkdir(parents=True)
    (data / "stars" / "images.zip.part").write_bytes(IMAGES)
    state = {"source": f"{server.mirror()}/images.zip", "validator": '"x"', "size": len(IMAGES), "md5": ""}
    (data / "stars" / "images.zip.part.json").write_text(json.dumps(state))
    get()
    assert server.headers_of("images.zip") == []
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_a_continued_download_is_hashed_from_its_first_byte(
    get: Callable[..., FetchResult], server: KaggleServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A download that a later command completes is recorded with the hash of the whole file."""
    server.hashes = False
    server.fail("storage", "cut 400000", always=True)
    with pytest.raises(FetchError):
        get()
    server.storage = iter(())
    get()
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.files["images.zip"].sha256 == hashlib.sha256(IMAGES).hexdigest()
    assert receipt.files["images.zip"].size == len(IMAGES)
    assert "damaged" not in capsys.readouterr().err


@pytest.mark.promise("Fetching")
def test_a_continued_download_passes_the_publishers_hash_at_once(
    get: Callable[..., FetchResult], server: KaggleServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """A download that a later command completes fits the publisher's MD5 without being fetched again."""
    server.fail("storage", "cut 400000", always=True)
    with pytest.raises(FetchError):
        get(md5=True)
    server.storage = iter(())
    server.requests.clear()
    get(md5=True)
    assert len(server.headers_of("images.zip")) == 1
    assert "damaged" not in capsys.readouterr().err
