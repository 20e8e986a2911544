"""The folder of one dataset: its receipt, and the files that wait to get their final names."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from galaxynet import atomic, registry
from galaxynet.errors import DataError, GalaxynetError, PluginError, is_disk_error
from galaxynet.fetching import receipts
from galaxynet.fetching.errors import format_size
from galaxynet.fetching.receipts import DamagedReceiptError, Receipt
from galaxynet.fetching.staging import SCRATCH, StagedFile, preview
from galaxynet.fetching.verification import Digest, check_content, check_digest, hash_file
from galaxynet.paths import absence
from galaxynet.plugin import DatasetSpec
from galaxynet.registry import Plugin
from galaxynet.sources import DataFile
from galaxynet.terminal import note


class DatasetStore:
    """The folder of a dataset with its receipt.

    Files are staged first. `publish` has the dataset check them together and gives them their final names.

    Args:
        plugin: The dataset's plugin.
        data_dir: The folder of all datasets.

    Raises:
        DataError: If the receipt was written by a newer galaxynet.
    """

    def __init__(self, plugin: Plugin, data_dir: Path) -> None:
        self.plugin = plugin
        self.folder = data_dir / plugin.name
        self._staged: dict[str, StagedFile] = {}
        self.reload()

    @property
    def spec(self) -> DatasetSpec:
        """The dataset."""
        spec: DatasetSpec = self.plugin.load()
        return spec

    def reload(self) -> None:
        """Read the receipt; again if another process may have written it."""
        plugin = self.plugin
        new = Receipt(dataset=plugin.name, distribution=plugin.distribution, version=plugin.version)
        try:
            self.receipt = receipts.load(self.folder) or new
        except DamagedReceiptError as error:
            note(f"{error.message} Verifying the files again.")
            self.receipt = new

    def holds(self, file: DataFile) -> bool:
        """True if the file is present as its receipt says."""
        return self.receipt.holds(self.folder, file.name)

    def part(self, file: DataFile) -> Path:
        """Where a file is downloaded to."""
        return self.folder / f"{file.name}.part"

    def copy(self, file: DataFile) -> Path:
        """Where a file is written to before it is published."""
        return self.folder / f".{file.name}.copying"

    def adopt(self, file: DataFile) -> bool:
        """Stage a file that is in the folder without a receipt, if it is whole."""
        path = self.folder / file.name
        if not path.is_file():
            if path.is_symlink():
                note(f"{path} {absence(path)}. Fetching it again.")
            return False
        try:
            self.stage(
                file,
                path,
                hash_file(path, md5=bool(file.md5)),
                "found in the data folder",
                label=str(path),
                published=not file.convert,
            )
        except DataError as error:
            note(f"{error.message} Fetching it again.")
            return False
        return True

    def stage(
        self,
        file: DataFile,
        path: Path,
        digest: Digest,
        source: str,
        *,
        part: Path | None = None,
        label: str = "",
        published: bool = True,
    ) -> None:
        """Check that a file is whole, and keep it for `publish`.

        Args:
            file: The dataset's file.
            path: Where it is.
            digest: Its size and hashes.
            source: Where it came from, for the receipt.
            part: The download that it is, or was extracted from; None if it is not a download.
            label: What messages call it; its name if empty.
            published: True if it is byte for byte the publisher's file, so that size and MD5 apply.

        Raises:
            DataError: If it is damaged, or something else.
        """
        staged = StagedFile(file, path, digest, source, label or file.name, part)
        try:
            check_content(path, file.name)
            if published:
                check_digest(file, digest)
            if file.convert and path != self.folder / file.name:
                staged = self._converted(staged)
        except BaseException:
            staged.remove_copy()
            raise
        self._staged[file.name] = staged

    def publish(
        self,
        hint: str = "",
        *,
        options: Mapping[str, Any] | None = None,
        keep_refused: bool = False,
    ) -> list[str]:
        """Have the dataset check the staged files, and give them their final names if it accepts them.

        Args:
            hint: What the user can do if the check refuses them; the dataset's own hint if empty.
            options: Options of the simulator that made all of the files; None for other sources.
            keep_refused: Keep refused downloads, because more files are still to come.

        Returns:
            What the dataset reports about its files.

        Raises:
            DataError: If the dataset refuses the files; none of them stays.
        """
        staged = list(self._staged.values())
        if not staged:
            return []
        paths = {item.file.name: item.path for item in staged}
        if options is None:
            paths = {
                file.name: self.folder / file.name for file in self.spec.files if self.holds(file)
            } | paths
        try:
            lines = self._check_staged(paths, {item.file.name: item.label for item in staged})
        except DataError as error:
            for item in staged:
                item.remove_copy() if keep_refused else item.remove()
            self._staged = {}
            raise DataError(error.message, hint or error.hint) from None
        self._forget_replaced(staged, all_files=options is not None)
        for item in staged:
            if item.path != self.folder / item.file.name:
                atomic.publish(item.path, self.folder / item.file.name)
        files = {**self.receipt.files, **{item.file.name: item.receipt() for item in staged}}
        self.receipt = self.receipt.model_copy(
            update={"files": files, "options": None if options is None else dict(options)}
        )
        self.receipt.save(self.folder)
        self._staged = {}
        for item in staged:
            item.remove()  # the rest of its download
            if options is None:
                linked = ", linked" if (self.folder / item.file.name).is_symlink() else ""
                note(f"{item.file.name}: {format_size(item.digest.size)}, checked{linked}")
        return lines

    def discard(self) -> None:
        """Remove staged copies and temporary files; downloads stay, so that the next call can continue."""
        for item in self._staged.values():
            item.remove_copy()
        self._staged = {}
        self.remove_leftovers()

    def remove_leftovers(self) -> None:
        """Remove the temporary files of an interrupted fetch; downloads (`.part`) stay."""
        for pattern in (f"{SCRATCH}*", ".*.copying", "*.converted"):
            for path in self.folder.glob(pattern):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def check(self, folder: Path | None = None) -> list[str]:
        """What the dataset reports about its files.

        Args:
            folder: Where they are; None for the dataset's folder.

        Raises:
            DataError: If they cannot be used.
        """
        return list(self.call(self.spec.check, folder or self.folder)) if self.spec.check else []

    def call(self, target: str, *args: Any) -> Any:
        """Call a function of the plugin.

        Args:
            target: `module:function`.
            args: Its arguments.

        Raises:
            PluginError: If it raises anything but a `GalaxynetError` or a disk error.
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

    def _forget_replaced(self, staged: list[StagedFile], *, all_files: bool) -> None:
        """Remove the entries of files before they are replaced: a receipt never describes a missing file."""
        names = {item.file.name for item in staged}
        kept = {name: file for name, file in self.receipt.files.items() if name not in names}
        if all_files:
            # Old and new files together are not a dataset: an interrupt from here on leaves no receipt.
            (self.folder / receipts.NAME).unlink(missing_ok=True)
            self.receipt = self.receipt.model_copy(update={"files": {}})
        elif len(kept) < len(self.receipt.files):
            self.receipt = self.receipt.model_copy(update={"files": kept})
            self.receipt.save(self.folder)

    def _converted(self, staged: StagedFile) -> StagedFile:
        converted = staged.path.with_name(f"{staged.path.name}.converted")
        self.call(staged.file.convert, staged.path, converted)
        digest = hash_file(converted)
        staged.remove_copy()
        return replace(staged, path=converted, digest=digest)

    def _check_staged(self, paths: Mapping[str, Path], labels: Mapping[str, str]) -> list[str]:
        """What the dataset reports about files without their final names; errors name them by labels."""
        if not self.spec.check:
            return []
        with preview(self.folder, paths) as view:
            try:
                return [line.replace(str(view), str(self.folder)) for line in self.check(view)]
            except DataError as error:
                message = error.message
                for name, label in labels.items():
                    message = message.replace(str(view / name), label)
                raise DataError(message.replace(str(view), str(self.folder)), error.hint) from None


def lock_path(folder: Path) -> Path:
    """The lock file of a dataset: beside its folder, so that removing the dataset keeps a held lock."""
    return folder.with_name(f".{folder.name}.lock")
