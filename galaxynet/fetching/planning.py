"""What a fetch would do: `fetch --dry-run`."""

from __future__ import annotations

from dataclasses import dataclass

from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.fetch import Wish, chosen_source
from galaxynet.fetching.folder import Found
from galaxynet.fetching.http_errors import host
from galaxynet.fetching.notes import note
from galaxynet.fetching.partial import part_size
from galaxynet.fetching.shelf import Shelf
from galaxynet.fetching.taking import look_for
from galaxynet.sources import DataFile, Https, KaggleCompetition, KaggleDataset, Simulator, Source


@dataclass(frozen=True)
class Line:
    """What would happen to one file.

    Attributes:
        name: The file.
        size: Its size in bytes; None if nobody says.
        what: What would be done.
    """

    name: str
    size: int | None
    what: str


def plan(wish: Wish) -> list[Line]:
    """What `fetch` would do, file by file. Servers are only asked for sizes; nothing is written.

    Raises:
        UsageError: As `fetch`.
        FetchError: As `fetch`, if a file is not in the folder that was named.
    """
    files = wish.files()
    if not files:
        return []
    shelf = Shelf(wish.plugin, wish.data_dir)
    if wish.folder is not None:
        found = look_for(wish.folder, files, shelf, wish.spec)
        return [_from_folder(wish, shelf, file, found.get(file.name)) for file in files]
    source = chosen_source(wish)
    if isinstance(source, Simulator):
        return [Line(file.name, None, "simulate") for file in files]
    missing = [file for file in files if wish.force or not shelf.holds(file)]
    sizes = _sizes(source, missing, shelf, wish) if missing else {}
    lines = []
    for file in files:
        if file not in missing:
            lines.append(Line(file.name, shelf.receipt.files[file.name].size, "there already"))
            continue
        begun = part_size(shelf.part(file))
        what = f"download from {_place(source, file)}" + (f", going on at byte {begun:,}" if begun else "")
        lines.append(Line(file.name, sizes.get(file.name, file.size), what))
    return lines


def _from_folder(wish: Wish, shelf: Shelf, file: DataFile, found: Found | None) -> Line:
    if found is None and not shelf.holds(file):
        return Line(file.name, None, f"is not there. {file.optional}")
    if found is None:
        return Line(file.name, shelf.receipt.files[file.name].size, "there already")
    verb = "pack" if found.unpacked else "take" if found.member else "link to" if wish.link else "copy"
    return Line(file.name, found.size(), f"{verb} {found.description}")


def _sizes(source: Source, files: list[DataFile], shelf: Shelf, wish: Wish) -> dict[str, int]:
    try:
        if isinstance(source, KaggleCompetition):
            from galaxynet.fetching.kaggle_files import login, sizes

            return sizes(source, login(source, shelf, wish.patience), wish.patience)
        if isinstance(source, Https):
            from galaxynet.fetching.https import size_of

            known = {file.name: size_of(source, file, wish.patience) for file in files}
            return {name: size for name, size in known.items() if size is not None}
    except FetchError as error:
        note(f"The sizes are not known: {error}")
    return {}


def _place(source: Source, file: DataFile) -> str:
    if isinstance(source, KaggleCompetition | KaggleDataset):
        return f"kaggle, {source.slug}"
    if isinstance(source, Https):
        addresses = [*source.urls.get(file.name, ()), *source.mirrors]
        return host(addresses[0]) if addresses else "nowhere"
    return "a simulator"
