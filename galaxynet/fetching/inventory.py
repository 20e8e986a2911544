"""The datasets on this machine: `galaxynet datasets`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from galaxynet import atomic, locks, registry, terminal
from galaxynet.data import array_cache
from galaxynet.errors import DataError, PluginError, UsageError
from galaxynet.fetching import receipts
from galaxynet.fetching.errors import FetchError, disk_errors
from galaxynet.fetching.receipts import FileReceipt, Receipt
from galaxynet.fetching.store import lock_path
from galaxynet.fetching.verification import Advance, hash_file
from galaxynet.paths import absence
from galaxynet.registry import Plugin
from galaxynet.sources import DataFile

Status = Literal["there", "incomplete", "not fetched", "nothing to fetch", "damaged", "verified"]


@dataclass(frozen=True)
class InventoryItem:
    """The state of one dataset.

    Attributes:
        name: Its name.
        status: `there` (all required files are present), `incomplete`, `not fetched`, `nothing to fetch`
            (a dataset without files), `damaged`, or `verified` if the hashes were just compared.
        files: Number of files that are present and in the receipt.
        size: Bytes of its folder, with caches and incomplete downloads.
        cache: Bytes of its prepared arrays, including those kept outside a read-only folder.
        fetched: When the newest file was fetched.
        sources: Where the files came from, without repetition.
        folder: Its folder, which need not exist.
        plugin: The package that declares it; empty if it is no longer installed.
        problems: What is wrong, one clause each.
    """

    name: str
    status: Status
    folder: Path
    files: int = 0
    size: int = 0
    cache: int = 0
    fetched: datetime | None = None
    sources: tuple[str, ...] = ()
    plugin: str = ""
    problems: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON and CSV."""
        return {
            "name": self.name,
            "status": self.status,
            "files": self.files,
            "size": self.size,
            "cache": self.cache,
            "fetched": self.fetched.isoformat() if self.fetched else None,
            "source": "; ".join(self.sources),
            "folder": str(self.folder),
            "plugin": self.plugin,
            "problems": "; ".join(self.problems),
        }


def inventory(data_dir: Path, *, verify: bool = False) -> list[InventoryItem]:
    """The datasets of all plugins and of the data folder, by name.

    Args:
        data_dir: The folder of all datasets.
        verify: Read every file and compare its hash with that of its receipt.
    """
    plugins: dict[str, list[Plugin]] = {}
    for plugin in registry.plugins("dataset"):
        plugins.setdefault(plugin.name, []).append(plugin)
    fetched = [path.parent.name for path in data_dir.glob(f"*/{receipts.NAME}")]
    names = sorted({*plugins, *fetched})
    return [_item(name, data_dir / name, plugins.get(name, []), verify) for name in names]


def _item(name: str, folder: Path, plugins: list[Plugin], verify: bool) -> InventoryItem:
    declared = _declared(plugins)
    item = InventoryItem(
        name,
        "not fetched",
        folder,
        size=folder_size(folder),
        cache=cache_size(folder),
        plugin=", ".join(f"{plugin.distribution} {plugin.version}" for plugin in plugins),
        problems=() if plugins else ("the package that declares it is not installed",),
    )
    try:
        receipt = receipts.load(folder)
    except DataError as error:
        return replace(item, status="damaged", problems=(*item.problems, error.message))
    if receipt is None:
        if plugins and declared == []:
            return replace(item, status="nothing to fetch")
        return replace(item, status="incomplete") if item.size else item
    missing = [file.name for file in receipt.files.values() if not receipt.holds(folder, file.name)]
    faults = [_fault(folder / name) for name in missing]
    if verify and not missing:
        faults = _changed(receipt, folder)
    status: Status = "verified" if verify else "there"
    if faults:
        status = "damaged"
    elif any(not receipt.holds(folder, file.name) for file in declared or () if not file.group):
        status = "incomplete"
    entries = receipt.files.values()
    return replace(
        item,
        status=status,
        files=len(entries) - len(missing),
        fetched=max((file.fetched for file in entries), default=None),
        sources=tuple(dict.fromkeys(_source(file, receipt) for file in entries)),
        problems=(*item.problems, *faults),
    )


