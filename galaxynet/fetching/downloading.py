"""Getting files over the network onto the shelf: mirrors one after another, damage fetched again once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from galaxynet.errors import DataError
from galaxynet.fetching import https, partial
from galaxynet.fetching.download import Remote, download
from galaxynet.fetching.errors import DiskError, FetchError
from galaxynet.fetching.members import RefusedArchiveError, UnsupportedArchiveError
from galaxynet.fetching.notes import note
from galaxynet.fetching.patience import Patience
from galaxynet.fetching.shelf import Shelf
from galaxynet.sources import DataFile, Https, KaggleCompetition, KaggleDataset


def download_all(
    source: Https | KaggleCompetition | KaggleDataset,
    files: Sequence[DataFile],
    shelf: Shelf,
    patience: Patience,
) -> None:
    """Download files and have the shelf accept them; they get their names together, by `Shelf.publish`.

    Raises:
        FetchError: If one cannot be had.
        DataError: If one arrives damaged twice.
    """
    if isinstance(source, Https):
        for file in files:
            from_mirrors(https.remotes(source, file, patience), file, shelf, patience)
        return
    from galaxynet.fetching import kaggle_files  # costs what Kaggle's client costs to import

    if isinstance(source, KaggleCompetition):
        kaggle_files.download_competition(source, files, shelf, patience)
    else:
        kaggle_files.download_dataset(source, files, shelf, patience)


def from_mirrors(remotes: Sequence[Remote], file: DataFile, shelf: Shelf, patience: Patience) -> None:
    """Download a file from the first of several addresses that has it whole.

    Raises:
        FetchError: If none has it; the reason of the last one.
        DataError: If the last one has it only damaged.
    """
    for number, remote in enumerate(remotes):
        last = number == len(remotes) - 1
        # While there is another address to ask, one that fails is not waited for.
        calm = patience if last else replace(patience, retries=min(1, patience.retries))
        try:
            whole(remote, file, shelf, calm)
            return
        except (FetchError, DataError) as error:
            if last or isinstance(error, DiskError):  # another address would not help a full disk
                raise
            partial.forget(shelf.part(file))
            note(f"{error.message} Trying the next address.")


def whole(remote: Remote, file: DataFile, shelf: Shelf, patience: Patience) -> None:
    """Download a file, check it, and put it on the shelf.

    Raises:
        FetchError: If it cannot be had; what has arrived stays, for the next call to go on with.
        DataError: If it arrives damaged twice; then nothing stays.
    """
    part = shelf.part(file)
    twice(part, lambda: shelf.accept(file, part, download(remote, part, patience), remote.source, part=part))


def twice(part: Path, task: Callable[[], None]) -> None:
    """Download and use a file; if it turns out damaged, once more from its beginning.

    Args:
        part: The `.part` file; it is gone if the task has failed by damage, else it waits for `publish`.
        task: Downloads into `part` and uses it.

    Raises:
        DataError: If it is damaged both times.
        FetchError: Whatever the task raises; then the part stays.
    """
    for again in (True, False):
        try:
            task()
        except DataError as error:
            partial.forget(part)
            if isinstance(error, RefusedArchiveError | UnsupportedArchiveError):
                raise
            if not again:
                raise DataError(
                    f"{error.message} It was fetched twice.",
                    "Try later, or download it in a browser and use --from FOLDER.",
                ) from None
            note(f"{error.message} Fetching it again.")
        else:
            return
