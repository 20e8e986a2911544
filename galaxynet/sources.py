"""Where the files of a dataset come from: the declarations that a `DatasetSpec` carries.

Nothing here downloads anything. A dataset names its files and its sources, and `galaxynet.fetching` does the
rest: a plugin only declares its files to get resumable, verified downloads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from galaxynet.options import Options


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One file of a dataset, as it is kept in the data folder.

    Attributes:
        name: The file's name in the data folder, for example `images_training_rev1.zip`.
        summary: What is in it, in a few words.
        group: Empty for a file that is always fetched; otherwise the name that `--with` takes to include it.
        size: Exact size in bytes, if the publisher states it.
        md5: The publisher's MD5 checksum, if there is one (32 hex digits).
        folder: Name of the unpacked folder or file that can replace this file if the user has already
            unpacked it; empty if there is no such form.
        convert: `module:function`, called as `function(source, target)` with two paths once a file has
            arrived and passed its checks; it writes the converted file to `target`, and must copy a file that
            is already converted unchanged. Empty if the file is kept as it arrives.
        optional: Empty if the dataset needs the file. Otherwise a local folder (`--from`) may lack it, and
            this sentence says what to do without it. A download always fetches it.
    """

    name: str
    summary: str = ""
    group: str = ""
    size: int | None = None
    md5: str | None = None
    folder: str = ""
    convert: str = ""
    optional: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A place that a dataset's files come from.

    Attributes:
        kind: The name that `galaxynet fetch --source` takes.
    """

    kind: ClassVar[str] = ""

    @property
    def bundle(self) -> str:
        """Name of the zip in which a browser downloads all files at once; empty if there is none."""
        return ""

    def alternatives(self, name: str) -> tuple[str, ...]:
        """Other names that the source has for a file, best first."""
        return ()


@dataclass(frozen=True, kw_only=True)
class KaggleCompetition(Source):
    """The files of a Kaggle competition; each `DataFile.name` is a file of the competition.

    Attributes:
        slug: The last part of the competition's URL.
    """

    kind: ClassVar[str] = "kaggle"

    slug: str

    @property
    def bundle(self) -> str:
        """What "Download all" gives."""
        return f"{self.slug}.zip"


@dataclass(frozen=True, kw_only=True)
class KaggleDataset(Source):
    """A dataset on Kaggle, downloaded as one zip from which the named members are extracted.

    Attributes:
        slug: `owner/name`.
        members: For each `DataFile.name`, the members of the zip that can provide it, best first. A member
            that lacks the `.gz` of the file's name is compressed when it is stored.
    """

    kind: ClassVar[str] = "kaggle"

    slug: str
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def bundle(self) -> str:
        """The dataset's one zip."""
        return f"{self.slug.rpartition('/')[2]}.zip"

    def alternatives(self, name: str) -> tuple[str, ...]:
        """The members of the zip that can provide a file."""
        return tuple(self.members.get(name, ()))


@dataclass(frozen=True, kw_only=True)
class Https(Source):
    """Plain https mirrors.

    Attributes:
        mirrors: URLs of folders; the file's name is appended. The first that answers is used.
        urls: For a `DataFile.name` whose URL is not mirror plus name: its URLs, best first.
    """

    kind: ClassVar[str] = "https"

    mirrors: tuple[str, ...] = ()
    urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Simulator(Source):
    """Files that are computed, without an account or a network.

    Attributes:
        function: `module:function`, called as `function(folder, options)`; it writes the dataset's files
            into `folder`, an empty temporary folder from which the caller verifies and moves them.
        options: The simulator's options; they become flags of `galaxynet fetch`.
    """

    kind: ClassVar[str] = "simulator"

    function: str
    options: type[Options]


def sources_by_name(sources: Iterable[Source]) -> dict[str, Source]:
    """Sources by the name that `galaxynet fetch --source` takes; of several with one name, the first."""
    names: dict[str, Source] = {}
    for source in sources:
        names.setdefault(source.kind, source)
    return names