def _declared(plugins: list[Plugin]) -> list[DataFile] | None:
    """The files that the packages declare; None if one is broken, whose error `galaxynet plugins` shows."""
    try:
        return [file for plugin in plugins for file in plugin.load().files]
    except PluginError:
        return None


def _source(file: FileReceipt, receipt: Receipt) -> str:
    """Where a file came from: the folder or site, not the single file."""
    if file.source == "simulated" and receipt.options is not None:
        return " ".join(["simulated:", *(f"{name}={value}" for name, value in receipt.options.items())])
    if file.source.startswith("from "):
        return f"from {Path(file.source.removeprefix('from ').rpartition(' in ')[2]).parent}"
    return file.source.rpartition("/")[0] if file.source.startswith("http") else file.source


def _changed(receipt: Receipt, folder: Path) -> list[str]:
    total = sum(file.size for file in receipt.files.values())
    problems = []
    with terminal.progress(f"verifying {receipt.dataset}", total, "B") as advance:
        for file in receipt.files.values():
            problem = _compare(file, folder / file.name, advance)
            problems += [problem] if problem else []
    return problems


def _fault(path: Path) -> str:
    return f"{path.name} {'has changed since it was fetched' if path.is_file() else absence(path)}"


def _compare(file: FileReceipt, path: Path, advance: Advance) -> str:
    try:
        digest = hash_file(path, advance=advance)
    except OSError as error:
        return f"{file.name} cannot be read: {error.strerror}"
    return "" if digest.sha256 == file.sha256 else f"{file.name} has changed since it was fetched"


def folder_size(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).lstat().st_size
            except OSError:
                continue
    return total


def cache_size(dataset: Path) -> int:
    """Bytes of a dataset's prepared arrays."""
    return sum(map(folder_size, array_cache.cache_folders(dataset)))


def clean(
    data_dir: Path, names: Sequence[str], confirm: Callable[[list[InventoryItem]], bool]
) -> list[InventoryItem]:
    """Remove prepared arrays; the next training makes them again.

    Args:
        data_dir: The folder of all datasets.
        names: The datasets; empty for all.
        confirm: Called before anything is removed.

    Returns:
        The cleaned datasets, with the bytes of `cache` that were removed; empty if not confirmed.

    Raises:
        UsageError: If there is no dataset of that name.
        FetchError: If a cache cannot be removed.
    """
    items = {item.name: item for item in inventory(data_dir)}
    selected = [name.rpartition(":")[2] for name in names] or list(items)
    for name in selected:
        if name not in items:
            raise UsageError(f"There is no dataset {name!r}.", f"There are: {', '.join(items)}.")
    cached = [items[name] for name in dict.fromkeys(selected) if items[name].cache]
    if not cached or not confirm(cached):
        return []
    for item in cached:
        for folder in array_cache.cache_folders(item.folder):
            with disk_errors(folder):
                array_cache.clean(folder)
    return [replace(item, cache=item.cache - cache_size(item.folder)) for item in cached]


def remove(data_dir: Path, name: str, confirm: Callable[[InventoryItem], bool]) -> InventoryItem | None:
    """Remove a dataset from the data folder: its files, its receipt and its caches.

    Args:
        data_dir: The folder of all datasets.
        name: The dataset; its plugin may no longer be installed.
        confirm: Called before anything is removed.

    Returns:
        The removed dataset; None if not confirmed.

    Raises:
        UsageError: If the data folder has no dataset of that name.
        FetchError: If it is being fetched, or cannot be removed.
    """
    items = {item.name: item for item in inventory(data_dir)}
    item = items.get(name.rpartition(":")[2])
    if item is None or not item.folder.exists():
        there = [name for name, item in items.items() if item.folder.exists()]
        hint = f"There is: {', '.join(there)}." if there else "There is nothing to remove."
        raise UsageError(f"There is no dataset {name!r} in {data_dir}.", hint)
    if not confirm(item):
        return None
    busy = FetchError(f"Another galaxynet is fetching {item.name}.", "Wait until it is done, or stop it.")
    with disk_errors(item.folder), locks.hold(lock_path(item.folder), busy=busy):
        atomic.finish_removals(data_dir)
        for folder in array_cache.cache_folders(item.folder):
            array_cache.clean(folder)
        atomic.remove_folder(item.folder)
    return item
