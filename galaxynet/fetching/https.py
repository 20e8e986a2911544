"""Downloads from plain https mirrors."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

import requests
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from galaxynet.errors import PluginError
from galaxynet.fetching.download import Remote
from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.http_errors import host, network_errors, plain
from galaxynet.fetching.patience import Patience
from galaxynet.sources import DataFile, Https


def remotes(source: Https, file: DataFile, patience: Patience) -> list[Remote]:
    """The addresses of a file, best first.

    Raises:
        PluginError: If the source has no address for the file, or one that is neither https nor http.
    """
    addresses = [*source.urls.get(file.name, ()), *(f"{m.rstrip('/')}/{file.name}" for m in source.mirrors)]
    if not addresses:
        raise PluginError(f"The dataset's https source has no address for {file.name}.")
    for address in addresses:
        if not _is_valid(address):
            raise PluginError(f"The dataset's https source has an invalid URL for {file.name}.")
    return [_remote(address, file, patience) for address in addresses]


def _is_valid(address: str) -> bool:
    try:
        parts = parse_url(address)
    except LocationParseError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.host)


def _remote(address: str, file: DataFile, patience: Patience) -> Remote:
    session = requests.Session()
    session.headers["User-Agent"] = f"galaxynet/{version('galaxynet')}"
    server = host(address)

    def open_stream(headers: Mapping[str, str]) -> requests.Response:
        with network_errors(server, patience):
            response = session.get(address, headers=dict(headers), stream=True, timeout=patience.timeout)
        if address.startswith("https:") and not response.url.startswith("https:"):
            response.close()
            raise FetchError(f"{server} leads away from https, to a connection that anybody can change.")
        return response

    size = None if file.convert else file.size
    return Remote(file.name, plain(address), open_stream, size, (file.md5 or "").lower())


def size_of(source: Https, file: DataFile, patience: Patience) -> int | None:
    """The size of a file in bytes as its first mirror tells it; None if it does not.

    Raises:
        FetchError: If the mirror cannot be asked.
    """
    with remotes(source, file, patience)[0].open({"Accept-Encoding": "identity"}) as response:
        length = response.headers.get("Content-Length", "")
        return int(length) if response.ok and length.isdigit() else None
