"""What a fetch is asked for, and what it did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from galaxynet.errors import UsageError
from galaxynet.fetching.errors import FetchError
from galaxynet.fetching.retry import RetryPolicy
from galaxynet.plugin import DatasetSpec
from galaxynet.registry import Plugin
from galaxynet.sources import DataFile, Simulator, Source, sources_by_name


class FileSource(Protocol):
    """A place that files are fetched from: Kaggle, mirrors, a simulator, a local folder."""

    @property
    def options(self) -> Mapping[str, Any] | None:
        """The options of a simulator, for the receipt; None for other sources."""

    def fetch(self, files: Sequence[DataFile]) -> list[DataFile]:
        """Get files and stage them in the store; returns those that are new.

        Raises:
            FetchError: If one cannot be fetched.
            DataError: If one is damaged.
        """

    def size(self, file: DataFile) -> int | None:
        """A file's size in bytes; None if it is unknown.

        Raises:
            FetchError: If the server cannot be asked.
        """

    def where(self, file: DataFile) -> str:
        """What `fetch` would do, such as `download from HOST`; empty if the source lacks the file."""


@dataclass(frozen=True)
class FetchRequest:
    """What to fetch, and how.

    Attributes:
        plugin: The dataset's plugin.
        data_dir: The folder of all datasets.
        groups: Groups of files to fetch besides those that are always fetched.
        folder: A local folder to import the files from, instead of the sources.
        source: Name of a source (`kaggle`, `https`, `simulator`); the dataset's first if None.
        options: Values for the simulator's options.
        link: Link to the files of `folder` where possible, instead of copying them.
        force: Fetch files again that are already present.
        policy: Time-outs and retries of downloads.
    """

    plugin: Plugin
    data_dir: Path
    groups: Sequence[str] = ()
    folder: Path | None = None
    source: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    link: bool = False
    force: bool = False
    policy: RetryPolicy = field(default_factory=RetryPolicy)

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
        """The requested files; empty for a dataset without files, such as one named by a path.

        Raises:
            UsageError: If the dataset lacks a group, or has no files to import.
        """
        if not self.spec.files and (self.folder is not None or self.source is not None):
            raise UsageError(f"{self.spec.name} has no files to fetch.", how_to_train(self.spec))
        known = sorted({file.group for file in self.spec.files} - {""})
        for group in self.groups:
            if group not in known:
                hint = f"Its groups: {', '.join(known)}." if known else "It has no groups of files."
                raise UsageError(f"{self.spec.name} has no group of files called {group!r}.", hint)
        return [file for file in self.spec.files if file.group in ("", *self.groups)]

    def selected_source(self) -> Source:
        """The requested source, or the dataset's first.

        Raises:
            UsageError: If there is no source of that name, or it does not take options.
            FetchError: If the dataset has no source at all.
        """
        spec, sources = self.spec, sources_by_name(self.spec.sources)
        if not sources:
            raise FetchError(
                f"{spec.name} has no source to download from.",
                f"Get its files{from_homepage(spec)}, then: galaxynet fetch {spec.name} --from FOLDER",
            )
        if self.source is not None and self.source not in sources:
            raise UsageError(f"{spec.name} has no source {self.source!r}.", f"It has: {', '.join(sources)}.")
        source = sources[self.source] if self.source else next(iter(sources.values()))
        if self.options and not isinstance(source, Simulator):
            raise UsageError("Only the simulator takes options of the simulation.")
        return source


@dataclass(frozen=True)
class FetchResult:
    """What a fetch did.

    Attributes:
        folder: The dataset's folder.
        fetched: Names of the new files.
        present: Names of the files that were already present.
        lines: What the dataset reports about its files.
    """

    folder: Path
    fetched: tuple[str, ...]
    present: tuple[str, ...]
    lines: tuple[str, ...]


def how_to_train(spec: DatasetSpec) -> str:
    """The next step with a dataset that has no files to fetch."""
    return f"Name your own data when you train; the flags: galaxynet train MODEL --dataset {spec.name} --help"


def from_homepage(spec: DatasetSpec) -> str:
    """The dataset's page as the end of a clause; empty if it has none."""
    return f" from {spec.homepage}" if spec.homepage else ""
