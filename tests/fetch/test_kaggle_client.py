"""Our calls of Kaggle's API, and those of Kaggle's own client."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import REFRESH, SECRETS, TOKEN, KaggleServer
from kagglesdk import KaggleClient, KaggleEnv
from kagglesdk.competitions.types.competition_api_service import (
    ApiDownloadDataFileRequest,
    ApiListDataFilesRequest,
)
from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest
from kagglesdk.kaggle_creds import KaggleCredentials
from kagglesdk.security.types.oauth_service import IntrospectTokenRequest
from made import GALAXIES, QUICK, challenge, clean_environment, whole

from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.kaggle_api import KaggleApi
from galaxynet.fetching.request import FetchRequest

COMPETITIONS = "competitions.CompetitionApiService"


def official() -> None:
    """Make each call with Kaggle's own client."""
    with KaggleClient(env=KaggleEnv.LOCAL, api_token=TOKEN) as client:
        introspect = IntrospectTokenRequest()
        introspect.token = TOKEN
        client.security.oauth_client.introspect_token(introspect)
        listing = ApiListDataFilesRequest()
        listing.competition_name, listing.page_size = "star-challenge", 200
        client.competitions.competition_api_client.list_data_files(listing)
        file = ApiDownloadDataFileRequest()
        file.competition_name, file.file_name = "star-challenge", "images.zip"
        client.competitions.competition_api_client.download_data_file(file)
        dataset = ApiDownloadDatasetRequest()
        dataset.owner_slug, dataset.dataset_slug = "ann", "digits"
        client.datasets.dataset_api_client.download_dataset(dataset)


def ours() -> None:
    """Make each call as a fetch does."""
    api = KaggleApi(QUICK, by_hand="")
    api.call(f"{COMPETITIONS}/ListDataFiles", {"competitionName": "star-challenge", "pageSize": 200}, "")
    body = {"competitionName": "star-challenge", "fileName": "images.zip"}
    api.download(f"{COMPETITIONS}/DownloadDataFile", body, "", {}).close()
    body = {"ownerSlug": "ann", "datasetSlug": "digits"}
    api.download("datasets.DatasetApiService/DownloadDataset", body, "", {}).close()


def test_our_calls_are_those_of_kaggles_own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kaggle gets the same calls, with the same arguments and the same login, as from its own client."""

    def sent(caller: Callable[[], None]) -> list[tuple[str, str, str, dict[str, object]]]:
        with KaggleServer(challenge() | {"digits.zip": b"PK"}) as server:
            for name, value in server.environment().items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
            caller()
            posted = [(path, headers) for method, path, headers in server.requests if method == "POST"]
            return [
                (path, headers["Authorization"], headers["Content-Type"], body)
                for (path, headers), body in zip(posted, server.bodies, strict=True)
            ]

    assert sent(ours) == sent(official)


@pytest.mark.parametrize("expires", ["", "2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"])
def test_a_saved_login_is_renewed_as_by_kaggles_own_client(
    expires: str,
    stranger: Callable[..., Any],
    kaggle: KaggleServer,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What `kaggle auth login` saves suffices: an expired access token is renewed, a valid one is used."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)
    old = TOKEN if expires.startswith("2999") else "an-old-token"
    saved = {"refresh_token": REFRESH, "access_token": old, "access_token_expiration": expires}
    file = tmp_path / "home" / ".kaggle" / "credentials.json"
    file.write_text(json.dumps(saved))
    file.chmod(0o600)
    fetch(FetchRequest(stranger(GALAXIES), data, policy=QUICK))
    assert whole(data)
    renewals = [
        body
        for (_, path, _), body in zip(
            [request for request in kaggle.requests if request[0] == "POST"], kaggle.bodies, strict=True
        )
        if path == "GenerateAccessToken"
    ]
    if old == TOKEN:
        assert not renewals
        return
    with KaggleServer({}) as other:
        for name, value in other.environment().items():
            monkeypatch.setenv(name, value)
        with KaggleClient(env=KaggleEnv.LOCAL, api_token=TOKEN) as client:
            KaggleCredentials(client, refresh_token=REFRESH).generate_access_token()
        assert renewals == other.bodies


@pytest.mark.promise("Environment")
def test_verbose_prints_no_headers(
    stranger: Callable[..., Any],
    server: KaggleServer,
    galaxynet: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """A VERBOSE variable does not make a fetch from Kaggle print headers."""
    stranger(GALAXIES)
    done = galaxynet(
        "fetch", "stars", "--timeout", "2", **server.environment(), VERBOSE="1", VERBOSE_OUTPUT="true"
    )
    assert done.returncode == 0, done.stderr
    assert len(server.headers_of("DownloadDataFile")) == 2
    assert not [secret for secret in (*SECRETS, "Authorization") if secret in done.stdout + done.stderr]


@pytest.mark.promise("Environment")
def test_standard_input_stays_open(stranger: Callable[..., Any], tmp_path: Path) -> None:
    """Missing Kaggle credentials do not close the caller's standard input."""
    plugin = stranger(GALAXIES)
    code = (
        "import sys\nfrom pathlib import Path\nfrom galaxynet import registry\n"
        "from galaxynet.errors import GalaxynetError\nfrom galaxynet.fetching.fetch import fetch\n"
        "from galaxynet.fetching.request import FetchRequest\n"
        f"folder = Path({str(tmp_path)!r}) / 'data'\n"
        f"try: fetch(FetchRequest(registry.find('dataset', {plugin.name!r}), folder))\n"
        "except GalaxynetError: print(sys.stdin.read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(tmp_path),
        input="still here",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "still here\n", done.stderr


def test_the_help_of_fetch_opens_no_network() -> None:
    """The help of `fetch` imports neither the client of a server nor PyTorch."""
    code = (
        "import sys, contextlib; from galaxynet.cli.main import root\n"
        "with contextlib.suppress(SystemExit): root().main(['fetch', '--help'], standalone_mode=False)\n"
        "print([name for name in ('requests', 'kagglesdk', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
