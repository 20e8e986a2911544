"""An incomplete download: the `.part` file, and beside it the state needed to resume it."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from galaxynet import atomic
from galaxynet.fetching.verification import Digest, Hasher, read_chunks


@dataclass(frozen=True)
class State:
    """The remote file that a part belongs to.

    Attributes:
        source: Where it comes from, without anything secret.
        validator: The entity tag or date that the server gave the file, for `If-Range`; empty if none.
        size: Size of the whole file in bytes; None if the server did not say.
        md5: MD5 of the whole file, if the server or the publisher states it.
    """

    source: str
    validator: str = ""
    size: int | None = None
    md5: str = ""


class Partial:
    """The part of a file that has arrived.

    Args:
        path: The `.part` file; `path` with `.json` added holds the state.
        source: Where the file is to come from; a part from elsewhere is not resumed.
    """

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self._state_path = _state_path(path)
        self._hasher: Hasher | None = None
        self.state = self._load(source)
        size = part_size(path)
        usable = bool(self.state.validator or self.state.md5)
        if not usable or (self.state.size is not None and size > self.state.size):
            size = 0
        self.size = size
        self._stream = path.open("r+b" if size else "wb", buffering=0)
        self._stream.seek(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        if self._hasher:
            self._hasher.close()
        if error and not self.size:
            remove(self.path)

    @property
    def complete(self) -> bool:
        """Whether all bytes are here, as far as the size is known."""
        return self.state.size is not None and self.size == self.state.size

    def restart(self, state: State) -> None:
        """Start again from the first byte of a file that the server describes so."""
        self._stream.seek(0)
        self._stream.truncate()
        self.size = 0
        if self._hasher:
            self._hasher.close()
            self._hasher = None
        self._save(state)

    def write(self, chunk: bytes) -> None:
        """Append a chunk."""
        hasher = self._hashing()
        # Unbuffered, so that what has arrived outlives a process that is killed.
        if self._stream.write(chunk) != len(chunk):
            self._stream.seek(self.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        hasher.update(chunk)
        self.size += len(chunk)

    def finish(self) -> Digest:
        """Wait until the disk has it all; the hashes of the whole file."""
        digest = self._hashing().digest()
        os.fsync(self._stream.fileno())
        if self.state.size is None:  # known now, so that a later call does not ask for more
            self._save(replace(self.state, size=self.size))
        return digest

    def _save(self, state: State) -> None:
        self.state = state
        atomic.write_text(self._state_path, json.dumps(asdict(state)))

    def _hashing(self) -> Hasher:
        if self._hasher is None:
            self._hasher = Hasher(md5=bool(self.state.md5))
            if self.size:  # what an earlier process has left
                for chunk in read_chunks(self.path):
                    self._hasher.update(chunk)
        return self._hasher

    def _load(self, source: str) -> State:
        try:
            values: Any = json.loads(self._state_path.read_text(encoding="utf-8"))
            state = State(**values)
            if state.source == source and isinstance(state.size, int | None):
                return state
        except (OSError, ValueError, TypeError):
            pass  # without a usable state the download starts again
        return State(source)


def remove(path: Path) -> None:
    """Remove a part and its state."""
    path.unlink(missing_ok=True)
    _state_path(path).unlink(missing_ok=True)


def part_size(path: Path) -> int:
    """Bytes of an incomplete download; 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _state_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
