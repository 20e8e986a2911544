"""Translation of network failures and HTTP statuses into sentences.

No sentence is made from the text of an exception or from a whole URL: those can contain a signed link, a key
or a proxy's password.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import certifi
import requests
from urllib3 import exceptions as urllib3_errors
from urllib3.util import parse_url

from galaxynet.fetching.errors import FetchError, TransientError
from galaxynet.fetching.retry import RetryPolicy, retry_after

_OFFLINE = "Check the network connection, then run the same command again; it continues where it stopped."
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
# OpenSSL's error numbers (x509_vfy.h) that the user can do something about.
_CERTIFICATE_FAULTS = {
    9: ("is not valid yet", "Check the date and time of this computer."),
    10: ("has expired", "Check the date and time of this computer; if they are right, try again later."),
    62: ("is for another name", "It may be a login page of the network: open any page in a browser."),
}


def host(address: str | None) -> str:
    """The host of an address, without a user, a path or a query."""
    return urlsplit(address or "").hostname or "the server"


def without_secrets(address: str) -> str:
    """An address without its user, query and fragment, for receipts."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


@contextlib.contextmanager
def network_errors(server: str, policy: RetryPolicy) -> Iterator[None]:
    """Translate the failures of a connection.

    Every `OSError` in the block counts as the network's, except those that name a file.

    Raises:
        TransientError: If the failure may pass.
        FetchError: If it will not: an untrusted certificate, an unusable proxy.
    """
    try:
        yield
    except (OSError, urllib3_errors.HTTPError) as error:
        # Not chained: the text of these exceptions contains the whole URL.
        raise _translated(error, server, policy) from None


def _translated(error: OSError | urllib3_errors.HTTPError, server: str, policy: RetryPolicy) -> FetchError:
    causes = list(_causes(error))

    def any_of(*types: type[BaseException]) -> bool:
        return any(isinstance(cause, types) for cause in causes)

    secure = any_of(ssl.SSLError, requests.exceptions.SSLError, urllib3_errors.SSLError)
    unnamed = not isinstance(error, requests.RequestException | urllib3_errors.HTTPError)
    # A missing bundle is a plain OSError without a number.
    if (secure or (unnamed and getattr(error, "errno", None) is None)) and (fault := _bundle_error()):
        return fault
    invalid = any_of(
        requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, urllib3_errors.LocationValueError
    )
    if invalid and (fault := _proxy_error()):
        return fault
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate_error(cause, server)
        if isinstance(cause, OSError) and (match := _TUNNEL.match(str(cause))):
            return proxy_refusal(int(match[1]), server)
    # PySocks, which need not be installed, has an exception of its own for a proxy that cannot be reached.
    no_proxy = any(type(cause).__name__ == "ProxyConnectionError" for cause in causes)
    if no_proxy or any_of(requests.exceptions.ProxyError, urllib3_errors.ProxyError):
        return TransientError(
            f"The proxy on the way to {server} does not answer.",
            "Check the variables http_proxy and https_proxy.",
        )
    if secure:
        return TransientError(
            f"The encrypted connection to {server} failed.",
            f"A proxy or a firewall may stand between. {_OFFLINE}",
        )
    if any_of(urllib3_errors.NameResolutionError):
        return TransientError(f"The address of {server} cannot be found: no network, or no DNS.", _OFFLINE)
    if any_of(ConnectionRefusedError):
        return TransientError(f"{server} refuses the connection.", _OFFLINE)
    if any_of(requests.exceptions.ConnectTimeout, urllib3_errors.ConnectTimeoutError):
        return TransientError(f"{server} did not answer in {policy.timeout[0]:g} s.", _OFFLINE)
    if any_of(requests.exceptions.Timeout, urllib3_errors.TimeoutError, TimeoutError):
        return TransientError(f"{server} was silent for {policy.read_timeout:g} s.", _OFFLINE)
    if any_of(urllib3_errors.NewConnectionError):
        return TransientError(f"{server} cannot be reached.", _OFFLINE)
    if any_of(
        urllib3_errors.ProtocolError,
        ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ConnectionError,
    ):
        return TransientError(f"{server} broke off the connection.", _OFFLINE)
    if any_of(requests.exceptions.TooManyRedirects):
        return FetchError(f"{server} redirects in a loop.", "Try again later, or use another source.")
    if invalid:
        return FetchError(f"{server} leads to an invalid URL.", "Try again later, or use another source.")
    if isinstance(error, OSError) and error.filename:
        return FetchError(f"{error.filename} cannot be read: {error.strerror}.")
    if unnamed:
        return TransientError(f"{server} cannot be reached.", _OFFLINE)
    return FetchError(f"{server} cannot be reached ({type(error).__name__}).")


