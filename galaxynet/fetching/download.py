"""Resumable downloads that believe a server only what can be checked.

The protocol is RFC 9110: a part is continued with `Range`, guarded by `If-Range`, so that a file that has
changed arrives from its beginning and is never appended to the old one.
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
from galaxynet.fetching import partial
from galaxynet.fetching.archive import RefusedArchiveError, UnsupportedArchiveError, looks_like_web_page
from galaxynet.fetching.errors import FetchError, TransientError, check_space, disk_errors, format_size
from galaxynet.fetching.http_errors import host, network_errors, refusal
from galaxynet.fetching.partial import Partial, State
from galaxynet.fetching.retry import Retries, RetryPolicy
from galaxynet.fetching.store import DatasetStore
from galaxynet.fetching.verification import CHUNK, Digest
from galaxynet.sources import DataFile
from galaxynet.terminal import note

_MIN_CHUNK = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class Remote:
    """A file on a server.

    Attributes:
        name: What messages call it.
        source: Where it is, for the receipt; without secrets.
        open: Requests it with the given headers and returns the response, its body not read yet. Each call
            makes a new request, so a signed link is always fresh.
        size: Its size in bytes where the publisher states it.
        md5: Its MD5 where the publisher states it.
    """

    name: str
    source: str
    open: Callable[[Mapping[str, str]], requests.Response]
    size: int | None = None
    md5: str = ""


def download(remote: Remote, path: Path, policy: RetryPolicy) -> Digest:
    """Download a file into `path`, continuing an incomplete download.

    Args:
        remote: The file.
        path: The `.part` file. It stays if the download fails, for the next call to continue.
        policy: Time-outs and retries.

    Returns:
        Size and hashes of the complete file, which is then on the disk.

    Raises:
        FetchError: If it cannot be fetched.
        DataError: If its MD5 is not the one that was stated.
        KeyboardInterrupt: Passed on; the part stays.
    """
    hint = f"Free some space in {path.parent} and run the same command again; it continues where it stopped."
    with disk_errors(path, hint), Partial(path, remote.source) as part, _Bar(remote.name) as bar:
        retries, furthest = Retries(policy), part.size
        if part.size:
            note(f"{remote.name}: resuming at {format_size(part.size)}")
        try:
            while not part.complete:
                try:
                    if _attempt(remote, part, policy, bar):
                        break
                except TransientError as error:
                    # New bytes are progress; those that only arrive again are not.
                    bar.close()
                    further, furthest = part.size > furthest, max(furthest, part.size)
                    retries.pause_after(error, progress=further)
        except KeyboardInterrupt:
            of = f" of {format_size(part.state.size)}" if part.state.size else ""
            bar.close()
            note(f"{remote.name}: stopped at {format_size(part.size)}{of}; the same command resumes it")
            raise
        digest = part.finish()
        if part.state.md5 and digest.md5 != part.state.md5:
            raise DataError(
                f"{remote.name} arrived damaged: its MD5 is {digest.md5}, not {part.state.md5} as stated."
            )
        return digest


def download_verified(remote: Remote, file: DataFile, store: DatasetStore, policy: RetryPolicy) -> None:
    """Download a file, check it and stage it.

    Raises:
        FetchError: If it cannot be fetched; the part stays, for the next call to continue.
        DataError: If it arrives damaged twice; nothing stays.
    """
    part = store.part(file)
    retry_once_if_corrupt(
        part, lambda: store.stage(file, part, download(remote, part, policy), remote.source, part=part)
    )


def retry_once_if_corrupt(part: Path, task: Callable[[], None]) -> None:
    """Download and use a file; if it is damaged, once more from its beginning.

    Args:
        part: The `.part` file; it is removed if it is damaged.
        task: Downloads into `part` and uses it.

    Raises:
        DataError: If it is damaged both times.
        FetchError: From the task; the part stays.
    """
    for is_last in (False, True):
        try:
            task()
            return
        except DataError as error:
            partial.remove(part)
            if isinstance(error, RefusedArchiveError | UnsupportedArchiveError):
                raise
            if is_last:
                raise DataError(
                    f"{error.message} It was fetched twice.",
                    "Try later, or download it in a browser and use --from FOLDER.",
                ) from None
            note(f"{error.message} Fetching it again.")


def _attempt(remote: Remote, part: Partial, policy: RetryPolicy, bar: _Bar) -> bool:
    """Make one request. True if the body came to its end."""
    headers = {"Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.state.validator:
            headers["If-Range"] = part.state.validator
    with remote.open(headers) as response:
        server = host(response.url)
        if response.status_code == 416:
            part.restart(State(remote.source))
            raise TransientError(f"{server} does not have the requested range.")
        if response.status_code not in (200, 206):
            raise refusal(response.status_code, server, response.headers, remote.name)
        _refuse_page(response.headers.get("Content-Type", ""), b"", remote.name, server)
        if response.status_code == 206:
            _check_range(response, part, server, remote)
        else:
            _start(response, part, server, remote)
        if part.state.size is not None:
            check_space(part.path.parent, part.state.size - part.size)
        bar.show(part)
        for chunk in _body(response, server, policy):
            if part.size == 0:
                _refuse_page("", chunk[:512], remote.name, server)
            part.write(chunk)
            bar.show(part)
    if part.state.size is not None and part.size != part.state.size:
        raise TransientError(
            f"{server} sent {format_size(part.size)} of {format_size(part.state.size)} of {remote.name}.",
            "Run the same command again later.",
        )
    return True


def _body(response: requests.Response, server: str, policy: RetryPolicy) -> Iterator[bytes]:
    """The body in chunks of about half a second each: an interrupt loses no more."""
    size = _MIN_CHUNK
    while True:
        began = time.monotonic()
        with network_errors(server, policy):
            chunk = response.raw.read(size, decode_content=False)
        if not chunk:
            return
        yield chunk
        took = time.monotonic() - began
        if took < 0.05:
            size = min(2 * size, CHUNK)
        elif took > 0.5:
            size = max(size // 2, _MIN_CHUNK)


def _start(response: requests.Response, part: Partial, server: str, remote: Remote) -> None:
    """Start with a complete file; drop what was there."""
    length = response.headers.get("Content-Length", "")
    size = int(length) if length.isdigit() else None
    if size is not None and remote.size is not None and size != remote.size:
        raise FetchError(
            f"{server} offers {remote.name} with {size:,} bytes; it should have {remote.size:,}.",
            "The publisher may have replaced the file; see the dataset's page.",
        )
    tag, date = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    validator = tag if tag and not tag.startswith("W/") else date
    md5 = remote.md5 or _google_md5(response.headers.get("x-goog-hash", ""))
    part.restart(State(remote.source, validator, size if size is not None else remote.size, md5))


def _check_range(response: requests.Response, part: Partial, server: str, remote: Remote) -> None:
    """Accept a range only if it is the requested one, of the same file."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    first, last, total = map(int, match.groups()) if match else (-1, -1, -1)
    tag = response.headers.get("ETag", "")
    changed = bool(tag and part.state.validator.startswith('"') and tag != part.state.validator)
    if first != part.size or last < first or total != part.state.size or changed:
        part.restart(State(remote.source))
        raise TransientError(f"{server} sent another range of {remote.name} than was requested.")


