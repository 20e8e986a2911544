"""Downloads from Kaggle, against a server on this machine that speaks its API."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import SECRETS, TOKEN, KaggleServer
from made import GALAXIES, challenge, on_disk

from galaxynet import registry
from galaxynet.errors import GalaxynetError
from galaxynet.fetching import receipts
from galaxynet.fetching.fetch import fetch, plan
from galaxynet.fetching.request import FetchRequest, FetchResult
from galaxynet.fetching.retry import RetryPolicy

pytestmark = pytest.mark.usefixtures("nothing_secret")

Stranger = Callable[..., Any]
FILES = challenge()
QUICK = RetryPolicy(read_timeout=0.4, retries=2, pause=0.01, max_pause=2)
WHOLE = ["images.zip", "labels.zip", "receipt.json"]


@pytest.fixture
def get(stranger: Stranger, kaggle: KaggleServer, data: Path) -> Callable[..., FetchResult]:
    """Fetch the stranger's dataset from the server that passes for Kaggle."""
    plugin = stranger(GALAXIES)

    def run(**changes: object) -> FetchResult:
        return fetch(FetchRequest(plugin, data, **{"policy": QUICK, **changes}))  # type: ignore[arg-type]

    return run


def whole(data: Path) -> bool:
    folder = data / "stars"
    return on_disk(folder) == WHOLE and all((folder / name).read_bytes() == FILES[name] for name in WHOLE[:2])


def error_of(get: Callable[..., FetchResult]) -> GalaxynetError:
    """The error, after a look that nothing secret is in it or in what it hangs on."""
    with pytest.raises(GalaxynetError) as raised:
        get()
    error: BaseException | None = raised.value
    while error is not None:
        text = f"{error!s} {error!r} {error.__dict__}"
        assert not [secret for secret in SECRETS if secret in text]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return raised.value


def test_a_competition_is_fetched(get: Callable[..., FetchResult], kaggle: KaggleServer, data: Path) -> None:
    """The files that the dataset needs arrive whole, with one login, one list and one link for each."""
    assert get().fetched == ("images.zip", "labels.zip")
    assert whole(data)
    receipt = receipts.load(data / "stars")
    assert receipt is not None
    assert receipt.files["images.zip"].source == "kaggle competition star-challenge"
    assert len(kaggle.headers_of("DownloadDataFile")) == 2
    assert not kaggle.headers_of("more.zip")


def test_a_group_of_files_is_added(get: Callable[..., FetchResult], data: Path) -> None:
    """`--with more` also fetches the files of that group, and only those that are not there."""
    get()
    assert get(groups=("more",)).fetched == ("more.zip",)
    assert "more.zip" in on_disk(data / "stars")


def test_a_second_fetch_asks_kaggle_nothing(get: Callable[..., FetchResult], kaggle: KaggleServer) -> None:
    """What is there needs no login and no request."""
    get()
    kaggle.requests.clear()
    os.environ.pop("KAGGLE_KEY")
    assert get().fetched == ()
    assert kaggle.requests == []


@pytest.mark.promise("Fetching")
def test_the_signed_link_gets_no_credential(get: Callable[..., FetchResult], kaggle: KaggleServer) -> None:
    """Credentials go to Kaggle's API alone, never to the storage that a link leads to."""
    kaggle.fail("storage", "cut")
    get()
    assert all("Authorization" in headers for headers in kaggle.headers_of("DownloadDataFile"))
    stored = [headers for _, path, headers in kaggle.requests if path.startswith("/storage")]
    assert stored
    assert not any("Authorization" in headers for headers in stored)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    "fault", ["cut", "nothing", "silent", "403", "400", "500", "429 0", "wrong range", "corrupt"]
)
def test_a_failing_storage_gets_a_fresh_link(
    get: Callable[..., FetchResult], kaggle: KaggleServer, data: Path, fault: str
) -> None:
    """After any failure of the storage a new link is requested, and the file ends complete."""
    kaggle.fail("storage", "cut", fault)
    get()
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_an_expired_link_mid_way_goes_on(
    get: Callable[..., FetchResult], kaggle: KaggleServer, data: Path
) -> None:
    """A link that expires midway is replaced, and the download resumes where it stopped."""
    kaggle.fail("storage", "cut 600000", "403")
    get()
    stored = kaggle.headers_of("/storage/images.zip")
    assert [headers.get("Range") for headers in stored] == [None, "bytes=600000-", "bytes=600000-"]
    assert whole(data)


@pytest.mark.parametrize("fault", ["500", "503", "429 0", "silent", "cut"])
def test_a_failing_api_is_asked_again(
    get: Callable[..., FetchResult], kaggle: KaggleServer, data: Path, fault: str
) -> None:
    """A passing failure of the API costs a pause, not the fetch."""
    kaggle.fail("api", fault, "", fault)
    get()
    assert whole(data)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    ("faults", "reason", "hint"),
    [
        (["401"], r"rejects these credentials \(401\)", "kaggle.com/settings"),
        (
            ["403"],
            r"does not give competition star-challenge to this account \(403\)",
            "star-challenge/rules",
        ),
        (["", "", "403"], r"does not give images.zip to this account \(403\)", "star-challenge/rules"),
        (["404"], r"has no competition star-challenge \(404\)", "--from FOLDER"),
        (["400"], r"refuses competition star-challenge \(400\)", "--from FOLDER"),
        (["500"] * 3, r"internal error \(500\). Gave up after 3 attempts", "later"),
        (["503"] * 3, r"internal error \(503\). Gave up after 3 attempts", "later"),
        (["429 0"] * 3, r"too many requests \(429\). Gave up after 3 attempts", "later"),
        (["429 900"], "asks for a pause of 900 s", "after that"),
        (["silent"] * 3, r"Kaggle was silent for 0.4 s", "network"),
        (["cut"] * 3, "Kaggle broke off the connection", "network"),
        (["html"], "something that is not from Kaggle", "login page"),
    ],
)
def test_what_the_api_refuses_is_told(
    get: Callable[..., FetchResult],
    kaggle: KaggleServer,
    data: Path,
    faults: list[str],
    reason: str,
    hint: str,
) -> None:
    """Each refusal by Kaggle is one sentence and one way out, and leaves no file."""
    kaggle.fail("api", *faults)
    error = error_of(get)
    assert re.search(reason, error.message), error.message
    assert hint in error.hint
    assert on_disk(data / "stars") == []


