"""Connections that fail before a byte arrives: certificates and proxies. The blame is where the fault is."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from kaggle_server import KaggleServer
from made import GALAXIES, QUICK, challenge, mirrored, on_disk, whole
from urllib3 import exceptions as urllib3_errors

from galaxynet.errors import GalaxynetError, is_disk_error
from galaxynet.fetching import kaggle_api
from galaxynet.fetching.errors import DiskError, disk_errors
from galaxynet.fetching.fetch import fetch
from galaxynet.fetching.http_errors import network_errors
from galaxynet.fetching.request import FetchRequest

Stranger = Callable[..., Any]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [openssl, *words.split(), "-keyout", str(path), "-out", str(path.with_suffix(".crt"))],
        check=True,
        capture_output=True,
    )
    with path.open("a") as stream:
        stream.write(path.with_suffix(".crt").read_text())
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[KaggleServer]:
    """A mirror over TLS."""
    with KaggleServer(challenge(), certificate) as running:
        yield running


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.delenv(name)


def refused(plugin: Any, data: Path) -> GalaxynetError:
    """The error of a fetch that leaves nothing and does not speak of the disk."""
    with pytest.raises(GalaxynetError) as raised:
        fetch(FetchRequest(plugin, data, policy=QUICK))
    assert not isinstance(raised.value, DiskError)
    assert ".part" not in str(raised.value)
    assert on_disk(data / "stars") == []
    return raised.value


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("source", ["https", "kaggle"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, r"bundle\.pem is missing"),
        ("my certificates", r"bundle\.pem contains no certificates in PEM format"),
    ],
)
def test_a_bundle_that_cannot_be_used_is_named(
    stranger: Stranger,
    secure: KaggleServer,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    content: str | None,
    reason: str,
) -> None:
    """A bundle of certificates that is missing or damaged is named with its variable, not the download."""
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    plugin = stranger(GALAXIES if source == "kaggle" else mirrored(secure.mirror()))
    if source == "kaggle":
        monkeypatch.setitem(kaggle_api.ENDPOINTS, "PROD", f"https://127.0.0.1:{secure.port}/v1")
        monkeypatch.setenv("KAGGLE_USERNAME", "ada")
        monkeypatch.setenv("KAGGLE_KEY", "abc")
    error = refused(plugin, data)
    assert error.message.startswith("The certificates named in REQUESTS_CA_BUNDLE cannot be used: ")
    assert re.search(reason, error.message)
    assert "unset REQUESTS_CA_BUNDLE" in error.hint


@pytest.mark.promise("Fetching")
def test_an_untrusted_certificate_is_told_from_a_damaged_bundle(
    stranger: Stranger, secure: KaggleServer, data: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An untrusted certificate is refused, unless REQUESTS_CA_BUNDLE names it."""
    plugin = stranger(mirrored(secure.mirror()))
    error = refused(plugin, data)
    assert error.message == "The certificate of 127.0.0.1 is not trusted."
    assert "REQUESTS_CA_BUNDLE" in error.hint
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    fetch(FetchRequest(plugin, data, policy=QUICK))
    assert whole(data)


