"""Downloads over https: what the loop believes, and where it goes on."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from kaggle_server import KaggleServer
from made import challenge, contents, on_disk

from galaxynet.errors import DataError, PluginError
from galaxynet.fetch import download as downloads
from galaxynet.fetch import faults, receipts
from galaxynet.fetch.faults import DiskError, FetchError
from galaxynet.fetch.fetching import Outcome, Wish, fetch
from galaxynet.fetch.patience import Patience, retry_after

Stranger = Callable[..., object]
QUICK = Patience(silence=0.4, retries=3, pause=0.01, longest=2)
FILES = challenge()
IMAGES = FILES["images.zip"]
WHOLE = ["images.zip", "labels.zip", "receipt.json"]
PART = ["images.zip.part", "images.zip.part.json"]


def spec(*mirrors: str, md5: bool = False) -> str:
    digest = hashlib.md5(IMAGES).hexdigest()
    return f"""
SPEC = DatasetSpec(
    name="stars", summary="stars of a stranger", options=Nothing, module="nowhere:Module",
    files=(
        DataFile(name="images.zip", summary="images", md5={digest if md5 else None!r}),
        DataFile(name="labels.zip", summary="labels"),
    ),
    sources=(Https(mirrors={mirrors!r}),),
)
"""


@pytest.fixture
def get(stranger: Stranger, server: KaggleServer, data: Path) -> Callable[..., Outcome]:
    """Fetch the stranger's dataset from the server."""
    made: dict[bool, object] = {}

    def run(md5: bool = False, patience: Patience = QUICK, force: bool = False) -> Outcome:
        if md5 not in made:
            made[md5] = stranger(spec(server.mirror(), md5=md5))
        return fetch(Wish(made[md5], data, patience=patience, force=force))

    return run


def whole(data: Path) -> bool:
    """Whether both files are there, right to the last byte, and nothing else."""
    folder = data / "stars"
    return on_disk(folder) == WHOLE and (folder / "images.zip").read_bytes() == IMAGES


def test_a_strangers_declaration_is_enough(
    get: Callable[..., Outcome], server: KaggleServer, data: Path
) -> None:
    """A plugin that only declares mirrors gets its files, checked, entered with hash and origin."""
    assert get().fetched == ("images.zip", "labels.zip")
    assert whole(data)
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.files["images.zip"].sha256 == hashlib.sha256(IMAGES).hexdigest()
    assert receipt.files["images.zip"].source == f"{server.mirror()}/images.zip"


def test_a_second_fetch_makes_no_request(get: Callable[..., Outcome], server: KaggleServer) -> None:
    """What is there is not asked for again."""
    get()
    server.requests.clear()
    assert get().present == ("images.zip", "labels.zip")
    assert server.requests == []


@pytest.mark.parametrize(
    "fault", ["cut", "nothing", "silent", "500", "503", "429 0", "408", "wrong range", "whole"]
)
def test_a_failure_in_passing_is_got_over(
    get: Callable[..., Outcome], server: KaggleServer, data: Path, fault: str
) -> None:
    """A connection that breaks, a silent server, a busy one: the download goes on and ends whole."""
    server.fail("storage", "cut", fault)
    get()
    assert whole(data)


def test_it_goes_on_where_it_stopped(get: Callable[..., Outcome], server: KaggleServer, data: Path) -> None:
    """After a cut only the rest is asked for, guarded by the entity tag of what is there."""
    server.fail("storage", "cut 300000", "cut 700000")
    get()
    asked = server.asked("images.zip")
    tag = f'"{hashlib.md5(IMAGES).hexdigest()}"'
    assert [(headers.get("Range"), headers.get("If-Range")) for headers in asked] == [
        (None, None),
        ("bytes=300000-", tag),
        ("bytes=700000-", tag),
    ]
    assert whole(data)


def test_a_new_process_goes_on_too(get: Callable[..., Outcome], server: KaggleServer, data: Path) -> None:
    """A download that was given up leaves its part, and the next call asks for the rest only."""
    server.fail("storage", "cut 400000", always=True)
    with pytest.raises(FetchError, match=r"broke off the connection|sent 400.0 kB of"):
        get()
    assert on_disk(data / "stars") == PART
    server.storage = iter(())
    server.requests.clear()
    get()
    assert server.asked("images.zip")[0]["Range"] == "bytes=400000-"
    assert whole(data)