def _bundle_error() -> FetchError | None:
    """What is wrong with the file of trusted certificates that requests reads; None if nothing is."""
    variable = next((name for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(name)), "")
    bundle = Path(os.environ[variable] if variable else certifi.where())
    if not bundle.exists():
        reason = "is missing"
    else:
        try:
            if bundle.is_file():
                ssl.create_default_context(cafile=str(bundle))
            return None
        except ssl.SSLError:
            reason = "contains no certificates in PEM format"
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
    if variable:
        return FetchError(
            f"The certificates named in {variable} cannot be used: {bundle} {reason}.",
            f"Name a file of certificates in PEM format, or unset {variable}.",
        )
    return FetchError(
        f"Python's own certificates cannot be used: {bundle} {reason}.",
        "Install them again: pip install --force-reinstall certifi",
    )


def _proxy_error() -> FetchError | None:
    """What is wrong with the variables that name a proxy; None if nothing is."""
    for scheme, address in getproxies().items():
        if scheme not in ("http", "https", "all"):
            continue
        variable = f"{scheme}_proxy"
        try:
            proxy = parse_url(address if "://" in address else f"http://{address}")
        except urllib3_errors.LocationParseError:
            proxy = None
        if proxy and (proxy.scheme or "").startswith("socks"):
            if importlib.util.find_spec("socks") is None:
                return FetchError(
                    f"{variable} names a SOCKS proxy, and PySocks is not installed.",
                    f"Install it with: pip install PySocks. Or unset {variable}.",
                )
        elif not proxy or not proxy.host or proxy.scheme not in ("http", "https"):
            # Its value is not shown: it can contain a password.
            return FetchError(
                f"{variable} does not name a usable proxy.",
                f"Set it to http://HOST:PORT, or unset {variable}.",
            )
    return None


def _certificate_error(error: ssl.SSLCertVerificationError, server: str) -> FetchError:
    reason, hint = _CERTIFICATE_FAULTS.get(
        error.verify_code,
        ("is not trusted", "A proxy may stand between: name its certificate in REQUESTS_CA_BUNDLE."),
    )
    return FetchError(f"The certificate of {server} {reason}.", hint)


def proxy_refusal(status: int, server: str) -> FetchError:
    """The error for a proxy that rejects a request.

    Args:
        status: The HTTP status.
        server: The host that was requested.
    """
    message = f"The proxy on the way to {server} refuses the connection ({status})."
    if status == 407:
        return FetchError(
            message, "It requires a name and a password: https_proxy=http://NAME:PASSWORD@HOST:PORT"
        )
    if status >= 500:
        return TransientError(message, _OFFLINE)
    return FetchError(message, "Check the variables http_proxy and https_proxy.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it wraps: requests and urllib3 keep the cause in arguments and reasons."""
    seen: set[int] = set()
    pending: list[object] = [error]
    while pending:
        cause = pending.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        pending += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def refusal(status: int, server: str, headers: Mapping[str, str], what: str) -> FetchError:
    """The error for an unsuccessful status.

    Args:
        status: The HTTP status.
        server: The host that answered.
        headers: The response's headers.
        what: What was requested.
    """
    later = "Run the same command again later; it continues where it stopped."
    wait = retry_after(headers.get("Retry-After"))
    if status == 407:
        return proxy_refusal(status, server)
    if status == 429:
        return TransientError(f"{server} has had too many requests (429).", later, wait)
    if status >= 500 or status == 408:
        return TransientError(f"{server} has an internal error ({status}).", later, wait)
    if status in (404, 410):
        return FetchError(f"{server} has no {what} ({status}).")
    return FetchError(f"{server} does not give {what} ({status}).")
