"""Verification of files: hashes, computed while a file is written or read, and checks of the content."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import queue
import threading
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from galaxynet import terminal
from galaxynet.errors import DataError
from galaxynet.fetching.archive import (
    LIMITS,
    Archive,
    ArchiveError,
    RefusedArchiveError,
    looks_like_web_page,
)
from galaxynet.sources import DataFile

CHUNK = 1 << 20

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Digest:
    """Size and hashes of a file's content.

    Attributes:
        size: In bytes.
        sha256: 64 hex digits.
        md5: 32 hex digits; empty if it was not requested.
    """

    size: int
    sha256: str
    md5: str = ""


class Hasher:
    """Hashes in background threads: hashlib releases the interpreter lock, so the caller reads on."""

    def __init__(self, md5: bool = False) -> None:
        self._size = 0
        self._workers = [_Worker(algorithm) for algorithm in (("sha256", "md5") if md5 else ("sha256",))]

    def update(self, chunk: bytes) -> None:
        """Hash the next chunk."""
        self._size += len(chunk)
        for worker in self._workers:
            worker.update(chunk)

    def close(self) -> None:
        """Wait for the threads; nothing can be hashed afterwards."""
        for worker in self._workers:
            worker.close()

    def digest(self) -> Digest:
        """The hashes of all chunks."""
        self.close()
        return Digest(self._size, *(worker.hexdigest() for worker in self._workers))


class _Worker:
    """One hash and its thread."""

    def __init__(self, algorithm: str) -> None:
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=8)
        self._thread = threading.Thread(target=self._work, name=algorithm, daemon=True)
        self._thread.start()
        self.update = self._queue.put

    def close(self) -> None:
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def _work(self) -> None:
        while (chunk := self._queue.get()) is not None:
            self._hash.update(chunk)


def hash_file(path: Path, *, md5: bool = False, advance: Advance = lambda _: None) -> Digest:
    """The hashes of a file.

    Raises:
        OSError: If it cannot be read.
    """
    with contextlib.closing(Hasher(md5)) as hasher:
        for chunk in read_chunks(path):
            hasher.update(chunk)
            advance(len(chunk))
        return hasher.digest()


def read_chunks(path: Path) -> Iterable[bytes]:
    """The content of a file in chunks of 1 MiB."""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def write_chunks(path: Path, chunks: Iterable[bytes], *, md5: bool = False) -> Digest:
    """Write a new file, hash it on the way and wait until the disk has it.

    It is removed if anything fails, even by an interrupt.

    Raises:
        OSError: If it cannot be written.
    """
    try:
        with path.open("wb") as stream, contextlib.closing(Hasher(md5)) as hasher:
            for chunk in chunks:
                stream.write(chunk)
                hasher.update(chunk)
            stream.flush()
            os.fsync(stream.fileno())
            return hasher.digest()
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def check_content(path: Path, name: str) -> None:
    """Read a file once and check that it is complete and what its name says.

    In a `.zip` the CRC of each member is checked, in a `.gz` its own; other files must not be empty or a
    web page.

    Args:
        path: The file.
        name: Its final name, which states its type.

    Raises:
        ArchiveError: If it is damaged, or something else.
    """
    if name.endswith(".zip"):
        with Archive(path, name=name) as archive:
            total = sum(member.compress_size for member in archive.members)
            with terminal.progress(f"checking {name}", total, "B") as advance:
                archive.verify(advance)
        return
    with path.open("rb") as stream:
        start = stream.read(512)
    if not start:
        raise ArchiveError(f"{name} is empty.")
    if not name.endswith((".html", ".htm", ".xml")) and looks_like_web_page(start):
        raise ArchiveError(f"{name} is a web page, not the file it should be.")
    if name.endswith(".gz"):
        _check_gzip(path, name)


def check_digest(file: DataFile, digest: Digest) -> None:
    """Compare size and hash with those that the publisher states.

    Raises:
        DataError: If they differ.
    """
    if file.size is not None and digest.size != file.size:
        raise DataError(f"{file.name} has {digest.size:,} bytes; the publisher's has {file.size:,}.")
    if file.md5 and digest.md5 != file.md5.lower():
        raise DataError(
            f"{file.name} is damaged: its MD5 is {digest.md5}, the publisher's is {file.md5.lower()}."
        )


def _check_gzip(path: Path, name: str) -> None:
    size, count = path.stat().st_size, 0
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(CHUNK):
                count += len(chunk)
                if count > LIMITS.bytes or (count > LIMITS.ratio_from and count > LIMITS.ratio * size):
                    raise RefusedArchiveError(
                        f"{name} unpacks to more than {LIMITS.ratio:.0f} times its size."
                    )
    except gzip.BadGzipFile as error:
        raise ArchiveError(f"{name} is damaged or not a gzip file: {error}.") from None
    except EOFError:
        raise ArchiveError(f"{name} is a truncated gzip file: it ends after {size:,} bytes.") from None
    except zlib.error:
        raise ArchiveError(f"{name} is damaged: it cannot be unpacked.") from None
