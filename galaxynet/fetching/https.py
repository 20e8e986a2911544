"""Files from plain https mirrors, one after another until one has the file whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from galaxynet.errors import DataError, PluginError
from galaxynet.fetching import partial
from galaxynet.fetching.download import Remote, download_verified
from galaxynet.fetching.errors import DiskError, FetchError
from galaxynet.fetching.http_errors import host, network_errors, without_secrets
from galaxynet.fetching.retry import RetryPolicy
from galaxynet.fetching.store import DatasetStore
from galaxynet.sources import DataFile, Https
from galaxynet.terminal import note


class HttpsSource:
    """Mirrors.

    Args:
        source: Their declaration.
        store: Where the files go.
        policy: Time-outs and retries.
    """

    options = None

    def __init__(self, source: Https, store: DatasetStore, policy: RetryPolicy) -> None:
        self._source, self._store, self._policy = source, store, policy

    def fetch(self, files: Sequence[DataFile]) -> list[DataFile]:
        """Download each file from the first URL that has it whole."""
        for file in files:
            self._fetch(file)
        return list(files)

    def size(self, file: DataFile) -> int | None:
        """The file's size as its first mirror states it."""
        remote = remotes(self._source, file, self._policy)[0]
        with remote.open({"Accept-Encoding": "identity"}) as response:
            length = response.headers.get("Content-Length", "")
            return int(length) if response.ok and length.isdigit() else file.size

    def where(self, file: DataFile) -> str:
        """The file's first host."""
        urls = [*self._source.urls.get(file.name, ()), *self._source.mirrors]
        return f"download from {host(urls[0]) if urls else 'nowhere'}"

    def _fetch(self, file: DataFile) -> None:
        urls = remotes(self._source, file, self._policy)
        # While another URL is left, one that fails is not waited for.
        impatient = replace(self._policy, retries=min(1, self._policy.retries))
        for remote in urls[:-1]:
            try:
                download_verified(remote, file, self._store, impatient)
                return
            except DiskError:  # another URL would not help
                raise
            except (FetchError, DataError) as error:
                partial.remove(self._store.part(file))
                note(f"{error.message} Trying the next URL.")
        download_verified(urls[-1], file, self._store, self._policy)


def remotes(source: Https, file: DataFile, policy: RetryPolicy) -> list[Remote]:
    """The URLs of a file, best first.

    Raises:
        PluginError: If the source has no URL for the file, or one that is neither https nor http.
    """
    urls = [*source.urls.get(file.name, ()), *(f"{url.rstrip('/')}/{file.name}" for url in source.mirrors)]
    if not urls:
        raise PluginError(f"The dataset's https source has no URL for {file.name}.")
    if not all(map(_is_valid, urls)):
        raise PluginError(f"The dataset's https source has an invalid URL for {file.name}.")
    return [_remote(url, file, policy) for url in urls]


def _is_valid(url: str) -> bool:
    try:
        parts = parse_url(url)
    except LocationParseError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.host)


def _remote(url: str, file: DataFile, policy: RetryPolicy) -> Remote:
    session = requests.Session()
    session.headers["User-Agent"] = f"galaxynet/{version('galaxynet')}"
    server = host(url)

    def open_stream(headers: Mapping[str, str]) -> requests.Response:
        with network_errors(server, policy):
            response = session.get(url, headers=dict(headers), stream=True, timeout=policy.timeout)
        if url.startswith("https:") and not response.url.startswith("https:"):
            response.close()
            raise FetchError(f"{server} redirects from https to an unencrypted connection.")
        return response

    size = None if file.convert else file.size
    return Remote(file.name, without_secrets(url), open_stream, size, (file.md5 or "").lower())
