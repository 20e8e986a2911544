"""The calls of Kaggle's API that a fetch needs.

They are those of Kaggle's own client (kagglesdk 0.1.37), which is not used itself: it has no time-outs,
logs in while it is imported, prints to standard output and ends the process if there are no credentials.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from galaxynet.fetching.errors import FetchError, TransientError
from galaxynet.fetching.http_errors import network_errors, refusal
from galaxynet.fetching.kaggle_credentials import (
    LOGIN_FILE,
    TOKEN_PAGE,
    find_key,
    find_login,
    find_token,
    warn_of_open_files,
)
from galaxynet.fetching.retry import RetryPolicy

ENDPOINTS = {
    "PROD": "https://api.kaggle.com/v1",
    "LOCALHOST": "http://localhost/api/v1",
}
"""Addresses of the API by the value of `KAGGLE_API_ENVIRONMENT`."""


class BearerAuth(AuthBase):
    """Authorization with an access token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class NoAuth(AuthBase):
    """No authorization, not even one from `.netrc`."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is."""
        return request


class KaggleApi:
    """A login at Kaggle.

    Args:
        policy: Time-outs.
        by_hand: How to get the files without Kaggle's API, for the hint of an error.
        rules: URL of the rules that the user has to accept; empty if there are none.

    Raises:
        FetchError: If there are no credentials, or Kaggle rejects them.
        TransientError: If the network fails while logging in with a token.
    """

    def __init__(self, policy: RetryPolicy, by_hand: str, rules: str = "") -> None:
        self._policy, self._by_hand, self._rules = policy, by_hand, rules
        self._endpoint = ENDPOINTS.get(os.environ.get("KAGGLE_API_ENVIRONMENT", ""), ENDPOINTS["PROD"])
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"galaxynet/{version('galaxynet')}"
        self._secrets: list[str] = []
        self._auth: AuthBase = NoAuth()
        self._auth = self._log_in()
        warn_of_open_files()

    def call(self, method: str, body: Mapping[str, Any], what: str) -> dict[str, Any]:
        """Make a call.

        Args:
            method: `service/call`, for example `competitions.CompetitionApiService/ListDataFiles`.
            body: Its arguments.
            what: What is asked for, for error messages.

        Raises:
            TransientError: If the failure may pass.
            FetchError: If it will not.
        """
        with self._post(method, body) as response:
            if response.status_code >= 400:
                raise self._refusal(response, what)
            with network_errors("Kaggle", self._policy):
                content = response.content
            try:
                values = json.loads(content)
            except ValueError:
                values = None
        if not isinstance(values, dict):
            raise FetchError(
                "Kaggle's address answers with something that is not from Kaggle.",
                "It may be a login page of the network: open any page in a browser, then try again.",
            )
        return values

    def download(
        self, method: str, body: Mapping[str, Any], what: str, headers: Mapping[str, str]
    ) -> requests.Response:
        """Request a file: a call that redirects to a signed link, which is opened without credentials.

        Args:
            method: As for `call`.
            body: As for `call`.
            what: As for `call`.
            headers: Headers for the storage that has the file.

        Returns:
            The response with any status of the storage, its body not read yet.

        Raises:
            TransientError: If the failure may pass, which includes an expired link.
            FetchError: If it will not.
        """
        response = self._post(method, body)
        if response.status_code >= 400:
            raise self._refusal(response, what)
        if not response.is_redirect:
            return response
        url = urljoin(response.url, response.headers["Location"])
        response.close()
        encrypted = response.url.startswith("https:")
        if not encrypted or url.startswith("https:"):
            with network_errors("Kaggle", self._policy):
                response = self._session.get(
                    url, headers=dict(headers), auth=NoAuth(), stream=True, timeout=self._policy.timeout
                )
            url = response.url
        if encrypted and not url.startswith("https:"):
            response.close()
            raise FetchError("Kaggle redirects from https to an unencrypted connection.")
        if response.status_code in (400, 401, 403):
            response.close()
            raise TransientError(
                f"The link to {what} has expired ({response.status_code}).",
                "Run the same command again; it continues where it stopped.",
            )
        return response

    def _post(self, method: str, body: Mapping[str, Any]) -> requests.Response:
        with network_errors("Kaggle", self._policy):
            return self._session.post(
                f"{self._endpoint}/{method}",
                json=dict(body),
                auth=self._auth,
                stream=True,
                allow_redirects=False,
                timeout=self._policy.timeout,
            )

    def _log_in(self) -> AuthBase:
        """The authorization with the first credentials that work: a token, a key, a saved login."""
        token = find_token()
        if token:
            self._secrets.append(token.value)
            if self._is_active(token.value):
                return BearerAuth(token.value)
        key, fault = find_key()
        if key:
            self._secrets.append(key[1])
            return HTTPBasicAuth(*key)
        login = find_login()
        if login:
            self._secrets += [login.refresh_token, *filter(None, [login.access_token])]
            return BearerAuth(login.access_token or self._new_access_token(login.refresh_token))
        if token:
            raise FetchError(
                f"Kaggle does not accept the token in {token.origin}.",
                f"Make a new one at {TOKEN_PAGE}. Or without Kaggle's API: {self._by_hand}",
            )
        if fault:
            way_out = (
                "Set both." if "is set" in fault else f"Make a new one at {TOKEN_PAGE} and put it there."
            )
            raise FetchError(fault, f"{way_out} Or without a token: {self._by_hand}")
        raise FetchError(
            "Kaggle requires an account, and no credentials were found.",
            f"Make a token at {TOKEN_PAGE} and put it into ~/.kaggle/access_token or the variable "
            f"KAGGLE_API_TOKEN. Or without a token: {self._by_hand}",
        )

    def _is_active(self, token: str) -> bool:
        self._auth = BearerAuth(token)
        try:
            answer = self.call("security.OAuthService/IntrospectToken", {"token": token}, "the login")
        except _RefusedError as error:
            if error.status in (400, 403, 404):
                return False
            raise
        return bool(answer.get("active") and answer.get("username"))

    def _new_access_token(self, refresh_token: str) -> str:
        self._auth = NoAuth()
        body = {
            "refreshToken": refresh_token,
            "apiVersion": "API_VERSION_V1",
            "expirationDuration": "43200s",
        }
        try:
            answer = self.call("users.AccountService/GenerateAccessToken", body, "the login")
        except _RefusedError as error:
            if error.status != 401:
                raise
            answer = {}
        token = answer.get("token")
        if not isinstance(token, str) or not token:
            raise FetchError(
                f"Kaggle does not accept the login in {LOGIN_FILE}.",
                f"Log in again with: kaggle auth login. Or without Kaggle's API: {self._by_hand}",
            )
        self._secrets.append(token)
        return token

    def _refusal(self, response: requests.Response, what: str) -> FetchError:
        status = response.status_code
        message = self._message(response)
        response.close()
        by_hand = f"{self._by_hand[:1].upper()}{self._by_hand[1:]}"
        if status in (407, 408, 429) or status >= 500:
            return refusal(status, "Kaggle", response.headers, what)
        if status == 401:
            return _RefusedError(
                f"Kaggle rejects these credentials (401).{message}",
                f"Make a new token at {TOKEN_PAGE}. Or without Kaggle's API: {self._by_hand}",
                status,
            )
        if status == 403:
            rules = f"Accept the rules at {self._rules} in a browser, then run the same command again. "
            return _RefusedError(
                f"Kaggle does not give {what} to this account (403).{message}",
                f"{rules}Or without Kaggle's API: {self._by_hand}" if self._rules else by_hand,
                status,
            )
        if status == 404:
            return _RefusedError(f"Kaggle has no {what} (404).{message}", by_hand, status)
        return _RefusedError(f"Kaggle refuses {what} ({status}).{message}", by_hand, status)

    def _message(self, response: requests.Response) -> str:
        """Kaggle's own words for a refusal, if there are any, without secrets."""
        try:
            message = str(response.json()["message"])
        except (ValueError, KeyError, TypeError, requests.RequestException):
            return ""
        for secret in self._secrets:
            message = message.replace(secret, "***")
        message = "".join(letter if letter.isprintable() else " " for letter in message)[:200].strip()
        return f" Kaggle says: {message.rstrip('.')}." if message else ""


class _RefusedError(FetchError):
    """A refusal by the API, with its status."""

    def __init__(self, message: str, hint: str, status: int) -> None:
        super().__init__(message, hint)
        self.status = status