@pytest.mark.promise("Fetching")
def test_a_certificate_for_another_name_is_called_so(
    stranger: Stranger, secure: KaggleServer, data: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trusted certificate of another server points to a login page, not to a bundle."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    plugin = stranger(mirrored(secure.mirror().replace("127.0.0.1", "localhost")))
    assert refused(plugin, data).message == "The certificate of localhost is for another name."


@pytest.mark.promise("Fetching")
def test_plain_http_behind_https_is_no_certificate(
    stranger: Stranger, server: KaggleServer, data: Path
) -> None:
    """A server that does not speak TLS at all is not said to have a bad certificate."""
    plugin = stranger(mirrored(server.mirror().replace("http:", "https:")))
    assert "The encrypted connection to 127.0.0.1 failed." in refused(plugin, data).message


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_a_socks_proxy_says_what_to_install(
    stranger: Stranger, server: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A SOCKS proxy without its package is one sentence with the command that installs it."""
    monkeypatch.setenv(variable, "socks5h://ada:secret@127.0.0.1:9")
    error = refused(stranger(mirrored(server.mirror())), data)
    assert error.message == f"{variable} names a SOCKS proxy, and PySocks is not installed."
    assert "pip install PySocks" in error.hint
    assert "secret" not in str(error)


@pytest.mark.promise("Fetching")
def test_a_socks_proxy_that_is_gone_is_to_blame() -> None:
    """A SOCKS proxy that does not answer is named, and not the server behind it."""

    class ProxyConnectionError(OSError):
        """As PySocks raises it."""

    refused = urllib3_errors.NewConnectionError("pool", "Failed to establish a new connection")
    refused.__context__ = ProxyConnectionError("Error connecting to SOCKS5 proxy")
    with (
        pytest.raises(GalaxynetError, match="The proxy on the way to Kaggle"),
        network_errors("Kaggle", QUICK),
    ):
        raise requests.exceptions.ConnectionError(urllib3_errors.MaxRetryError("pool", "/", refused))


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("address", ["http:///stars", "ftp://127.0.0.1:9", "http://ada:secret@proxy:port"])
def test_a_proxy_that_is_none_is_named_by_its_variable(
    stranger: Stranger, server: KaggleServer, data: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A variable that names no proxy is to blame, and its value, which can hold a password, is not shown."""
    monkeypatch.setenv("http_proxy", address)
    error = refused(stranger(mirrored(server.mirror())), data)
    assert error.message == "http_proxy does not name a usable proxy."
    assert address not in str(error)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    ("status", "reason"),
    [("407", "It requires a name and a password"), ("403", "http_proxy and https_proxy")],
)
def test_a_proxy_that_refuses_is_not_called_absent(
    stranger: Stranger,
    server: KaggleServer,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: str,
    reason: str,
) -> None:
    """A proxy that refuses has another error than a proxy that does not answer."""
    server.fail("storage", status, always=True)
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{server.port}")
    error = refused(stranger(mirrored("https://stars.invalid/data")), data)
    assert error.message == f"The proxy on the way to stars.invalid refuses the connection ({status})."
    assert reason in error.hint


NETWORK = [
    OSError("Could not find a suitable TLS CA certificate bundle"),
    OSError(errno.ENETUNREACH, "Network is unreachable"),
    OSError(errno.EHOSTUNREACH, "No route to host"),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    TimeoutError(errno.ETIMEDOUT, "timed out"),
    ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]"),
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    requests.exceptions.ConnectionError("signed-link"),
    requests.exceptions.ChunkedEncodingError(urllib3_errors.ProtocolError("signed-link")),
    requests.exceptions.InvalidURL("signed-link"),
    requests.exceptions.TooManyRedirects("signed-link"),
    urllib3_errors.LocationParseError("signed-link"),
]


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize("error", NETWORK, ids=lambda error: type(error).__name__)
def test_a_networks_failure_is_never_the_disks(tmp_path: Path, error: Exception) -> None:
    """No failure of a connection is reported as one of the disk, and none shows the address it was for."""
    assert not is_disk_error(error)
    with pytest.raises(GalaxynetError) as raised, disk_errors(tmp_path), network_errors("stars", QUICK):
        raise error
    assert not isinstance(raised.value, DiskError)
    assert str(tmp_path) not in str(raised.value)
    assert "signed-link" not in str(raised.value)
    with pytest.raises(type(error)), disk_errors(tmp_path):
        raise error


@pytest.mark.promise("Fetching")
def test_a_disks_failure_is_the_disks(tmp_path: Path) -> None:
    """What the system says of a file stays a failure of the disk."""
    for number in (errno.ENOSPC, errno.EACCES, errno.EIO):
        with pytest.raises(DiskError), disk_errors(tmp_path):
            raise OSError(number, os.strerror(number))
