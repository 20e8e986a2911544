"""Locks between processes. The system releases them when their process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

from galaxynet.errors import GalaxynetError
from galaxynet.terminal import note


class LocksUnsupportedError(OSError):
    """The file system has no locks."""


class Lock:
    """An exclusive lock on a file.

    Args:
        path: The lock file. It is created if missing and stays when the lock is released.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self, *, wait: bool = False) -> bool:
        """Take the lock.

        Args:
            wait: Wait until no other process holds it.

        Returns:
            False if another process holds it and `wait` is false.

        Raises:
            LocksUnsupportedError: If the file system has no locks.
            OSError: If the lock file cannot be opened.
        """
        import fcntl

        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                # The holder may have removed the file: then the next process would lock another one.
                current = os.path.samestat(self.path.stat(), os.fstat(handle))
            except BlockingIOError:
                os.close(handle)
                return False
            except FileNotFoundError:
                current = False
            except OSError as error:
                os.close(handle)
                raise LocksUnsupportedError(error.errno, error.strerror, str(self.path)) from None
            except BaseException:
                os.close(handle)
                raise
            if current:
                self._handle = handle
                _held.add(self)
                return True
            os.close(handle)

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            _held.discard(self)


_held: weakref.WeakSet[Lock] = weakref.WeakSet()


def _release_in_child() -> None:
    # A forked process shares the lock, and would keep it after its parent's death.
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_release_in_child)


@contextlib.contextmanager
def hold(path: Path, *, busy: GalaxynetError | None = None, waiting: str = "") -> Iterator[None]:
    """Hold a lock for the duration of a block.

    Args:
        path: The lock file.
        busy: Raised if another process holds the lock; None to wait for it.
        waiting: Note to print before waiting.

    Raises:
        OSError: If the lock file cannot be opened, or the file system has no locks.
    """
    lock = Lock(path)
    if not lock.acquire():
        if busy is not None:
            raise busy
        note(waiting)
        lock.acquire(wait=True)
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """True if another process holds the lock, or if that cannot be determined."""
    lock = Lock(path)
    try:
        free = lock.acquire()
    except OSError:
        return True
    lock.release()
    return not free
