"""Files from a local folder (`--from FOLDER`), with the checks that a download gets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from galaxynet import terminal
from galaxynet.errors import DataError, UsageError
from galaxynet.fetching.archive import Archive
from galaxynet.fetching.errors import FetchError, check_space, disk_errors
from galaxynet.fetching.local_files import LocalFile, find
from galaxynet.fetching.store import DatasetStore
from galaxynet.fetching.verification import hash_file
from galaxynet.paths import absence
from galaxynet.sources import DataFile
from galaxynet.terminal import note


class LocalFolder:
    """A local folder with the downloaded files of a dataset. It is only read, never changed.

    Args:
        folder: The folder; or a bundle, or a single archive.
        store: Where the files go.
        link: Link to files that are already in their final form, instead of copying them.
        force: Also import files that were imported before.

    Raises:
        UsageError: If there is no such folder.
    """

    options = None

    def __init__(self, folder: Path, store: DatasetStore, *, link: bool, force: bool) -> None:
        if not folder.exists():
            raise UsageError(f"There is no folder {folder}.")
        self._folder, self._store, self._link, self._force = folder, store, link, force

    @cached_property
    def _matches(self) -> dict[str, LocalFile | None]:
        """What the folder has for each of the dataset's files, by name."""
        spec = self._store.spec
        try:
            return {file.name: find(self._folder, file, spec) for file in spec.files}
        except OSError as error:
            raise FetchError(
                f"{error.filename or self._folder} cannot be read: {error.strerror or error}."
            ) from None

    def fetch(self, files: Sequence[DataFile]) -> list[DataFile]:
        """Import files. A file missing from the folder is an error only if the dataset needs it.

        Raises:
            FetchError: If a required file is neither in the folder nor present.
            DataError: If a file is damaged.
        """
        self._check_missing(files)
        return [file for file in files if self._import(file)]

    def size(self, file: DataFile) -> int | None:
        """The size of a file as it is in the folder."""
        match = self._matches[file.name]
        return match.size() if match else None

    def where(self, file: DataFile) -> str:
        """How a file would be imported; empty if an optional file is not in the folder.

        Raises:
            FetchError: If the dataset needs it.
        """
        match = self._matches[file.name]
        if match is None:
            files = self._store.spec.files
            self._check_missing([other for other in files if other.group in ("", file.group)])
            return ""
        verb = (
            "pack" if match.unpacked else "extract" if match.member else "link to" if self._link else "copy"
        )
        return f"{verb} {match.description}"

    def _check_missing(self, files: Sequence[DataFile]) -> None:
        missing = [file for file in files if not self._matches[file.name] and not self._store.holds(file)]
        if not all(file.optional for file in missing):
            homepage = self._store.spec.homepage
            raise FetchError(
                self._describe(missing),
                f"Download it in a browser from {homepage}, and name its folder." if homepage else "",
            )

    def _describe(self, missing: Sequence[DataFile]) -> str:
        bundles = [source.bundle for source in self._store.spec.sources]
        expected = (
            f"{file.summary or 'a file'} ({' or '.join(filter(None, [file.name, file.folder, *bundles]))})"
            for file in missing
        )
        links = [path for file in missing if (path := self._folder / file.name).is_symlink()]
        dangling = (f"{path} {absence(path)}." for path in links)
        return " ".join([f"{self._folder} does not contain {'; '.join(expected)}.", *dangling])

    def _import(self, file: DataFile) -> bool:
        """Stage one file; False if there is nothing new to stage."""
        match, store = self._matches[file.name], self._store
        if match is None:
            if not store.holds(file):
                note(f"{self._describe([file])} {file.optional}")
            return False
        entry = store.receipt.files.get(file.name)
        if not self._force and entry and store.holds(file) and match.is_recorded_as(entry):
            return False
        try:
            self._stage(match)
        except DataError as error:
            # Several files can share a name; only the path identifies one.
            message = error.message
            if str(match.path) not in message:
                message = message.replace(file.name, str(match.path), 1)
            hint = error.hint or "Download it again, then run this command again."
            raise DataError(message, hint) from None
        return True

    def _stage(self, match: LocalFile) -> None:
        file, store = match.file, self._store
        final = not (match.member or match.unpacked or match.uncompressed)
        if final and file.name.endswith(".zip"):
            Archive(match.path).close()  # notices a truncated archive before it is copied
        origin = f"from {match.description}"
        md5, copy = bool(file.md5), store.copy(file)
        if self._link and final and not file.convert:
            digest = hash_file(match.path, md5=md5)
            copy.unlink(missing_ok=True)
            copy.symlink_to(match.path.absolute())
        else:
            if self._link:
                note(f"{file.name} is not in the folder in its final form, so it is copied, not linked")
            size = match.size()
            check_space(store.folder, size)
            verb = "packing" if match.unpacked else "copying"
            with disk_errors(copy), terminal.progress(f"{verb} {file.name}", size, "B") as advance:
                digest = match.write_to(copy, md5=md5, advance=advance)
        store.stage(file, copy, digest, origin, label=match.description, published=match.as_published)
