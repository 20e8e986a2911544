"""`fetch --from FOLDER`: files out of a person's folder, with the checks that a download gets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxynet import terminal
from galaxynet.errors import DataError, UsageError
from galaxynet.fetching.archives import Archive
from galaxynet.fetching.errors import FetchError, check_space, disk_errors
from galaxynet.fetching.folder import Found, describe_forms, find
from galaxynet.fetching.notes import note
from galaxynet.fetching.shelf import Shelf
from galaxynet.paths import absence
from galaxynet.plugin import DatasetSpec
from galaxynet.sources import DataFile


def take(
    folder: Path, files: Sequence[DataFile], shelf: Shelf, spec: DatasetSpec, *, link: bool, force: bool
) -> list[DataFile]:
    """Take the files of a dataset out of a folder.

    A file that is not in the folder is no fault if it was fetched before, or is optional.

    Args:
        folder: The person's folder (or a single archive); it is not changed.
        files: The files that are wanted.
        shelf: Where they go.
        spec: The dataset.
        link: Make symbolic links where a file is there in its final form.
        force: Take also what was taken before.

    Returns:
        The files that are new.

    Raises:
        UsageError: If there is no such folder.
        FetchError: If a file is neither in the folder nor was fetched before.
        DataError: If a file is damaged.
    """
    found = look_for(folder, files, shelf, spec)
    taken = []
    for file in files:
        source = found.get(file.name)
        entry = shelf.receipt.files.get(file.name)
        if source is None:
            if not shelf.holds(file):
                note(f"{_missing(folder, [file], spec)} {file.optional}")
            continue
        if not force and entry and shelf.holds(file) and source.is_what(entry):
            continue
        try:
            _take_one(source, shelf, link)
        except DataError as error:
            # The path says which of several files of that name it is.
            message = error.message
            if str(source.path) not in message:
                message = message.replace(file.name, str(source.path), 1)
            hint = error.hint or "Download it again, then run this command again."
            raise DataError(message, hint) from None
        taken.append(file)
    return taken


def look_for(folder: Path, files: Sequence[DataFile], shelf: Shelf, spec: DatasetSpec) -> dict[str, Found]:
    """Where in a folder the files of a dataset lie, by name; absent may be what is optional or was fetched.

    Raises:
        UsageError: If there is no such folder.
        FetchError: If a file that is needed is neither in the folder nor was fetched before.
        ArchiveError: If a bundle of the dataset's own name is there, and damaged.
    """
    if not folder.exists():
        raise UsageError(f"There is no folder {folder}.")
    try:
        places = {file.name: find(folder, file, spec) for file in files}
    except OSError as error:
        raise FetchError(f"{error.filename or folder} cannot be read: {error.strerror or error}.") from None
    missing = [file for file in files if not places[file.name] and not shelf.holds(file)]
    if not all(file.optional for file in missing):
        raise FetchError(_missing(folder, missing, spec), _hint(spec))
    return {name: place for name, place in places.items() if place}


def _take_one(found: Found, shelf: Shelf, link: bool) -> None:
    file = found.file
    plain = not (found.member or found.unpacked or found.uncompressed)
    if plain and file.name.endswith(".zip"):
        Archive(found.path).close()  # half an archive is seen here, before it is copied
    origin = f"from {found.description}"
    if link and plain and not file.convert:
        shelf.link(file, found.path, origin, published=found.as_published)
        return
    if link:
        note(f"{file.name} is not in the folder in its final form, so it is written, not linked")
    size = found.size()
    check_space(shelf.folder, size)
    copy = shelf.folder / f".{file.name}.taking"
    with (
        disk_errors(copy),
        terminal.progress(f"{'packing' if found.unpacked else 'copying'} {file.name}", size, "B") as advance,
    ):
        digest = found.take(copy, md5=bool(file.md5), advance=advance)
    shelf.accept(
        file,
        copy,
        digest,
        origin,
        label=found.description,
        published=found.as_published,
        depth=2 if found.member else 1,
    )


def _missing(folder: Path, missing: Sequence[DataFile], spec: DatasetSpec) -> str:
    wanted = "; ".join(f"{file.summary or 'a file'} ({describe_forms(file, spec)})" for file in missing)
    links = [folder / file.name for file in missing if (folder / file.name).is_symlink()]
    return " ".join([f"{folder} does not hold {wanted}.", *(f"{path} {absence(path)}." for path in links)])


def _hint(spec: DatasetSpec) -> str:
    return (
        f"Download it in a browser from {spec.homepage}, and name the folder it is in."
        if spec.homepage
        else ""
    )