def test_a_file_that_changed_is_not_glued_to_the_old_one(
    get: Callable[..., Outcome], server: KaggleServer, data: Path
) -> None:
    """If the publisher replaced the file meanwhile, it is fetched from its beginning."""
    server.fail("storage", "cut 400000", always=True)
    with pytest.raises(FetchError):
        get()
    server.files = challenge() | {"images.zip": challenge()["more.zip"]}
    server.storage = iter(())
    get()
    assert contents(data / "stars" / "images.zip") == {"more/1.jpg": b"more"}


def test_another_part_than_asked_for_is_not_believed(
    get: Callable[..., Outcome], server: KaggleServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A 206 that does not begin where it should is dropped at once, not found out by a checksum later."""
    server.fail("storage", "cut", "wrong range")
    get()
    said = capsys.readouterr().err
    assert "sent another part of images.zip" in said
    assert "damaged" not in said
    assert whole(data)


def test_an_answer_for_another_file_is_not_believed(
    get: Callable[..., Outcome], server: KaggleServer, data: Path
) -> None:
    """A 206 with another entity tag than the part has is dropped, and the file begun anew."""
    server.fail("storage", "cut", "other file")
    get()
    assert server.asked("images.zip")[2].get("Range") is None
    assert whole(data)


def test_without_an_entity_tag_nothing_is_glued(
    get: Callable[..., Outcome], server: KaggleServer, data: Path
) -> None:
    """A server that names no version and no hash of its file is asked for all of it again."""
    server.etags = server.hashes = False
    server.fail("storage", "cut", always=True)
    with pytest.raises(FetchError):
        get(patience=Patience(silence=0.4, retries=0, pause=0.01))
    server.storage = iter(())
    server.requests.clear()
    get()
    assert "Range" not in server.asked("images.zip")[0]
    assert whole(data)


def test_pauses_grow_and_start_anew_with_new_bytes(
    get: Callable[..., Outcome], server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure doubles the pause; a byte that was not there before makes it the first again."""
    pauses: list[float] = []
    monkeypatch.setattr("galaxynet.fetch.patience.time.sleep", pauses.append)
    server.fail("storage", "503", "503", "cut 500000", "503", "cut 500000", "cut 600000", "503")
    get()
    assert pauses == [0.01, 0.02, 0.01, 0.02, 0.04, 0.01, 0.02]


def test_bytes_that_only_arrive_again_are_no_progress(
    get: Callable[..., Outcome], server: KaggleServer
) -> None:
    """A server that ignores Range and always stops at the same byte is given up."""
    server.etags = server.hashes = False
    server.fail("storage", "cut 500000", always=True)
    with pytest.raises(FetchError, match="4 times in a row"):
        get()
    assert len(server.asked("images.zip")) == 4


def test_retry_after_is_honoured(
    get: Callable[..., Outcome], server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that asks for a pause gets it; one that asks for an hour is told to the person."""
    pauses: list[float] = []
    monkeypatch.setattr("galaxynet.fetch.patience.time.sleep", pauses.append)
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


@pytest.mark.parametrize("md5", [True, False])
def test_wrong_bytes_of_the_right_size_are_fetched_again(
    get: Callable[..., Outcome], server: KaggleServer, data: Path, md5: bool
) -> None:
    """Damage on the way is found by the MD5, or without one by the archive's own sums, and mended."""
    server.hashes = False
    server.fail("storage", "corrupt")
    get(md5=md5)
    assert whole(data)
    assert len(server.asked("images.zip")) == 2


@pytest.mark.parametrize(("md5", "reason"), [(True, "its MD5 is"), (False, r"images/5\.jpg cannot be read")])
def test_wrong_bytes_twice_are_an_error(
    get: Callable[..., Outcome], server: KaggleServer, data: Path, md5: bool, reason: str
) -> None:
    """If the damage stays it is an error, and neither the file nor a part of it is left."""
    server.hashes = False
    server.fail("storage", "corrupt", always=True)
    with pytest.raises(DataError, match=f"{reason}.*fetched twice"):
        get(md5=md5)
    assert on_disk(data / "stars") == []


@pytest.mark.parametrize("fault", ["html", "page"])
def test_a_web_page_is_no_archive(
    get: Callable[..., Outcome], server: KaggleServer, data: Path, fault: str
) -> None:
    """A login page in place of a file is known at its first bytes, whatever it calls itself, and not kept."""
    server.fail("storage", fault, always=True)
    with pytest.raises(FetchError, match=r"sent a web page in place of images\.zip"):
        get()
    assert on_disk(data / "stars") == []
    assert len(server.requests) == 1


def test_a_chunked_answer_without_a_length_is_taken(
    get: Callable[..., Outcome], server: KaggleServer, data: Path
) -> None:
    """A server that does not say how much is to come is read to its end."""
    server.fail("storage", "chunked")
    get()
    assert whole(data)


def test_the_next_mirror_is_asked(
    stranger: Stranger, server: KaggleServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mirror that lacks the file, or is not there, is passed over; the person is told."""
    dead = "http://127.0.0.1:9"
    plugin = stranger(spec(dead, f"{server.mirror()}/empty", server.mirror()))
    server.files["empty"] = b""
    fetch(Wish(plugin, data, patience=QUICK))
    assert whole(data)
    assert "127.0.0.1 refuses the connection" in capsys.readouterr().err


def test_no_room_is_said_before_the_first_byte(
    get: Callable[..., Outcome], server: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the file does not fit, nothing of it is written, and another mirror is not tried."""
    monkeypatch.setattr(faults, "_SPARE", 1 << 60)
    with pytest.raises(DiskError, match="are needed in"):
        get()
    assert on_disk(data / "stars") == []
    assert len(server.requests) == 1


def test_a_publishers_size_is_compared(stranger: Stranger, server: KaggleServer, data: Path) -> None:
    """A file of another size than the publisher states is refused before it is downloaded."""
    plugin = stranger(spec(server.mirror()).replace('summary="images"', 'summary="images", size=12'))
    with pytest.raises(FetchError, match="it should have 12"):
        fetch(Wish(plugin, data, patience=QUICK))


def test_two_fetches_at_once_do_it_once(
    get: Callable[..., Outcome], server: KaggleServer, data: Path
) -> None:
    """A second fetch of the same dataset waits for the first, and then has nothing to do."""
    server.fail("storage", "slow")
    get_again: list[Outcome] = []
    first = threading.Thread(target=get)
    first.start()
    assert server.arrived.wait(5)
    second = threading.Thread(target=lambda: get_again.append(get()))
    second.start()
    first.join()
    second.join()
    assert get_again[0].fetched == ()
    assert len(server.asked("images.zip")) == 1
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert {file.source.rpartition("/")[0] for file in receipt.files.values()} == {server.mirror()}
    assert whole(data)


def test_an_interrupt_keeps_the_part(
    get: Callable[..., Outcome], server: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch
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
    assert server.asked("images.zip")[1]["Range"] == "bytes=50000-"
    assert whole(data)


@pytest.mark.parametrize(
    "state", ["", "{}", '{"source": 3}', '{"source": "elsewhere", "validator": "x"}', "[1]"]
)
def test_a_part_of_unknown_origin_is_not_used(
    get: Callable[..., Outcome], server: KaggleServer, data: Path, state: str
) -> None:
    """A `.part` whose state is damaged or of another file is begun anew."""
    (data / "stars").mkdir(parents=True)
    (data / "stars" / "images.zip.part").write_bytes(b"x" * 5000)
    (data / "stars" / "images.zip.part.json").write_text(state)
    get()
    assert "Range" not in server.asked("images.zip")[0]
    assert whole(data)


def test_a_part_that_is_whole_is_not_asked_for(
    get: Callable[..., Outcome], server: KaggleServer, data: Path
) -> None:
    """A process killed between the last byte and the renaming costs no second download."""
    (data / "stars").mkdir(parents=True)
    (data / "stars" / "images.zip.part").write_bytes(IMAGES)
    state = {"source": f"{server.mirror()}/images.zip", "validator": '"x"', "size": len(IMAGES), "md5": ""}
    (data / "stars" / "images.zip.part.json").write_text(json.dumps(state))
    get()
    assert server.asked("images.zip") == []
    assert whole(data)


@pytest.mark.parametrize(
    ("mirrors", "reason"), [((), "has no address for"), (("file:///etc",), "that is none")]
)
def test_an_address_that_is_none_is_the_plugins_fault(
    stranger: Stranger, data: Path, mirrors: tuple[str, ...], reason: str
) -> None:
    """A plugin that declares no address, or a local file as one, is named as faulty."""
    with pytest.raises(PluginError, match=reason):
        fetch(Wish(stranger(spec(*mirrors)), data))


@pytest.mark.parametrize("content", [b"not the publisher's", IMAGES[:-50]])
def test_a_wrong_file_in_the_folder_is_replaced(
    get: Callable[..., Outcome], data: Path, content: bytes
) -> None:
    """A file that lies in the data folder without a receipt, and is not the right one, is fetched."""
    (data / "stars").mkdir(parents=True)
    (data / "stars" / "images.zip").write_bytes(content)
    assert get(md5=True).fetched == ("images.zip", "labels.zip")
    assert whole(data)