@pytest.mark.promise("Fetching")
def test_kaggles_own_words_are_passed_on_without_secrets(
    get: Callable[..., FetchResult], kaggle: KaggleServer
) -> None:
    """Kaggle's own error messages are shown with any key in them masked."""
    kaggle.fail("api", "403")
    assert "Kaggle says: You must accept the rules, ***." in error_of(get).message


def test_no_credentials(get: Callable[..., FetchResult], data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials it is said how to get them, and what to do instead."""
    for variable in ("KAGGLE_KEY", "KAGGLE_USERNAME"):
        monkeypatch.delenv(variable)
    error = error_of(get)
    assert "no credentials were found" in error.message
    assert "https://www.kaggle.com/settings" in error.hint
    assert "galaxynet fetch stars --from FOLDER" in error.hint


def test_empty_credentials_are_none(
    get: Callable[..., FetchResult], kaggle: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that are set but empty are no credentials, and hide none that lie in a file."""
    monkeypatch.setenv("KAGGLE_KEY", "")
    monkeypatch.setenv("KAGGLE_USERNAME", " ")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "")
    assert "no credentials were found" in error_of(get).message
    assert kaggle.requests == []
    assert os.environ["KAGGLE_KEY"] == ""


def test_a_token_is_taken(
    get: Callable[..., FetchResult], kaggle: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token in KAGGLE_API_TOKEN logs in; one that Kaggle does not know is named as such."""
    for variable in ("KAGGLE_KEY", "KAGGLE_USERNAME"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("KAGGLE_API_TOKEN", "stale")
    assert "does not accept the token in KAGGLE_API_TOKEN" in error_of(get).message
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    get()
    assert whole(data)
    assert kaggle.headers_of("ListDataFiles")[0]["Authorization"] == f"Bearer {TOKEN}"


def test_an_open_token_file_is_pointed_out(
    get: Callable[..., FetchResult], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A file with credentials that others can read is named, with the command that closes it."""
    kept = tmp_path / "home" / ".kaggle" / "kaggle.json"
    kept.write_text("{}")
    kept.chmod(0o644)
    get()
    assert f"protect it with: chmod 600 {kept}" in " ".join(capfd.readouterr().err.split())
    kept.chmod(0o600)
    get(force=True)
    assert "chmod" not in capfd.readouterr().err


def test_a_file_that_the_competition_lacks_is_named(
    get: Callable[..., FetchResult], kaggle: KaggleServer
) -> None:
    """If Kaggle's list does not have a file, it is said what the list has, all its pages."""
    kaggle.listed = ["labels.zip", "more.zip", "rules.txt"]
    error = error_of(get)
    assert "star-challenge has no file images.zip" in error.message
    assert error.hint == "It has: labels.zip, more.zip, rules.txt."


def test_another_size_than_listed_is_refused(
    get: Callable[..., FetchResult], kaggle: KaggleServer, data: Path
) -> None:
    """An archive that arrives with another size than the list tells is not downloaded."""
    kaggle.sent["images.zip"] = FILES["images.zip"] + b"more"
    assert "it should have" in error_of(get).message
    assert "images.zip" not in on_disk(data / "stars")


def test_a_plan_asks_for_sizes_and_writes_nothing(
    stranger: Stranger, kaggle: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run tells files, sizes and origin; without credentials it tells what it can."""
    request = FetchRequest(stranger(GALAXIES), data, policy=QUICK)
    lines = plan(request)
    assert [(line.name, line.size) for line in lines] == [(name, len(FILES[name])) for name in WHOLE[:2]]
    assert all("star-challenge" in line.action for line in lines)
    assert not kaggle.headers_of("/storage")
    assert not data.exists()
    monkeypatch.delenv("KAGGLE_KEY")
    assert [line.size for line in plan(request)] == [None, None]


@pytest.mark.real
def test_the_real_archives_come_through(real_data: Path, kaggle: KaggleServer, data: Path) -> None:
    """Kaggle's own archives, cut off twice on the way, arrive byte by byte, and the dataset counts them."""
    names = ("images_training_rev1.zip", "training_solutions_rev1.zip")
    kaggle.files = {name: (real_data / "galaxy-zoo" / name).read_bytes() for name in names}
    kaggle.fail("storage", "cut 30000000", "cut 60000000")
    outcome = fetch(
        FetchRequest(
            registry.find("dataset", "galaxy-zoo"), data, policy=RetryPolicy(read_timeout=20, pause=0.01)
        )
    )
    assert outcome.fetched == names
    assert outcome.lines
    assert kaggle.headers_of("/storage/images_training_rev1.zip")[2]["Range"] == "bytes=60000000-"
    assert all((outcome.folder / name).read_bytes() == kaggle.files[name] for name in names)
