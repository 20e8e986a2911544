"""Kaggle's official client: imported here and nowhere else, kept quiet, and given time-outs.

What it would do otherwise: print help to standard output on import, log in over the network while it is
imported, wait for ever on a silent server, and with VERBOSE set print every header, the key included.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.kaggle_credentials import saved_token
from galaxynet.fetching.patience import Patience


class Adapter(HTTPAdapter):
    """Gives every request a time-out, and the request that a redirect leads to the headers of a download."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._timeout = patience.timeout
        self.download_headers: Mapping[str, str] = {}

    def send(self, request: requests.PreparedRequest, **settings: Any) -> requests.Response:  # type: ignore[override]
        """Send a request; the client itself sets no time-out."""
        settings["timeout"] = settings.get("timeout") or self._timeout
        if request.method == "GET":
            request.headers.update(self.download_headers)
        return super().send(request, **settings)


def import_client() -> Any:
    """The client's class.

    Raises:
        FetchError: If it cannot be imported.
    """
    try:
        from kagglesdk.kaggle_http_client import KaggleHttpClient

        call = KaggleHttpClient.call

        def offline(*_: object, **__: object) -> None:
            raise ConnectionError("no login while importing")

        # The package logs in while it is imported, over the network and without a time-out.
        KaggleHttpClient.call = offline
        try:
            from kaggle.api.kaggle_api_extended import KaggleApi
        finally:
            KaggleHttpClient.call = call
    except OSError as error:  # it makes its configuration folder while it is imported
        place = f"{error.filename}: " if error.filename else ""
        raise FetchError(
            f"Kaggle's client does not start: {place}{error.strerror or error}.",
            "Name a folder that it may write to in KAGGLE_CONFIG_DIR.",
        ) from None
    except (ImportError, SystemExit) as error:
        raise FetchError(
            f"Kaggle's client does not start: {error}.", "Install it with: pip install 'kaggle>=2.2.4,<3' six"
        ) from None
    return KaggleApi


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what the client prints, and hide what would make it print keys or log in with nothing."""
    hidden = {
        name: value
        for name, value in os.environ.items()
        if name in ("VERBOSE", "VERBOSE_OUTPUT") or (name.startswith("KAGGLE_") and not value.strip())
    }
    stdin = sys.stdin
    for name in hidden:
        del os.environ[name]
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            sys.stdin = io.StringIO()  # where there are no credentials it calls exit(), which closes this one
            yield
    finally:
        sys.stdin = stdin
        os.environ.update(hidden)


@contextlib.contextmanager
def readable_token() -> Iterator[None]:
    """Give the client the token of a file whose byte order mark it would take for a part of it."""
    token = "" if os.environ.get("KAGGLE_API_TOKEN") else saved_token()
    if not token:
        yield
        return
    os.environ["KAGGLE_API_TOKEN"] = token
    try:
        yield
    finally:
        del os.environ["KAGGLE_API_TOKEN"]
