"""`fetch`: see that the files of a dataset lie in the data folder, whole and checked."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from galaxynet.errors import DataError, GalaxynetError, UsageError
from galaxynet.fetching.errors import FetchError, disk_errors
from galaxynet.fetching.locks import lock
from galaxynet.fetching.notes import note
from galaxynet.fetching.patience import Patience
from galaxynet.fetching.shelf import Shelf
from galaxynet.fetching.staging import PREFIX
from galaxynet.plugin import DatasetSpec
from galaxynet.registry import Plugin
from galaxynet.sources import DataFile, Simulator, Source, source_names


@dataclass(frozen=True)
class Wish:
    """What is to be fetched, and how.

    Attributes:
        plugin: The dataset's plugin.
        data_dir: The folder of all datasets.
        groups: Groups of files to fetch besides those that always are.
        folder: A folder to take the files from, in place of the sources.
        source: Name of a source (`kaggle`, `https`, `simulator`); the dataset's first if None.
        options: Values for the simulator's options.
        link: Make links to the files of `folder` where that is possible, in place of copies.
        force: Fetch again what is there.
        patience: Time-outs and retries of downloads.
    """

    plugin: Plugin
    data_dir: Path
    groups: Sequence[str] = ()
    folder: Path | None = None
    source: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    link: bool = False
    force: bool = False
    patience: Patience = field(default_factory=Patience)

    @property
    def spec(self) -> DatasetSpec:
        """The dataset."""
        spec: DatasetSpec = self.plugin.load()
        return spec

    @property
    def target(self) -> Path:
        """The dataset's folder."""
        return self.data_dir / self.spec.name

    def files(self) -> list[DataFile]:
        """The files that are wanted; none if the dataset has none, as one that is named by a path.

        Raises:
            UsageError: If a group is not one of the dataset's, or there is nothing to take from a folder.
        """
        if not self.spec.files and (self.folder is not None or self.source is not None):
            raise UsageError(f"{self.spec.name} has no files to fetch.", how_to_train(self.spec))
        known = sorted({file.group for file in self.spec.files} - {""})
        for group in self.groups:
            if group not in known:
                hint = (
                    f"It has: {', '.join(known)}."
                    if known
                    else "It has no files besides those always fetched."
                )
                raise UsageError(f"{self.spec.name} has no group of files called {group!r}.", hint)
        return [file for file in self.spec.files if file.group in ("", *self.groups)]


@dataclass(frozen=True)
class Outcome:
    """What a fetch did.

    Attributes:
        folder: The dataset's folder.
        fetched: Names of the files that are new.
        present: Names of those that were there.
        lines: What the dataset says of itself.
    """

    folder: Path
    fetched: tuple[str, ...]
    present: tuple[str, ...]
    lines: tuple[str, ...]


def fetch(wish: Wish) -> Outcome:
    """See that the files of a dataset lie in the data folder, whole and checked.

    What is there already is not fetched again, and no request is made for it. A download that stopped goes
    on where it stopped. Two fetches of one dataset at once wait for each other.

    Raises:
        UsageError: If a group, a source or a simulator's option is unknown.
        FetchError: If a file cannot be had, or the disk is full.
        DataError: If a file is damaged, or does not fit the others.
    """
    spec, files = wish.spec, wish.files()
    if not spec.files:
        return Outcome(wish.target, (), (), ())
    source = None if wish.folder else chosen_source(wish)
    shelf = Shelf(wish.plugin, wish.data_dir)
    missing: list[DataFile] = [] if _complete(wish, shelf, files, source) else files
    lines: list[str] = []
    if missing:
        with lock(wish.data_dir, spec.name), disk_errors(shelf.folder):
            shelf.folder.mkdir(parents=True, exist_ok=True)
            _sweep(shelf.folder)
            shelf.reload()
            try:
                missing, lines = _get(wish, shelf, files, source)
            except GalaxynetError:
                # One file cannot be had. Those that came before it are kept if the dataset can use them.
                with contextlib.suppress(GalaxynetError, OSError):
                    shelf.publish(keep_refused=True)
                raise
            finally:
                shelf.discard()
    fetched = tuple(file.name for file in missing)
    present = tuple(file.name for file in files if file.name not in fetched and shelf.holds(file))
    return Outcome(shelf.folder, fetched, present, tuple(lines if fetched else shelf.check()))


