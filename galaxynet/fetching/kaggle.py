"""Files of a Kaggle competition or dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import requests

from galaxynet.errors import DataError
from galaxynet.fetching import partial
from galaxynet.fetching.download import Remote, download, download_verified, retry_once_if_corrupt
from galaxynet.fetching.errors import FetchError, disk_errors
from galaxynet.fetching.kaggle_api import KaggleApi
from galaxynet.fetching.local_files import LocalFile, find_member
from galaxynet.fetching.retry import RetryPolicy, with_retries
from galaxynet.fetching.store import DatasetStore
from galaxynet.fetching.verification import check_content
from galaxynet.sources import DataFile, KaggleCompetition, KaggleDataset

_COMPETITIONS = "competitions.CompetitionApiService"
_MAX_PAGES = 100


def log_in(store: DatasetStore, policy: RetryPolicy, page: str, rules: str = "") -> KaggleApi:
    """Log in at Kaggle.

    Args:
        store: Where the files go.
        policy: Time-outs and retries.
        page: Where a browser can download the files.
        rules: URL of the rules that the user has to accept; empty if there are none.

    Raises:
        FetchError: If there are no credentials, they are wrong, or the network fails.
    """
    then = f"galaxynet fetch {store.plugin.name} --from FOLDER"
    by_hand = f"download the files from {page} in a browser, then: {then}"
    return with_retries(lambda: KaggleApi(policy, by_hand, rules), policy)


class CompetitionSource:
    """The files of a competition.

    Args:
        source: Its declaration.
        store: Where the files go.
        policy: Time-outs and retries.
    """

    options = None

    def __init__(self, source: KaggleCompetition, store: DatasetStore, policy: RetryPolicy) -> None:
        self._slug, self._store, self._policy = source.slug, store, policy
        self._origin = f"kaggle competition {source.slug}"

    @cached_property
    def _api(self) -> KaggleApi:
        page = f"https://www.kaggle.com/c/{self._slug}"
        return log_in(self._store, self._policy, f"{page}/data", f"{page}/rules")

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """Sizes in bytes of all files of the competition, by name."""
        sizes: dict[str, int] = {}
        body = {"competitionName": self._slug, "pageSize": 200}
        for _ in range(_MAX_PAGES):
            answer = with_retries(
                lambda: self._api.call(f"{_COMPETITIONS}/ListDataFiles", body, f"competition {self._slug}"),
                self._policy,
            )
            sizes |= {file["name"]: int(file.get("totalBytes", 0)) for file in answer.get("files", ())}
            if not answer.get("nextPageToken"):
                break
            body["pageToken"] = answer["nextPageToken"]
        return sizes

    def fetch(self, files: Sequence[DataFile]) -> list[DataFile]:
        """Download files one by one."""
        missing = [file.name for file in files if file.name not in self._sizes]
        if missing:
            raise FetchError(
                f"The Kaggle competition {self._slug} has no file {', '.join(missing)}.",
                f"It has: {', '.join(sorted(self._sizes)) or 'none'}.",
            )
        for file in files:
            if file.name.endswith((".zip", ".gz")):
                remote = self._remote(file, self._sizes[file.name])
                download_verified(remote, file, self._store, self._policy)
            else:
                self._fetch_table(file)
        return list(files)

    def size(self, file: DataFile) -> int | None:
        """The file's size in Kaggle's list."""
        return self._sizes.get(file.name, file.size)

    def where(self, file: DataFile) -> str:
        """The competition."""
        return f"download from kaggle, {self._slug}"

    def _remote(self, file: DataFile, size: int | None = None) -> Remote:
        body = {"competitionName": self._slug, "fileName": file.name}

        def open_stream(headers: Mapping[str, str]) -> requests.Response:
            return self._api.download(f"{_COMPETITIONS}/DownloadDataFile", body, file.name, headers)

        return Remote(file.name, self._origin, open_stream, size)

    def _fetch_table(self, file: DataFile) -> None:
        """Download a file that Kaggle may pack into a zip, as it does with larger tables."""
        part, size = self._store.part(file), self._sizes[file.name]

        def task() -> None:
            digest = download(self._remote(file), part, self._policy)
            with part.open("rb") as stream:
                zipped = stream.read(4) == b"PK\x03\x04"
            if zipped:
                extract(part, [file.name], file, self._store, self._origin)
            elif digest.size != size:
                raise DataError(f"{file.name} arrived with {digest.size:,} bytes; Kaggle lists {size:,}.")
            else:
                self._store.stage(file, part, digest, self._origin, part=part)

        retry_once_if_corrupt(part, task)


class DatasetSource:
    """The files of a Kaggle dataset, which come in one zip.

    Args:
        source: Its declaration.
        store: Where the files go.
        policy: Time-outs and retries.
    """

    options = None

    def __init__(self, source: KaggleDataset, store: DatasetStore, policy: RetryPolicy) -> None:
        self._source, self._store, self._policy = source, store, policy

    def fetch(self, files: Sequence[DataFile]) -> list[DataFile]:
        """Download the zip and extract the files."""
        slug, store = self._source.slug, self._store
        owner, _, name = slug.partition("/")
        api = log_in(store, self._policy, f"https://www.kaggle.com/datasets/{slug}")
        body = {"ownerSlug": owner, "datasetSlug": name}

        def open_stream(headers: Mapping[str, str]) -> requests.Response:
            return api.download("datasets.DatasetApiService/DownloadDataset", body, slug, headers)

        remote = Remote(f"{name}.zip", f"kaggle dataset {slug}", open_stream)
        part = store.folder / f"{name}.zip.part"

        def task() -> None:
            download(remote, part, self._policy)
            check_content(part, remote.name)
            for file in files:
                names = [file.name, *self._source.alternatives(file.name), file.name.removesuffix(".gz")]
                extract(part, names, file, store, remote.source)

        retry_once_if_corrupt(part, task)
        return list(files)

    def size(self, file: DataFile) -> int | None:
        """The publisher's size; Kaggle only knows that of the zip."""
        return file.size

    def where(self, file: DataFile) -> str:
        """The dataset."""
        return f"download from kaggle, {self._source.slug}"


def extract(bundle: Path, names: Sequence[str], file: DataFile, store: DatasetStore, origin: str) -> None:
    """Extract one file from a downloaded zip and stage it.

    Args:
        bundle: The zip.
        names: Names that the file may have in it, best first.
        file: The file.
        store: Where it goes.
        origin: Where it came from, for the receipt.

    Raises:
        FetchError: If the zip does not contain it; the zip is then removed.
        DataError: If it is damaged.
    """
    member = find_member(bundle, names)
    if not member:
        # Nothing is damaged, so fetching it again would not help; a zip that stays is never renewed.
        partial.remove(bundle)
        raise FetchError(
            f"Kaggle's zip does not contain {file.name}.",
            "The publisher may have renamed it; see the dataset's page.",
        )
    match, copy = LocalFile(file, bundle, member), store.copy(file)
    with disk_errors(copy):
        digest = match.write_to(copy, md5=bool(file.md5), advance=lambda _: None)
    store.stage(file, copy, digest, origin, part=bundle, published=match.as_published)
