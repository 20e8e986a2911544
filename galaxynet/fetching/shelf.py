"""The folder of one dataset: what its receipt says, and how a file gets onto the shelf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from galaxynet import registry
from galaxynet.errors import DataError, GalaxynetError, PluginError, is_disk_error
from galaxynet.fetching import receipts
from galaxynet.fetching.checks import check_content, check_digest
from galaxynet.fetching.errors import size
from galaxynet.fetching.hashing import Digest, hash_file, publish
from galaxynet.fetching.notes import note
from galaxynet.fetching.receipts import DamagedReceiptError, FileReceipt, Receipt
from galaxynet.fetching.staging import StagedFile, preview
from galaxynet.paths import absence
from galaxynet.plugin import DatasetSpec
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
        self._staged: dict[str, StagedFile] = {}

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
        """Take a file that lies here without a receipt, if it is whole."""
        path = self.folder / file.name
        if not path.is_file():
            if path.is_symlink():
                note(f"{path} {absence(path)}. It is fetched again.")
            return False
        try:
            digest = hash_file(path, md5=bool(file.md5))
            check_content(path, file.name)
            if not file.convert:
                check_digest(file, digest)
        except DataError as error:
            note(f"{error.message} It is fetched again.")
            return False
        self._staged[file.name] = StagedFile(file, path, digest, "found in the data folder", str(path))
        return True

    def accept(
        self,
        file: DataFile,
        path: Path,
        digest: Digest,
        source: str,
        *,
        part: Path | None = None,
        label: str = "",
        published: bool = True,
        depth: int = 1,
    ) -> None:
        """Check that a file is whole. It gets its final name from `publish`.

        Args:
            file: Which file it is.
            path: Where it is.
            digest: Its size and hashes.
            source: Where it came from, for the receipt.
            part: The download that it is, or was taken out of; None if it came from a folder.
            label: What messages call it; its name if empty.
            published: Whether it is byte by byte what the publisher gives out, so that size and MD5 apply.
            depth: 2 if it was taken out of another archive.

        Raises:
            DataError: If it is damaged, or something else.
        """
        staged = StagedFile(file, path, digest, source, label or file.name, part)
        try:
            check_content(path, file.name, depth=depth)
            if published:
                check_digest(file, digest)
            if file.convert:
                staged = self._converted(staged)
        except BaseException:
            staged.drop()
            raise
        self._staged[file.name] = staged

    def link(self, file: DataFile, original: Path, source: str, *, published: bool) -> None:
        """Check a file of the person's own; `publish` makes a symbolic link to it, in place of a copy.

        Raises:
            DataError: If it is damaged, or something else.
        """
        digest = hash_file(original, md5=bool(file.md5))
        check_content(original, file.name)
        if published:
            check_digest(file, digest)
        new = self.folder / f".{file.name}.taking"
        new.unlink(missing_ok=True)
        new.symlink_to(original.absolute())
        self._staged[file.name] = StagedFile(file, new, digest, source, str(original), linked=True)

    def publish(self, hint: str = "", *, keep_refused: bool = False) -> list[str]:
        """Have the dataset check the accepted files, and give them their final names if it takes them.

        Args:
            hint: The way out if it refuses them.
            keep_refused: Whether to keep the downloads then, because more files are still to come.

        Returns:
            What the dataset says of its files.

        Raises:
            DataError: If the dataset refuses the files; then none of them stays.
        """
        staged = list(self._staged.values())
        if not staged:
            return []
        spec: DatasetSpec = self.plugin.load()
        held = {file.name: self.folder / file.name for file in spec.files if self.holds(file)}
        paths = {one.file.name: one.path for one in staged}
        labels = {one.file.name: one.label for one in staged}
        try:
            lines = self._judge({**held, **paths}, labels)
        except DataError as error:
            for one in staged:
                one.drop() if keep_refused else one.remove()
            self._staged = {}
            raise DataError(error.message, hint) from None
        # Without its entry first, so that no receipt ever speaks of a file that is replaced.
        replaced = [name for name in paths if name in self.receipt.files]
        if replaced:
            self.receipt = self.receipt.without_files(*replaced)
            self.receipt.save(self.folder)
        for one in staged:
            if one.path != self.folder / one.file.name:
                publish(one.path, self.folder / one.file.name)
        now = datetime.now(UTC)
        self.receipt = self.receipt.with_files(
            *(_entry(one.file, one.digest, one.source, now) for one in staged)
        )
        self.receipt.save(self.folder)
        self._staged = {}
        for one in staged:
            one.remove()  # what is left of the download
            note(f"{one.file.name}: {size(one.digest.size)}, checked{', linked' if one.linked else ''}")
        return lines

    def discard(self) -> None:
        """Remove what was accepted and not published; downloads stay, so that the next call goes on there."""
        for one in self._staged.values():
            one.drop()
        self._staged = {}

    def check(self) -> list[str]:
        """What the dataset says of the files that are here.

        Raises:
            DataError: If they cannot be used.
        """
        return self._check(self.folder)

    def replace_all(
        self, made: Sequence[tuple[DataFile, Path, Digest]], source: str, options: Mapping[str, Any]
    ) -> list[str]:
        """Replace what lies here by files that were made together, once all of them pass the checks.

        Args:
            made: Each file, where it lies, and its hashes.
            source: Where they came from, for the receipt.
            options: The simulator's options.

        Returns:
            What the dataset says of its files.

        Raises:
            DataError: If one of them is damaged or refused by the dataset; then nothing is replaced.
        """
        for file, path, _ in made:
            check_content(path, file.name)
        names = [file.name for file, _, _ in made]
        lines = self._judge({file.name: path for file, path, _ in made}, dict(zip(names, names, strict=True)))
        # Old and new files together are no dataset: an interrupt from here on leaves no receipt.
        (self.folder / receipts.NAME).unlink(missing_ok=True)
        self.receipt = self.receipt.model_copy(update={"files": {}, "options": dict(options)})
        for file, path, _ in made:
            publish(path, self.folder / file.name)
        now = datetime.now(UTC)
        self.receipt = self.receipt.with_files(
            *(_entry(file, digest, source, now) for file, _, digest in made)
        )
        self.receipt.save(self.folder)
        return lines

    def forget_options(self) -> None:
        """Note that the files are not a simulator's any more."""
        if self.receipt.options is not None:
            self.receipt = self.receipt.model_copy(update={"options": None})
            self.receipt.save(self.folder)

    def _converted(self, staged: StagedFile) -> StagedFile:
        converted = staged.path.with_name(f"{staged.path.name}.converted")
        try:
            self.call(staged.file.convert, staged.path, converted)
            digest = hash_file(converted)
        except BaseException:
            converted.unlink(missing_ok=True)
            raise
        staged.drop()
        return replace(staged, path=converted, digest=digest)

    def _judge(self, files: Mapping[str, Path], labels: Mapping[str, str]) -> list[str]:
        """What the dataset says of files that do not have their names yet; an error calls them by labels."""
        spec: DatasetSpec = self.plugin.load()
        if not spec.check:
            return []
        with preview(self.folder, files) as view:
            try:
                return [line.replace(str(view), str(self.folder)) for line in self._check(view)]
            except DataError as error:
                message = error.message
                for name, label in labels.items():
                    message = message.replace(str(view / name), label)
                raise DataError(message.replace(str(view), str(self.folder)), error.hint) from None

    def _check(self, folder: Path) -> list[str]:
        spec: DatasetSpec = self.plugin.load()
        return list(self.call(spec.check, folder)) if spec.check else []

    def call(self, target: str, *args: Any) -> Any:
        """Call a function of the plugin.

        Args:
            target: `module:function`.
            args: Its arguments.

        Raises:
            PluginError: If it fails otherwise than it may.
        """
        function = registry.resolve_for(self.plugin, target)
        try:
            return function(*args)
        except GalaxynetError:
            raise
        except Exception as error:
            if is_disk_error(error):
                raise
            raise PluginError(
                f"The dataset plugin {self.plugin.name!r} of {self.plugin.distribution} "
                f"{self.plugin.version} fails in {target}: {type(error).__name__}: {error}.",
                self.plugin.remove_hint(),
            ) from error


def _entry(file: DataFile, digest: Digest, source: str, now: datetime) -> FileReceipt:
    return FileReceipt(name=file.name, size=digest.size, sha256=digest.sha256, source=source, fetched=now)