def how_to_train(spec: DatasetSpec) -> str:
    """The way on with a dataset that has no files of its own."""
    return (
        f"Name data of your own when you train; the flags: galaxynet train MODEL --dataset {spec.name} --help"
    )


def chosen_source(wish: Wish) -> Source:
    """The source that is asked for, or the dataset's first.

    Raises:
        UsageError: If there is no source of that name, or the simulator's options do not fit it.
        FetchError: If the dataset has no source at all.
    """
    names = source_names(wish.spec.sources)
    if not names:
        raise FetchError(
            f"{wish.spec.name} names no place to download it from.",
            f"Get its files{_by_hand(wish.spec)}, then: galaxynet fetch {wish.spec.name} --from FOLDER",
        )
    if wish.source is not None and wish.source not in names:
        raise UsageError(f"{wish.spec.name} has no source {wish.source!r}.", f"It has: {', '.join(names)}.")
    source = names[wish.source] if wish.source else next(iter(names.values()))
    if wish.options and not isinstance(source, Simulator):
        raise UsageError("A simulator's options do not fit beside another source.")
    return source


def _by_hand(spec: DatasetSpec) -> str:
    return f" from {spec.homepage}" if spec.homepage else ""


def _complete(wish: Wish, shelf: Shelf, files: Sequence[DataFile], source: Source | None) -> bool:
    """Whether there is nothing to do; asked without the lock, so that a read-only data folder serves too."""
    if wish.force or wish.folder or not all(shelf.holds(file) for file in files):
        return False
    if isinstance(source, Simulator):
        return bool(shelf.receipt.options == source.options.from_dict(wish.options).to_dict())
    return True


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed has left; downloads (`.part`) stay, they are gone on with."""
    patterns = (".simulating.*", f"{PREFIX}*", ".*.taking", "*.converted")
    for left in itertools.chain.from_iterable(map(folder.glob, patterns)):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _get(
    wish: Wish, shelf: Shelf, files: list[DataFile], source: Source | None
) -> tuple[list[DataFile], list[str]]:
    """Get what is missing, holding the lock.

    Returns:
        The files that are new, and what the dataset says of its files.
    """
    if wish.folder is not None:
        from galaxynet.fetching.taking import take

        taken = take(wish.folder, files, shelf, wish.spec, link=wish.link, force=wish.force)
        about = f" See {wish.spec.homepage}" if wish.spec.homepage else ""
        lines = shelf.publish(f"Nothing was taken; are these the files of {wish.spec.name}?{about}")
        if taken:
            shelf.forget_options()
        return taken, lines
    if _complete(wish, shelf, files, source):  # another process did it while this one waited
        return [], []
    if isinstance(source, Simulator):
        from galaxynet.fetching.simulating import simulate

        return files, simulate(source, wish.options, files, shelf)
    missing = [file for file in files if wish.force or not (shelf.holds(file) or shelf.adopt(file))]
    if not missing:
        try:
            shelf.publish()
            return [], []
        except DataError as error:
            note(f"{error.message} It is fetched again.")
            missing = [file for file in files if not shelf.holds(file)]
    assert source is not None  # only --from has none
    from galaxynet.fetching.downloading import download_all

    download_all(source, missing, shelf, wish.patience)
    lines = shelf.publish(
        f"It was not kept, for {wish.spec.name} cannot be trained on with it. The publisher may have "
        f"changed it: get the file{_by_hand(wish.spec)} and use --from FOLDER, or fetch all with --force."
    )
    shelf.forget_options()
    return missing, lines
