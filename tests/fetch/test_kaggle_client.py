"""Our calls of Kaggle's API, and those of Kaggle's own client."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kaggle_server import TOKEN, KaggleServer
from kagglesdk import KaggleClient, KaggleEnv
from kagglesdk.competitions.types.competition_api_service import (
    ApiDownloadDataFileRequest,
    ApiListDataFilesRequest,
)
from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest
from kagglesdk.security.types.oauth_service import IntrospectTokenRequest
from made import QUICK, challenge

from galaxynet.fetching.kaggle_api import KaggleApi

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