def _refuse_page(content_type: str, start: bytes, name: str, server: str) -> None:
    if name.endswith((".html", ".htm", ".xml")):
        return
    if content_type.startswith(("text/html", "application/xhtml")) or looks_like_web_page(start):
        raise FetchError(
            f"{server} sent a web page in place of {name}.",
            "It may be a login page of the network: open any page in a browser, then run the command again.",
        )


def _google_md5(header: str) -> str:
    """The MD5 in a header like `crc32c=AAAAAA==,md5=CY9rzUYh03PK3k6DJie09g==`, as hex digits."""
    for entry in header.split(","):
        name, _, value = entry.strip().partition("=")
        if name == "md5":
            with contextlib.suppress(binascii.Error, ValueError):
                digest = base64.b64decode(value, validate=True)
                return digest.hex() if len(digest) == 16 else ""
    return ""


class _Bar:
    """The progress bar of the remaining bytes, so that its rate is the rate of arrival."""

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
        """Remove the bar."""
        self._stack.close()
        self._advance = None

    def show(self, part: Partial) -> None:
        """Show how far the download is; a restarted part starts a new bar."""
        if self._advance is None or part.size < self._shown:
            self.close()
            remaining = (part.state.size or part.size) - part.size
            self._advance = self._stack.enter_context(terminal.progress(self._name, remaining, "B"))
        else:
            self._advance(part.size - self._shown)
        self._shown = part.size
