"""`fetch`: ensure a dataset's files are present and verified; `plan`: what it would do."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from galaxynet import locks
from galaxynet.errors import DataError, GalaxynetError
from galaxynet.fetching.errors import FetchError, disk_errors
from galaxynet.fetching.partial import part_size
from galaxynet.fetching.request import (
    FetchRequest,
    FetchResult,
    FileSource,
    from_homepage,
)
from galaxynet.fetching.store import DatasetStore, lock_path
from galaxynet.sources import DataFile, Https, KaggleCompetition, KaggleDataset, Simulator
from galaxynet.terminal import note


@dataclass(frozen=True)
class PlannedFile:
    """What `fetch` would do with one file.

    Attributes:
        name: The file.
        size: Its size in bytes; None if it is unknown.
        action: What would be done.
    """

    name: str
    size: int | None
    action: str


def fetch(request: FetchRequest) -> FetchResult:
    """Ensure a dataset's files are present and verified.

    A file that is already present is not fetched again, and no server is asked for it. An interrupted
    download continues where it stopped. Two fetches of one dataset at the same time wait for each other.

    Raises:
        UsageError: If a group, a source or an option of the simulator is unknown.
        FetchError: If a file cannot be fetched, or the disk is full.
        DataError: If a file is damaged, or does not fit the others.
    """
    name, files = request.spec.name, request.files()
    if not files:
        return FetchResult(request.target, (), (), ())
    store = DatasetStore(request.plugin, request.data_dir)
    source = open_source(request, store)
    new: list[DataFile] = []
    lines: list[str] = []
    # Without the lock first: a read-only data folder serves too.
    if not _is_complete(request, store, files, source):
        with disk_errors(request.data_dir):
            request.data_dir.mkdir(parents=True, exist_ok=True)
        lock = locks.hold(
            lock_path(store.folder), waiting=f"another galaxynet is fetching {name}; waiting for it"
        )
        with disk_errors(store.folder), lock:
            store.folder.mkdir(parents=True, exist_ok=True)
            store.remove_leftovers()
            store.reload()
            try:
                new, lines = _fetch_missing(request, store, files, source)
            except GalaxynetError:
                # One file cannot be fetched. Those before it are kept if the dataset can use them.
                with contextlib.suppress(GalaxynetError, OSError):
                    store.publish(keep_refused=True)
                raise
            finally:
                store.discard()
    fetched = tuple(file.name for file in new)
    present = tuple(file.name for file in files if file.name not in fetched and store.holds(file))
    return FetchResult(store.folder, fetched, present, tuple(lines if fetched else store.check()))


def plan(request: FetchRequest) -> list[PlannedFile]:
    """What `fetch` would do, file by file. Servers are only asked for sizes; nothing is written.

    Raises:
        UsageError: As `fetch`.
        FetchError: As `fetch`, if a file is missing from the local folder.
    """
    files = request.files()
    if not files:
        return []
    store = DatasetStore(request.plugin, request.data_dir)
    source = open_source(request, store)
    replaces = request.force or request.folder is not None or source.options is not None
    planned, sizes_known = [], True
    for file in files:
        action = source.where(file)
        if store.holds(file) and not (action and replaces):
            planned.append(PlannedFile(file.name, store.receipt.files[file.name].size, "already present"))
            continue
        size = file.size
        try:
            size = source.size(file) if sizes_known else size
        except FetchError as error:
            note(f"The sizes are unknown: {error}")
            sizes_known = False
        done = part_size(store.part(file))
        resumed = f", resuming at byte {done:,}" if done and request.folder is None else ""
        planned.append(PlannedFile(file.name, size, (action or f"missing. {file.optional}") + resumed))
    return planned


def open_source(request: FetchRequest, store: DatasetStore) -> FileSource:
    """The source of a request. Kaggle's costs an import, so each is imported when it is used.

    Raises:
        UsageError: If a source or an option of the simulator is unknown.
        FetchError: If the dataset has no source.
    """
    if request.folder is not None:
        from galaxynet.fetching.local import LocalFolder

        return LocalFolder(request.folder, store, link=request.link, force=request.force)
    match request.selected_source():
        case Simulator() as source:
            from galaxynet.fetching.simulator import SimulatorSource

            return SimulatorSource(source, store, request.options)
        case Https() as source:
            from galaxynet.fetching.https import HttpsSource

            return HttpsSource(source, store, request.policy)
        case KaggleCompetition() as source:
            from galaxynet.fetching.kaggle import CompetitionSource

            return CompetitionSource(source, store, request.policy)
        case KaggleDataset() as source:
            from galaxynet.fetching.kaggle import DatasetSource

            return DatasetSource(source, store, request.policy)
        case source:
            raise FetchError(f"{request.spec.name} has a source of an unknown kind: {type(source).__name__}.")


def _is_complete(
    request: FetchRequest, store: DatasetStore, files: Sequence[DataFile], source: FileSource
) -> bool:
    """True if there is nothing to fetch."""
    if request.force or request.folder or not all(store.holds(file) for file in files):
        return False
    return source.options is None or store.receipt.options == source.options


def _fetch_missing(
    request: FetchRequest, store: DatasetStore, files: list[DataFile], source: FileSource
) -> tuple[list[DataFile], list[str]]:
    """Fetch missing files, holding the lock.

    Returns:
        The new files, and what the dataset reports about its files.
    """
    spec = request.spec
    if _is_complete(request, store, files, source):  # another process has fetched it in the meantime
        return [], []
    if request.folder is not None:
        about = f" See {spec.homepage}" if spec.homepage else ""
        hint = f"Nothing was imported; are these the files of {spec.name}?{about}"
        return source.fetch(files), store.publish(hint)
    if source.options is not None:
        return source.fetch(files), store.publish(options=source.options)
    missing = [file for file in files if request.force or not (store.holds(file) or store.adopt(file))]
    if not missing:
        try:
            return [], store.publish()
        except DataError as error:
            note(f"{error.message} Fetching it again.")
            missing = [file for file in files if not store.holds(file)]
    hint = (
        f"It was not kept, because {spec.name} cannot be trained on with it. The publisher may have "
        f"changed it: get the file{from_homepage(spec)} and use --from FOLDER, or fetch all with --force."
    )
    return source.fetch(missing), store.publish(hint)
