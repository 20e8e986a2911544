"""Kaggle's official client: imported here and nowhere else, kept quiet, and given time-outs.

What it would do otherwise: print help to standard output on import, log in over the network while it is
imported, wait for ever on a silent server, and with VERBOSE set print every header, the key included.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from galaxynet.fetch.errors import FetchError, TransientError
from galaxynet.fetch.http_errors import network_errors, proxy_refusal
from galaxynet.fetch.notes import note
from galaxynet.fetch.patience import Patience, retry_after

TOKEN_PAGE = "https://www.kaggle.com/settings"


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


class Session:
    """A person's login at Kaggle.

    Args:
        patience: Time-outs.
        by_hand: How to do without Kaggle, for the hint of an error.
        rules: Where the rules that a person has to accept are; empty if there are none.

    Raises:
        FetchError: If there are no credentials, or the client does not start.
        TransientError: If the network fails while logging in with a token.
    """

    def __init__(self, patience: Patience, by_hand: str, rules: str = "") -> None:
        self._patience = patience
        self._rules = rules
        self._by_hand = by_hand
        self._alone = f"{by_hand[:1].upper()}{by_hand[1:]}"
        self._adapter = Adapter(patience)
        with _quiet():
            api = self._login(_import_client())
            self._client = api.build_kaggle_client()
        values = api.config_values
        secrets = [values.get(name, "") for name in (api.CONFIG_NAME_KEY, api.CONFIG_NAME_TOKEN)]
        self._secrets = [secret for secret in secrets if secret]
        _point_out_open_files(Path(api.config))

    def call(self, method: str, request: Any, what: str, headers: Mapping[str, str] | None = None) -> Any:
        """Make one call of the API.

        Args:
            method: `client.method`, for example `competitions.competition_api_client.list_data_files`.
            request: The client's request object.
            what: What is asked for, for error messages.
            headers: Headers of a download, sent with the request that the call redirects to.

        Returns:
            The client's response object; for a download the streaming `requests.Response`, of any status.

        Raises:
            TransientError: If the failure may pass, an expired link included.
            FetchError: If it will not.
        """
        self._adapter.download_headers = headers or {}
        function: Any = self._client
        for part in method.split("."):
            function = getattr(function, part)
        try:
            with network_errors("Kaggle", self._patience), _quiet():
                try:
                    answer = function(request)
                except requests.HTTPError as error:
                    if error.response is None:
                        raise
                    answer = error.response
                except json.JSONDecodeError:
                    raise FetchError(
                        "Kaggle's address answers with something that is not Kaggle's.",
                        "A login page of the network, perhaps: open any page in a browser, then try again.",
                    ) from None
        finally:
            self._adapter.download_headers = {}
        if not isinstance(answer, requests.Response):
            return answer
        return self._checked(answer, what)

    def _login(self, api_class: Any) -> Any:
        adapter = self._adapter

        class Api(api_class):  # type: ignore[misc]
            def build_kaggle_client(self) -> Any:
                client = super().build_kaggle_client()
                session = client.http_client()._init_session() or client.http_client()._session
                session.mount("https://", adapter)
                session.mount("http://", adapter)
                return client

        api = Api()
        try:
            with network_errors("Kaggle", self._patience):
                try:
                    api.authenticate()
                except requests.HTTPError as error:
                    if error.response is None:
                        raise
                    raise self._refused(error.response, "the login") from None
        except SystemExit:
            raise self._no_credentials() from None
        values = api.config_values
        legacy = values.get(api.CONFIG_NAME_USER) and values.get(api.CONFIG_NAME_KEY)
        if not (values.get(api.CONFIG_NAME_TOKEN) or legacy):
            raise self._no_credentials()
        return api

    def _no_credentials(self) -> FetchError:
        if os.environ.get("KAGGLE_API_TOKEN"):
            return FetchError(
                "Kaggle does not accept the token in KAGGLE_API_TOKEN.",
                f"Make a new one at {TOKEN_PAGE}. Or without Kaggle's API: {self._by_hand}",
            )
        return FetchError(
            "Kaggle gives its files to those who have an account, and no credentials were found.",
            f"Make a token at {TOKEN_PAGE} and put it into ~/.kaggle/access_token or the variable "
            f"KAGGLE_API_TOKEN. Or without a token: {self._by_hand}",
        )

    def _checked(self, answer: requests.Response, what: str) -> requests.Response:
        """See whether the API refused, or the storage that it redirected to."""
        first = answer.history[0].url if answer.history else ""
        if first.startswith("https:") and not (answer.url or "").startswith("https:"):
            answer.close()
            raise FetchError("Kaggle leads away from https, to a connection that anybody can change.")
        if answer.history and answer.status_code in (400, 401, 403):
            answer.close()
            raise TransientError(
                f"The link to {what} has expired ({answer.status_code}).",
                "Run the same command again; it goes on where it stopped.",
            )
        if not answer.history and answer.status_code >= 400:
            raise self._refused(answer, what)
        return answer

    def _refused(self, answer: requests.Response, what: str) -> FetchError:
        status = answer.status_code
        said = self._said(answer)
        later = "Run the same command again later; it goes on where it stopped."
        wait = retry_after(answer.headers.get("Retry-After"))
        answer.close()
        if status == 407:
            return proxy_refusal(status, "Kaggle")
        if status == 401:
            return FetchError(
                f"Kaggle does not know these credentials (401).{said}",
                f"Make a new token at {TOKEN_PAGE}. Or without Kaggle's API: {self._by_hand}",
            )
        if status == 403:
            rules = f"Accept the rules at {self._rules} in a browser, then run the same command again. "
            return FetchError(
                f"Kaggle does not hand out {what} to this account (403).{said}",
                f"{rules}Or without Kaggle's API: {self._by_hand}" if self._rules else self._alone,
            )
        if status == 404:
            return FetchError(f"Kaggle has no {what} (404).{said}", self._alone)
        if status == 429:
            return TransientError("Kaggle has had too many requests (429).", later, wait)
        if status >= 500 or status == 408:
            return TransientError(f"Kaggle has a fault of its own ({status}).", later, wait)
        return FetchError(f"Kaggle refuses {what} ({status}).{said}", self._alone)

    def _said(self, answer: requests.Response) -> str:
        """Kaggle's own words for a refusal, if there are any, without what is secret."""
        try:
            message = str(answer.json()["message"])
        except (ValueError, KeyError, TypeError, requests.RequestException):
            return ""
        for secret in self._secrets:
            message = message.replace(secret, "***")
        message = "".join(letter if letter.isprintable() else " " for letter in message)[:200].strip()
        return f" Kaggle says: {message.rstrip('.')}." if message else ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
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


def _import_client() -> Any:
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
        raise FetchError(
            f"Kaggle's client does not start: {error.filename}: {error.strerror}.",
            "Name a folder that it may write to in KAGGLE_CONFIG_DIR.",
        ) from None
    except (ImportError, SystemExit) as error:
        raise FetchError(
            f"Kaggle's client does not start: {error}.", "Install it with: pip install 'kaggle>=2.2.4,<3' six"
        ) from None
    return KaggleApi


def _point_out_open_files(config: Path) -> None:
    candidates = [config]
    with contextlib.suppress(RuntimeError):  # without a home folder there is nothing in it
        kept = Path.home() / ".kaggle"
        candidates += [kept / "kaggle.json", kept / "access_token", kept / "credentials.json"]
    for path in dict.fromkeys(candidates):
        with contextlib.suppress(OSError):
            if os.name != "nt" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                note(f"{path} can be read by others on this machine; close it with: chmod 600 {path}")
