"""The folder of one dataset: what its receipt says, and how a file gets onto the shelf."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from galaxynet import registry
from galaxynet.errors import DataError
from galaxynet.fetch import receipts
from galaxynet.fetch.checks import check_content, check_digest
from galaxynet.fetch.faults import size
from galaxynet.fetch.hashing import Digest, hash_file, publish
from galaxynet.fetch.notes import note
from galaxynet.fetch.receipts import DamagedReceiptError, FileReceipt, Receipt
from galaxynet.registry import Plugin
from galaxynet.sources import DataFile


class Shelf:
    """The folder of a dataset with its receipt.

    Args:
        plugin: The dataset's plugin.
        data_dir: The folder of all datasets.

    Raises:
        DataError: If the receipt was written by a newer galaxynet.
    """

    def __init__(self, plugin: Plugin, data_dir: Path) -> None:
        self.plugin = plugin
        self.folder = data_dir / plugin.name
        self.receipt = self._load()

    def _load(self) -> Receipt:
        empty = Receipt(
            dataset=self.plugin.name, distribution=self.plugin.distribution, version=self.plugin.version
        )
        try:
            return receipts.load(self.folder) or empty
        except DamagedReceiptError as error:
            note(f"{error.message} The files are checked anew.")
            return empty

    def reload(self) -> None:
        """Read the receipt again: another process may have written it."""
        self.receipt = self._load()

    def holds(self, file: DataFile) -> bool:
        """Whether a file lies here as its receipt says."""
        return self.receipt.holds(self.folder, file.name)

    def part(self, file: DataFile) -> Path:
        """Where a file lies while it is not whole and checked."""
        return self.folder / f"{file.name}.part"

    def adopt(self, file: DataFile) -> bool:
        """Enter a file that lies here without a receipt, if it passes the checks."""
        path = self.folder / file.name
        if not path.is_file():
            return False
        try:
            digest = hash_file(path, md5=bool(file.md5))
            check_content(path, file.name)
            if not file.convert:
                check_digest(file, digest)
        except DataError as error:
            note(f"{error.message} It is fetched again.")
            return False
        self._enter(file, digest, "found in the data folder")
        return True

    def accept(
        self,
        file: DataFile,
        part: Path,
        digest: Digest,
        source: str,
        *,
        published: bool = True,
        depth: int = 1,
    ) -> None:
        """Check a file, give it its final name and enter it in the receipt.

        Args:
            file: Which file it is.
            part: Where it lies; it is gone afterwards, also if a check fails.
            digest: Its size and hashes.
            source: Where it came from, for the receipt.
            published: Whether it is byte by byte what the publisher gives out, so that size and MD5 apply.
            depth: 2 if it was taken out of another archive.

        Raises:
            DataError: If it is damaged, or something else.
        """
        try:
            check_content(part, file.name, depth=depth)
            if published:
                check_digest(file, digest)
            if file.convert:
                digest = self._convert(file, part)
            # Without its entry first, so that no receipt ever speaks of a file that is replaced.
            if file.name in self.receipt.files:
                self.receipt = self.receipt.without_files(file.name)
                self.receipt.save(self.folder)
            publish(part, self.folder / file.name)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        self._enter(file, digest, source)
        note(f"{file.name}: {size(digest.size)}, checked")

    def link(self, file: DataFile, original: Path, source: str, *, published: bool) -> None:
        """Check a file of the person's own and make a symbolic link to it, in place of a copy.

        Raises:
            DataError: If it is damaged, or something else.
        """
        digest = hash_file(original, md5=bool(file.md5))
        check_content(original, file.name)
        if published:
            check_digest(file, digest)
        new = self.part(file)
        new.unlink(missing_ok=True)
        new.symlink_to(original.absolute())
        new.replace(self.folder / file.name)
        self._enter(file, digest, source)
        note(f"{file.name}: {size(digest.size)}, checked, linked")

    def replace_all(
        self, made: Sequence[tuple[DataFile, Path, Digest]], source: str, options: Mapping[str, Any]
    ) -> None:
        """Replace what lies here by files that were made together, once all of them pass the checks.

        Args:
            made: Each file, where it lies, and its hashes.
            source: Where they came from, for the receipt.
            options: The simulator's options.

        Raises:
            DataError: If one of them is damaged; then nothing is replaced.
        """
        for file, path, _ in made:
            check_content(path, file.name)
        # Old and new files together are no dataset: an interrupt from here on leaves no receipt.
        (self.folder / receipts.NAME).unlink(missing_ok=True)
        self.receipt = self.receipt.model_copy(update={"files": {}, "options": dict(options)})
        now = datetime.now(UTC)
        entries = []
        for file, path, digest in made:
            publish(path, self.folder / file.name)
            entries.append(
                FileReceipt(
                    name=file.name, size=digest.size, sha256=digest.sha256, source=source, fetched=now
                )
            )
        self.receipt = self.receipt.with_files(*entries)
        self.receipt.save(self.folder)

    def forget_options(self) -> None:
        """Note that the files are not a simulator's any more."""
        if self.receipt.options is not None:
            self.receipt = self.receipt.model_copy(update={"options": None})
            self.receipt.save(self.folder)

    def _convert(self, file: DataFile, part: Path) -> Digest:
        function = registry.resolve_for(self.plugin, file.convert)
        converted = part.with_name(part.name + ".converted")
        try:
            function(part, converted)
            digest = hash_file(converted)
            converted.replace(part)
        finally:
            converted.unlink(missing_ok=True)
        return digest

    def _enter(self, file: DataFile, digest: Digest, source: str) -> None:
        entry = FileReceipt(
            name=file.name, size=digest.size, sha256=digest.sha256, source=source, fetched=datetime.now(UTC)
        )
        self.receipt = self.receipt.with_files(entry)
        self.receipt.save(self.folder)
