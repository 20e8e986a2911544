"""A download that goes on where it stopped, and believes a server only what it can check.

The protocol is RFC 9110: a part is gone on with by `Range`, guarded by `If-Range`, so that a file which
changed meanwhile arrives from its beginning and is never glued to the old one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from galaxynet import terminal
from galaxynet.errors import DataError
from galaxynet.fetching import errors
from galaxynet.fetching.archives import looks_like_web_page
from galaxynet.fetching.errors import FetchError, TransientError, check_space, disk_errors
from galaxynet.fetching.hashing import CHUNK, Digest
from galaxynet.fetching.http_errors import host, network_errors, refusal
from galaxynet.fetching.notes import note
from galaxynet.fetching.partial import Partial, State
from galaxynet.fetching.patience import Patience, Retries

_SMALLEST = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class Remote:
    """A file on a server.

    Attributes:
        name: What messages call it.
        source: Where it is, for the receipt; nothing secret.
        open: Asks for it with the given headers and returns the answer, its body not read yet. Each call
            makes a new request, so a signed link is always fresh.
        size: Its size in bytes where the publisher states it.
        md5: Its MD5 where the publisher states it.
    """

    name: str
    source: str
    open: Callable[[Mapping[str, str]], requests.Response]
    size: int | None = None
    md5: str = ""


def download(remote: Remote, path: Path, patience: Patience) -> Digest:
    """Download a file into `path`, going on with what is there already.

    Args:
        remote: The file.
        path: The `.part` file. It stays if the download fails, for the next call to go on with.
        patience: Time-outs and retries.

    Returns:
        Size and hashes of the whole file, which is on the disk then.

    Raises:
        FetchError: If it cannot be had.
        DataError: If all of it came, and its MD5 is not the one that was stated.
        KeyboardInterrupt: Passed on; the part stays.
    """
    with disk_errors(path, _room(path)), Partial(path, remote.source) as part, _Bar(remote.name) as bar:
        retries, furthest = Retries(patience), part.size
        if part.size:
            note(f"{remote.name}: going on at {errors.size(part.size)}")
        try:
            while not part.complete:
                try:
                    if _attempt(remote, part, patience, bar):
                        break
                except TransientError as error:
                    # New bytes are progress; those that only arrive again are not.
                    bar.close()
                    further, furthest = part.size > furthest, max(furthest, part.size)
                    retries.after(error, progress=further)
        except KeyboardInterrupt:
            of = f" of {errors.size(part.state.size)}" if part.state.size else ""
            bar.close()
            note(f"{remote.name}: stopped at {errors.size(part.size)}{of}; the same command goes on there")
            raise
        digest = part.finish()
        if part.state.md5 and digest.md5 != part.state.md5:
            raise DataError(
                f"{remote.name} arrived damaged: its MD5 is {digest.md5}, not {part.state.md5} as stated."
            )
        return digest


def _attempt(remote: Remote, part: Partial, patience: Patience, bar: _Bar) -> bool:
    """One request. True if the body came to its end."""
    headers = {"Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.state.validator:
            headers["If-Range"] = part.state.validator
    with remote.open(headers) as response:
        server = host(response.url)
        if response.status_code == 416:
            part.restart(State(remote.source))
            raise TransientError(f"{server} does not have the part that is asked for.")
        if response.status_code not in (200, 206):
            raise refusal(response.status_code, server, response.headers, remote.name)
        _refuse_page(response.headers.get("Content-Type", ""), b"", remote.name, server)
        if response.status_code == 206:
            _check_range(response, part, server, remote)
        else:
            _begin(response, part, server, remote)
        if part.state.size is not None:
            check_space(part.path.parent, part.state.size - part.size)
        bar.show(part)
        for chunk in _body(response, server, patience):
            if part.size == 0:
                _refuse_page("", chunk[:512], remote.name, server)
            part.write(chunk)
            bar.show(part)
    if part.state.size is not None and part.size != part.state.size:
        raise TransientError(
            f"{server} sent {errors.size(part.size)} of {errors.size(part.state.size)} of {remote.name}.",
            "Run the same command again later.",
        )
    return True


def _body(response: requests.Response, server: str, patience: Patience) -> Iterator[bytes]:
    """What arrives, in pieces as large as the line is fast: an interrupt loses half a second at most."""
    wanted = _SMALLEST
    while True:
        began = time.monotonic()
        with network_errors(server, patience):
            chunk = response.raw.read(wanted, decode_content=False)
        if not chunk:
            return
        yield chunk
        took = time.monotonic() - began
        if took < 0.05:
            wanted = min(2 * wanted, CHUNK)
        elif took > 0.5:
            wanted = max(wanted // 2, _SMALLEST)


def _begin(response: requests.Response, part: Partial, server: str, remote: Remote) -> None:
    """A whole file comes: forget what was there."""
    length = response.headers.get("Content-Length", "")
    size = int(length) if length.isdigit() else None
    if size is not None and remote.size is not None and size != remote.size:
        raise FetchError(
            f"{server} offers {remote.name} with {size:,} bytes; it should have {remote.size:,}.",
            "The publisher may have replaced the file; look at the dataset's page.",
        )
    tag, date = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    validator = tag if tag and not tag.startswith("W/") else date
    md5 = remote.md5 or _google_md5(response.headers.get("x-goog-hash", ""))
    part.restart(State(remote.source, validator, size if size is not None else remote.size, md5))


def _check_range(response: requests.Response, part: Partial, server: str, remote: Remote) -> None:
    """A part comes: believe it only if it is the one that was asked for, of the same file."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    first, last, total = map(int, found.groups()) if found else (-1, -1, -1)
    tag = response.headers.get("ETag", "")
    changed = bool(tag and part.state.validator.startswith('"') and tag != part.state.validator)
    if first != part.size or last < first or total != part.state.size or changed:
        part.restart(State(remote.source))
        raise TransientError(f"{server} sent another part of {remote.name} than was asked for.")


def _refuse_page(content_type: str, start: bytes, name: str, server: str) -> None:
    if name.endswith((".html", ".htm", ".xml")):
        return
    if content_type.startswith(("text/html", "application/xhtml")) or looks_like_web_page(start):
        raise FetchError(
            f"{server} sent a web page in place of {name}.",
            "A login page of the network, perhaps: open any page in a browser, then run the command again.",
        )


def _google_md5(header: str) -> str:
    """The MD5 in a header like `crc32c=AAAAAA==,md5=CY9rzUYh03PK3k6DJie09g==`, as hex digits."""
    for entry in header.split(","):
        kind, _, value = entry.strip().partition("=")
        if kind == "md5":
            with contextlib.suppress(binascii.Error, ValueError):
                digest = base64.b64decode(value, validate=True)
                return digest.hex() if len(digest) == 16 else ""
    return ""


def _room(path: Path) -> str:
    return f"Make room in {path.parent} and run the same command again; it goes on where it stopped."


class _Bar:
    """The progress bar of a download: of what is still to come, so that its rate is the rate of arrival."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack = contextlib.ExitStack()
        self._advance: Callable[[int], None] | None = None
        self._shown = 0

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._stack.close()
        self._advance = None

    def show(self, part: Partial) -> None:
        """Show how far the download is; a part that was dropped begins a new bar."""
        if self._advance is None or part.size < self._shown:
            self.close()
            left = (part.state.size or part.size) - part.size
            self._advance = self._stack.enter_context(terminal.progress(self._name, left, "B"))
        else:
            self._advance(part.size - self._shown)
        self._shown = part.size
