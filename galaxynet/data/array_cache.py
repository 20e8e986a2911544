"""The cache of prepared arrays: its folders and their cleanup. No NumPy, for `galaxynet datasets`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from galaxynet import paths
from galaxynet.errors import UsageError
from galaxynet.locks import Lock, LocksUnsupportedError
from galaxynet.terminal import note

ARRAYS = "arrays"
"""The folder of the arrays in the folder of a dataset."""

INDEX = "index.json"
_FINGERPRINT = {"name", "size", "changed", "path"}


def elsewhere(folder: Path) -> Path | None:
    """Where the arrays of a read-only folder are kept: the user's cache; None without a home folder."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or paths.expanded(Path("~/.cache")))
    except UsageError:
        return None
    folder = folder.absolute()
    tag = hashlib.blake2b(os.fsencode(folder), digest_size=4).hexdigest()
    return cache / "galaxynet-arrays" / f"{folder.parent.name}-{tag}"


def cache_folders(dataset: Path) -> list[Path]:
    """The existing folders with arrays of a dataset."""
    folders = (dataset / ARRAYS, elsewhere(dataset / ARRAYS))
    return [folder for folder in folders if folder is not None and folder.is_dir()]


def fingerprint(path: Path) -> dict[str, Any]:
    """The state of a file or folder, without reading it: name, size, modification time.

    The time of a folder changes when a file in it is added, removed or renamed, not when one is overwritten.
    The path distinguishes a changed archive from another one of the same name; no array depends on it.
    """
    status = path.stat()
    size = 0 if path.is_dir() else status.st_size
    return {
        "name": path.name,
        "size": size,
        "changed": status.st_mtime_ns,
        "path": str(path.absolute()),
    }


def canonical(key: Mapping[str, Any], **more: Any) -> str:
    """A key as text, which stays the same if the file is moved."""
    plain = {
        name: {part: value[part] for part in value if part != "path"} if _is_fingerprint(value) else value
        for name, value in key.items()
    }
    return json.dumps({**more, **plain}, sort_keys=True)


def drop_outdated(folder: Path, key: Mapping[str, Any]) -> None:
    """Remove arrays of earlier versions of a file; `key` is that of an array of its present version."""
    for index in folder.glob(f"*/{INDEX}"):
        try:
            old = json.loads(index.read_text(encoding="utf-8"))["key"]
            outdated = any(
                _has_changed(old.get(name), value) for name, value in key.items() if _is_fingerprint(value)
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        if outdated:
            shutil.rmtree(index.parent, ignore_errors=True)


def clean(folder: Path) -> None:
    """Remove all arrays in a folder, except those that another process is building.

    A training that has opened an array keeps it until it ends.
    """
    for path in list(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            name = path.name.split(".")[1] if path.name.startswith(".") else path.name
            builders = _lock_of(folder, name)
            if _is_idle(builders):
                shutil.rmtree(path, ignore_errors=True)
                builders.path.unlink(missing_ok=True)
                builders.release()
    for path in folder.glob(".*.lock"):
        # A process may hold the lock before it writes: it may read an archive for minutes.
        builders = Lock(path)
        if _is_idle(builders):
            path.unlink(missing_ok=True)
            builders.release()
    with contextlib.suppress(OSError):  # other files stay, and so does the folder
        folder.rmdir()


@contextlib.contextmanager
def lock(folder: Path, name: str) -> Iterator[bool]:
    """Hold the lock for building `name`; the system releases it if the process dies.

    Yields:
        True if the lock is held; False on a file system without locks, where several processes may build
        the same array, and the first to finish wins.
    """
    builders = _lock_of(folder, name)
    try:
        if not builders.acquire():
            note("another process is preparing the same images: waiting for it")
            builders.acquire(wait=True)
        held = True
    except LocksUnsupportedError:
        held = False
    try:
        yield held
    finally:
        builders.release()


def _lock_of(folder: Path, name: str) -> Lock:
    return Lock(folder / f".{name}.lock")


def _is_idle(builders: Lock) -> bool:
    """True if no other process holds this lock (it is then ours), or there are no locks."""
    try:
        return builders.acquire()
    except LocksUnsupportedError:
        return True


def remove_remains(folder: Path, mine: str) -> None:
    """Remove leftovers of processes that died. Those of `mine` are dead, because we hold its lock."""
    for remains in folder.glob(".*.building"):
        name = remains.name.split(".")[1]
        if name == mine:
            shutil.rmtree(remains, ignore_errors=True)
            continue
        builders = _lock_of(folder, name)
        with contextlib.suppress(LocksUnsupportedError):
            if builders.acquire():
                shutil.rmtree(remains, ignore_errors=True)
                builders.release()


def _is_fingerprint(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == _FINGERPRINT


def _has_changed(old: Any, new: Mapping[str, Any]) -> bool:
    """True if both are fingerprints of one file, in two states. galaxynet 0.1.0 kept no paths."""
    if not isinstance(old, dict) or old.get("path", new["path"]) != new["path"]:
        return False
    return old.get("name") == new["name"] and any(old.get(part) != new[part] for part in ("size", "changed"))
