"""What a server's answer, or its silence, means for a person.

No sentence here is made from the text of an exception or from a whole address: those can carry a signed
link or a key.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
from urllib3 import exceptions as urllib3_errors

from galaxynet.fetch.faults import FetchError, TransientError
from galaxynet.fetch.patience import Patience, retry_after


def host(address: str | None) -> str:
    """The host of an address, without a user, a path or a query."""
    return urlsplit(address or "").hostname or "the server"


def plain(address: str) -> str:
    """An address without its user, query and fragment, for receipts."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


@contextlib.contextmanager
def network_errors(server: str, patience: Patience) -> Iterator[None]:
    """Turn the failures of a connection into sentences.

    Raises:
        TransientError: If it may pass.
        FetchError: If it will not: a certificate that is not trusted.
    """
    try:
        yield
    except (requests.RequestException, urllib3_errors.HTTPError) as error:
        # Not chained: the text of these exceptions holds the whole address.
        raise _translated(error, server, patience) from None


def _translated(error: Exception, server: str, patience: Patience) -> FetchError:
    causes = list(_causes(error))
    kinds = tuple(type(cause) for cause in causes)

    def any_of(*wanted: type[BaseException]) -> bool:
        return any(issubclass(kind, wanted) for kind in kinds)

    offline = "Look at the network connection, then run the same command again; it goes on where it stopped."
    if any_of(requests.exceptions.SSLError, urllib3_errors.SSLError):
        return FetchError(
            f"The certificate of {server} is not trusted.",
            "A proxy may stand between: name its certificate in REQUESTS_CA_BUNDLE.",
        )
    if any_of(requests.exceptions.ProxyError, urllib3_errors.ProxyError):
        return TransientError(
            f"The proxy on the way to {server} does not answer.",
            "Look at the variables http_proxy and https_proxy.",
        )
    if any_of(urllib3_errors.NameResolutionError):
        return TransientError(f"The address of {server} cannot be found: no network, or no DNS.", offline)
    if any_of(ConnectionRefusedError):
        return TransientError(f"{server} refuses the connection.", offline)
    if any_of(requests.exceptions.ConnectTimeout, urllib3_errors.ConnectTimeoutError):
        return TransientError(f"{server} did not answer in {patience.timeout[0]:g} s.", offline)
    if any_of(requests.exceptions.Timeout, urllib3_errors.TimeoutError, TimeoutError):
        return TransientError(f"{server} was silent for {patience.silence:g} s.", offline)
    if any_of(urllib3_errors.NewConnectionError):
        return TransientError(f"{server} cannot be reached.", offline)
    if any_of(
        urllib3_errors.ProtocolError,
        ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ConnectionError,
    ):
        return TransientError(f"{server} broke off the connection.", offline)
    return FetchError(f"{server} cannot be asked ({type(error).__name__}).")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it wraps: requests and urllib3 keep the real one in arguments and reasons."""
    seen: set[int] = set()
    left: list[object] = [error]
    while left:
        cause = left.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        left += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def refusal(status: int, server: str, headers: object, what: str) -> FetchError:
    """The error for a status that is no success.

    Args:
        status: The HTTP status.
        server: The host that answered.
        headers: The answer's headers.
        what: What was asked for.
    """
    get = getattr(headers, "get", lambda _name: None)
    later = "Run the same command again later; it goes on where it stopped."
    if status == 429:
        return TransientError(
            f"{server} has had too many requests (429).", later, wait=retry_after(get("Retry-After"))
        )
    if status >= 500 or status == 408:
        return TransientError(
            f"{server} has a fault of its own ({status}).", later, wait=retry_after(get("Retry-After"))
        )
    if status in (404, 410):
        return FetchError(f"{server} has no {what} ({status}).")
    return FetchError(f"{server} does not hand out {what} ({status}).")
