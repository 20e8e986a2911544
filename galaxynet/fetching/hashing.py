"""Writing and hashing at once: SHA-256 (and MD5 where it is asked for) of what goes by."""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

CHUNK = 1 << 20

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Digest:
    """Size and hashes of a file's content.

    Attributes:
        size: In bytes.
        sha256: 64 hex digits.
        md5: 32 hex digits; empty if it was not asked for.
    """

    size: int
    sha256: str
    md5: str = ""


class Hasher:
    """Hashes in threads of their own: hashlib lets go of the interpreter, so the caller reads on."""

    def __init__(self, md5: bool = False) -> None:
        self._size = 0
        self._sha256 = _Worker(hashlib.sha256())
        self._md5 = _Worker(hashlib.md5(usedforsecurity=False)) if md5 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, chunk: bytes) -> None:
        """Hash the next piece."""
        self._size += len(chunk)
        self._sha256.update(chunk)
        if self._md5:
            self._md5.update(chunk)

    def close(self) -> None:
        """Wait for the threads; nothing can be hashed after it."""
        self._sha256.close()
        if self._md5:
            self._md5.close()

    def digest(self) -> Digest:
        """The hashes of all pieces."""
        self.close()
        return Digest(self._size, self._sha256.hexdigest(), self._md5.hexdigest() if self._md5 else "")


class _Worker:
    """One hash and its thread."""

    def __init__(self, running: hashlib._Hash) -> None:
        self._hash = running
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=8)
        self._thread = threading.Thread(target=self._work, name=running.name, daemon=True)
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
    with Hasher(md5) as hasher:
        for chunk in read_chunks(path):
            hasher.update(chunk)
            advance(len(chunk))
        return hasher.digest()


def read_chunks(path: Path) -> Iterable[bytes]:
    """The content of a file in pieces of 1 MiB."""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def write_chunks(
    path: Path, chunks: Iterable[bytes], *, md5: bool = False, advance: Advance = lambda _: None
) -> Digest:
    """Write a new file, hashing it on the way and waiting until the disk has it.

    What was written is removed if anything fails, an interrupt included.

    Raises:
        OSError: If it cannot be written.
    """
    try:
        with path.open("wb") as stream, Hasher(md5) as hasher:
            for chunk in chunks:
                stream.write(chunk)
                hasher.update(chunk)
                advance(len(chunk))
            stream.flush()
            os.fsync(stream.fileno())
            return hasher.digest()
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def publish(part: Path, final: Path) -> None:
    """Give a complete, checked file its final name, for good even if the power fails now."""
    part.replace(final)
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        handle = os.open(final.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
