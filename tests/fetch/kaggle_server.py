"""A server on 127.0.0.1 that speaks Kaggle's calls, hands out files as its storage does, and fails on demand.

It also takes the absolute-form requests of a client that thinks it is a proxy, so that the unmodified
command can be pointed at it by environment alone, and it serves as a plain https mirror (without the s).
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import itertools
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

USER, KEY, TOKEN = "ada", "key-that-must-stay-secret", "token-that-must-stay-secret"
SIGNATURE = "signature-that-must-stay-secret"
REFRESH = "refresh-token-that-must-stay-secret"
SECRETS = (KEY, TOKEN, REFRESH, SIGNATURE, base64.b64encode(f"{USER}:{KEY}".encode()).decode())
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"


class KaggleServer:
    """The server, in threads of this process.

    With a certificate (a file with its key) it speaks TLS.

    Faults are words, one for each request, used up in order; when they are used up the server is honest.

    Attributes:
        files: Content by name.
        listed: Names that ListDataFiles tells; all of `files` if None.
        api: Faults of the calls: a status such as `403`, `429 7` (with Retry-After), `html`, `silent`, `cut`.
        storage: Faults of the files: the same, and `cut` (half of what is left), `cut 100` (after 100 bytes),
            `nothing` (headers and no body), `silent` (after half), `mute` (from the beginning), `corrupt`,
            `whole` (Range ignored), `wrong range`, `other file`, `slow`, `chunked`, `page` (HTML).
        hashes: Whether `x-goog-hash` tells the MD5.
        etags: Whether the storage gives entity tags.
        sent: Content that is sent for a name in place of the file itself.
        sizes: Sizes that are claimed, in place of the true ones.
        requests: What was requested: method, path and headers.
        bodies: The arguments of the calls.
    """

    def __init__(self, files: dict[str, bytes], certificate: Path | None = None) -> None:
        self.files = files
        self.listed: list[str] | None = None
        self.api: Iterator[str] = iter(())
        self.storage: Iterator[str] = iter(())
        self.hashes = True
        self.etags = True
        self.sent: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[dict[str, Any]] = []
        self.arrived = threading.Event()
        self.closing = threading.Event()
        self.signatures = itertools.count(1)
        self.valid: set[str] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def fail(self, where: str, *words: str, always: bool = False) -> None:
        """Set the faults of `api` or `storage`; with `always` the last one stays."""
        faults: Iterable[str] = itertools.chain(words, itertools.repeat(words[-1])) if always else words
        setattr(self, where, iter(faults))

    def environment(self) -> dict[str, str]:
        """What makes an unmodified command take this server for Kaggle."""
        address = f"http://127.0.0.1:{self.port}"
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "http_proxy": address,
            "no_proxy": "127.0.0.1",
            "KAGGLE_USERNAME": USER,
            "KAGGLE_KEY": KEY,
        }

    def mirror(self) -> str:
        """The address of a folder with the files."""
        return f"{self._scheme}://127.0.0.1:{self.port}/mirror"

    def headers_of(self, part: str) -> list[dict[str, str]]:
        """The headers of the requests whose path holds `part`."""
        return [headers for _, path, headers in self.requests if part in path]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    owner: KaggleServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of this server."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def owner(self) -> KaggleServer:
        return self.server.owner

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        call = urlsplit(self.path).path.rpartition("/")[2]
        self.owner.requests.append(("POST", call, dict(self.headers)))
        self.owner.bodies.append(body)
        fault = next(self.owner.api, "")
        if fault:
            self._fail(fault)
        elif call == "IntrospectToken":
            self._json({"active": body.get("token") == TOKEN, "username": USER})
        elif call == "GenerateAccessToken" and body.get("refreshToken") == REFRESH:
            self._json({"token": TOKEN, "expiresIn": 43200})
        elif not self._known():
            self._json({"code": 401, "message": "Unauthenticated"}, 401)
        elif call == "ListDataFiles":
            names = sorted(self.owner.files if self.owner.listed is None else self.owner.listed)
            first = body.get("pageToken") or ""
            page = [name for name in names if name > first][:2]  # small pages, so that the token is needed
            sizes = {name: len(content) for name, content in self.owner.files.items()} | self.owner.sizes
            files = [{"ref": name, "name": name, "totalBytes": sizes[name]} for name in page]
            rest = [name for name in names if page and name > page[-1]]
            self._json({"files": files, "nextPageToken": page[-1] if rest else ""})
        elif call == "DownloadDataFile":
            self._redirect(body["fileName"])
        elif call == "DownloadDataset":
            self._redirect(f"{body['datasetSlug']}.zip")
        else:
            self._json({"code": 404, "message": "Not found"}, 404)

    def do_CONNECT(self) -> None:
        self._send(b"", int(next(self.owner.storage, "407")), "text/plain")

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.owner.requests.append(("GET", parts.path, dict(self.headers)))
        if parts.path.startswith("/storage/"):
            signature = parse_qs(parts.query).get("X-Goog-Signature", [""])[0]
            if signature not in self.owner.valid:
                self._send(
                    b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>", 403, "application/xml"
                )
                return
            self.owner.valid.discard(signature)  # a link is good for one request
        name = parts.path.rpartition("/")[2]
        if name not in self.owner.files:
            self._send(b"no such file", 404, "text/plain")
            return
        self._file(name, next(self.owner.storage, ""))

    def _known(self) -> bool:
        given = self.headers.get("Authorization", "")
        basic = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
        return given in (f"Basic {basic}", f"Bearer {TOKEN}")

    def _redirect(self, name: str) -> None:
        if name not in self.owner.files:
            self._json({"code": 404, "message": "File not found"}, 404)
            return
        signature = f"{SIGNATURE}-{next(self.owner.signatures)}"
        self.owner.valid.add(signature)
        # Through a proxy the storage has a name of its own; without one it is this server.
        host = "storage.invalid" if self.path.startswith("http://") else f"127.0.0.1:{self.owner.port}"
        self.send_response(302)
        self.send_header("Location", f"http://{host}/storage/{name}?X-Goog-Signature={signature}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self, name: str, fault: str) -> None:
        content = self.owner.sent.get(name, self.owner.files[name])
        if fault == "corrupt":
            middle = len(content) // 2
            content = (
                content[:middle]
                + bytes(255 - byte for byte in content[middle : middle + 40])
                + content[middle + 40 :]
            )
        elif fault[:3].isdigit() or fault in ("html", "page"):
            self._fail(fault)
            return
        digest = hashlib.md5(self.owner.files[name] if fault == "corrupt" else content).digest()
        tag = f'"{digest.hex()}"'
        start = 0
        requested = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        guard = self.headers.get("If-Range")
        if requested and fault != "whole" and guard in (None, tag):
            start = int(requested[1])
        if start >= len(content) > 0 and start:
            self._send(b"", 416, "text/plain")
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        shown = start + 1 if fault == "wrong range" else start
        if start:
            self.send_header("Content-Range", f"bytes {shown}-{len(content) - 1}/{len(content)}")
        if self.owner.etags:
            self.send_header("ETag", '"another"' if fault == "other file" else tag)
        if self.owner.hashes:
            self.send_header("x-goog-hash", "crc32c=AAAAAA==")
            self.send_header("x-goog-hash", f"md5={base64.b64encode(digest).decode()}")
        self.send_header("Content-Type", "application/zip")
        if fault == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for offset in range(0, len(body), 50_000):
                piece = body[offset : offset + 50_000]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(self.owner.sizes.get(name, len(body))))
        self.end_headers()
        self._body(body, fault, start)

    def _body(self, body: bytes, fault: str, start: int) -> None:
        if fault.startswith("cut"):
            until = int(fault[4:]) - start if fault[4:] else len(body) // 2
            self.wfile.write(body[: max(0, until)])
            self._hang_up()
        elif fault == "nothing":
            self._hang_up()
        elif fault == "mute":
            self._wait()
        elif fault == "silent":
            self.wfile.write(body[: len(body) // 2])
            self.owner.arrived.set()
            self._wait()
        elif fault == "slow":
            for offset in range(0, len(body), 20_000):
                self.wfile.write(body[offset : offset + 20_000])
                if offset > len(body) // 3:
                    self.owner.arrived.set()
                    time.sleep(0.05)
        else:
            self.wfile.write(body)

    def _fail(self, fault: str) -> None:
        status, _, value = fault.partition(" ")
        if status in ("html", "page"):
            self._send(PAGE, 200, "text/html; charset=utf-8" if status == "html" else "application/zip")
        elif status == "silent":
            self._wait()
        elif status == "cut":
            self._hang_up()
        else:
            reason = f"You must accept the rules, {KEY}" if status in ("400", "403") else "as asked for"
            self._json({"code": int(status), "message": reason}, int(status), value)

    def _wait(self) -> None:
        """Be silent until the client hangs up or the test is over."""
        self.connection.settimeout(0.05)
        while not self.owner.closing.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.close_connection = True

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _json(self, values: dict[str, Any], status: int = 200, retry_after: str = "") -> None:
        self._send(json.dumps(values).encode(), status, "application/json", retry_after)

    def _send(self, body: bytes, status: int, kind: str, retry_after: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)
