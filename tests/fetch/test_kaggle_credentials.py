"""Credentials as people save them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import KEY, TOKEN, USER, KaggleServer
from made import GALAXIES, QUICK, whole

from galaxynet.errors import GalaxynetError
from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.request import FetchRequest, FetchResult

pytestmark = pytest.mark.usefixtures("nothing_secret")

SAVED = json.dumps({"username": USER, "key": KEY})


@pytest.fixture
def get(
    stranger: Callable[..., Any], kaggle: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], FetchResult]:
    """Fetch from Kaggle with what is in the home folder."""
    monkeypatch.delenv("KAGGLE_KEY")
    monkeypatch.delenv("KAGGLE_USERNAME")
    plugin = stranger(GALAXIES)
    return lambda: fetch(FetchRequest(plugin, data, policy=QUICK))


@pytest.fixture
def home(tmp_path: Path, get: object) -> Path:
    """The folder of the credentials."""
    return tmp_path / "home" / ".kaggle"


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + SAVED.encode(),
        SAVED.encode("utf-16"),
        codecs.BOM_UTF16_BE + SAVED.encode("utf-16-be"),
        json.dumps({"username": f" {USER}", "key": f"{KEY}\r\n"}).encode(),
    ],
    ids=["UTF-8 with a mark", "UTF-16", "UTF-16 big-endian", "white space"],
)
def test_kaggle_json_is_read_however_it_was_saved(
    get: Callable[[], FetchResult], home: Path, data: Path, content: bytes
) -> None:
    """A kaggle.json that Windows has saved, with a byte order mark or as UTF-16, logs in."""
    (home / "kaggle.json").write_bytes(content)
    get()
    assert whole(data)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_token_is_read_however_it_was_saved(
    get: Callable[[], FetchResult], home: Path, data: Path, encoding: str
) -> None:
    """A token that Windows has saved, with a byte order mark or as UTF-16, logs in."""
    (home / "access_token").write_text(f"{TOKEN}\n", encoding=encoding)
    get()
    assert whole(data)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (SAVED.encode()[:-3], "is damaged: it is not JSON"),
        (b"\x00\xff\xfe\x9d", "is damaged: it is not text"),
        (b"[" * 100_000, "is damaged: it is not JSON"),
        (SAVED.replace('"', "\u201d").encode(), "has curly quotes instead of straight ones"),
        (b"[]", "has no user name and no key in it"),
        (b'{"username": "ada"}', "has no key in it"),
        (b'{"username": "ada", "key": ""}', "has no key in it"),
        (b'{"username": "ada", "key": 7}', "has no key in it"),
        (b'{"key": "abc"}', "has no user name in it"),
    ],
)
def test_a_kaggle_json_that_cannot_be_used_is_named(
    get: Callable[[], FetchResult], home: Path, kaggle: KaggleServer, content: bytes, reason: str
) -> None:
    """A damaged, empty or keyless kaggle.json is called so, and not that there are no credentials."""
    (home / "kaggle.json").write_bytes(content)
    with pytest.raises(FetchError) as raised:
        get()
    assert raised.value.message.startswith(f"{home / 'kaggle.json'} {reason}")
    assert "no credentials" not in str(raised.value)
    assert "galaxynet fetch stars --from FOLDER" in raised.value.hint
    assert kaggle.requests == []


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("variable", ["kaggle.json", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "access_token"])
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("\u201c{}\u201d", "quotation marks"),
        ('"{}"', "quotation marks"),
        ("{}\u200b", r"no key has (U+200B)"),
    ],
)
def test_a_key_with_quotes_in_it_is_named(
    get: Callable[[], FetchResult],
    home: Path,
    kaggle: KaggleServer,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    key: str,
    reason: str,
) -> None:
    """A key or token that was copied with its quotes is called so, and not shown or sent."""
    value = key.format(TOKEN if "oken" in variable.lower() else KEY)
    if variable == "kaggle.json":
        (home / variable).write_text(json.dumps({"username": USER, "key": value}))
    elif variable == "access_token":
        (home / variable).write_text(value)
    else:
        monkeypatch.setenv("KAGGLE_USERNAME", USER)
        monkeypatch.setenv(variable, value)
    with pytest.raises(FetchError) as raised:
        get()
    assert variable in raised.value.message
    assert reason in raised.value.message
    assert kaggle.requests == []


def test_half_of_a_pair_of_variables_is_named(
    get: Callable[[], FetchResult], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user name without a key is named as that."""
    monkeypatch.setenv("KAGGLE_USERNAME", USER)
    with pytest.raises(FetchError, match="KAGGLE_USERNAME is set and KAGGLE_KEY is not"):
        get()


@pytest.mark.parametrize(
    "content", ["[]", '{"refresh_token": "x", "access_token": "y", "access_token_expiration": "soon"}']
)
def test_a_damaged_login_is_named(get: Callable[[], FetchResult], home: Path, content: str) -> None:
    """A credentials.json that the client stumbles over is named, with the command that renews it."""
    (home / "credentials.json").write_text(content)
    with pytest.raises(GalaxynetError, match=r"credentials\.json is damaged") as raised:
        get()
    assert "kaggle auth login" in raised.value.hint


def test_a_login_page_in_place_of_the_login_is_told(
    get: Callable[[], FetchResult], home: Path, kaggle: KaggleServer
) -> None:
    """Logging in with a token behind a login page of the network is one sentence."""
    (home / "access_token").write_text(TOKEN)
    kaggle.fail("api", "html", always=True)
    with pytest.raises(FetchError, match="something that is not from Kaggle"):
        get()
