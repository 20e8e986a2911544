"""The login at Kaggle, with whichever credentials a person has saved."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from galaxynet.fetching.errors import FetchError, TransientError
from galaxynet.fetching.http_errors import network_errors, proxy_refusal
from galaxynet.fetching.kaggle_client import Adapter, import_client, quiet, readable_token
from galaxynet.fetching.kaggle_credentials import (
    TOKEN_FILES,
    TOKEN_PAGE,
    check_characters,
    read_config,
)
from galaxynet.fetching.notes import note
from galaxynet.fetching.patience import Patience, retry_after


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
        with quiet(), readable_token():
            api = self._login(import_client())
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
            with network_errors("Kaggle", self._patience), quiet():
                try:
                    answer = function(request)
                except requests.HTTPError as error:
                    if error.response is None:
                        raise
                    answer = error.response
                except json.JSONDecodeError:
                    raise _not_kaggle() from None
        finally:
            self._adapter.download_headers = {}
        if not isinstance(answer, requests.Response):
            return answer
        return self._checked(answer, what)

    def _login(self, api_class: Any) -> Any:
        adapter = self._adapter

        class Api(api_class):  # type: ignore[misc]
            fault = ""

            def read_config_file(self, config_data: Any = None, quiet: bool = False) -> dict[str, Any]:
                values, self.fault = read_config(Path(self.config))
                return {**(config_data or {}), **values}

            def build_kaggle_client(self) -> Any:
                client = super().build_kaggle_client()
                session = client.http_client()._init_session() or client.http_client()._session
                session.mount("https://", adapter)
                session.mount("http://", adapter)
                return client

        api = Api()
        token = _token_place()
        try:
            with network_errors("Kaggle", self._patience):
                try:
                    api.authenticate()
                except requests.HTTPError as error:
                    if error.response is None:
                        raise
                    raise self._refused(error.response, "the login") from None
                except json.JSONDecodeError:
                    raise _not_kaggle() from None
        except SystemExit:
            raise self._no_credentials(api, token) from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            if api.fault:  # the client reads the file once more, in another way
                raise self._no_credentials(api, token) from None
            raise FetchError(
                "~/.kaggle/credentials.json is damaged.",
                "Remove it, and log in again with: kaggle auth login",
            ) from None
        values = api.config_values
        for name, what in ((api.CONFIG_NAME_USER, "user name"), (api.CONFIG_NAME_KEY, "key")):
            if isinstance(values.get(name), str) and not token:
                variable = f"KAGGLE_{name.upper()}"
                values[name] = values[name].strip()
                check_characters(
                    values[name],
                    f"The {what} in {variable if os.environ.get(variable) else api.config}",
                )
        legacy = values.get(api.CONFIG_NAME_USER) and values.get(api.CONFIG_NAME_KEY)
        if not (values.get(api.CONFIG_NAME_TOKEN) or legacy):
            raise self._no_credentials(api, token)
        return api

    def _no_credentials(self, api: Any, token: str) -> FetchError:
        if token:
            return FetchError(
                f"Kaggle does not accept the token in {token}.",
                f"Make a new one at {TOKEN_PAGE}. Or without Kaggle's API: {self._by_hand}",
            )
        by_hand = f"Or without a token: {self._by_hand}"
        pair = ("KAGGLE_USERNAME", "KAGGLE_KEY")
        given = [name for name in pair if os.environ.get(name)]
        if len(given) == 1:
            (missing,) = set(pair) - set(given)
            return FetchError(f"{given[0]} is set and {missing} is not.", f"Set both. {by_hand}")
        if api.fault:
            return FetchError(
                f"{api.config} {api.fault}, so Kaggle cannot be asked with it.",
                f"Make a new one at {TOKEN_PAGE} and put it there. {by_hand}",
            )
        return FetchError(
            "Kaggle gives its files to those who have an account, and no credentials were found.",
            f"Make a token at {TOKEN_PAGE} and put it into ~/.kaggle/access_token or the variable "
            f"KAGGLE_API_TOKEN. {by_hand}",
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


def _not_kaggle() -> FetchError:
    return FetchError(
        "Kaggle's address answers with something that is not Kaggle's.",
        "A login page of the network, perhaps: open any page in a browser, then try again.",
    )


def _token_place() -> str:
    """Where the token is that the client would log in with; empty if there is none.

    Raises:
        FetchError: If it cannot be read, or is none.
    """
    from kagglesdk.kaggle_env import get_access_token_from_env

    try:
        token, place = get_access_token_from_env()
    except (OSError, UnicodeDecodeError):
        raise FetchError(
            f"Kaggle's token cannot be read from KAGGLE_API_TOKEN or {TOKEN_FILES[0]}.",
            f"Copy it again from {TOKEN_PAGE}.",
        ) from None
    if not token:
        return ""
    place = TOKEN_FILES[0] if place == "access_token" else str(place)
    check_characters(token, f"The token in {place}")
    return place


def _point_out_open_files(config: Path) -> None:
    candidates = [config]
    with contextlib.suppress(RuntimeError):  # without a home folder there is nothing in it
        kept = Path.home() / ".kaggle"
        candidates += [kept / "kaggle.json", kept / "access_token", kept / "credentials.json"]
    for path in dict.fromkeys(candidates):
        with contextlib.suppress(OSError):
            if os.name != "nt" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                note(f"{path} can be read by others on this machine; close it with: chmod 600 {path}")
