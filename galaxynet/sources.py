"""Where the files of a dataset come from: the declarations that a `DatasetSpec` carries.

Nothing here downloads anything. A dataset names its files and its sources; `galaxynet.fetching` does the
rest, so a plugin gets resumable, verified downloads for its declaration alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from galaxynet.options import Options


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One file that a dataset consists of, as it lies in the data folder.

    Attributes:
        name: The file's name in the data folder, for example `images_training_rev1.zip`.
        summary: What is in it, in a few words.
        group: Empty for a file that is always fetched; otherwise the name that `--with` takes to add it.
        size: Exact size in bytes where the publisher states it.
        md5: The publisher's MD5 checksum where there is one (32 hex digits).
        folder: The name of the unpacked folder or file that stands for this file when a person has
            unpacked it already; empty if there is no such form.
        convert: `module:function`, called as `function(source, target)` with two paths when a file has
            arrived and was checked; it writes to `target` what is to be kept. It must leave a file that is
            converted already as it is. Empty if the file is kept as it comes.
        optional: Empty if the dataset needs the file. Otherwise a folder of a person's own (`--from`) may
            lack it, and this sentence says what is to be done without it. A download fetches it anyway.
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
class KaggleCompetition:
    """The files of a Kaggle competition; each `DataFile.name` is a file of the competition.

    Attributes:
        slug: The last part of the competition's address.
    """

    slug: str


@dataclass(frozen=True, kw_only=True)
class KaggleDataset:
    """A dataset on Kaggle, downloaded as one zip from which the named members are taken.

    Attributes:
        slug: `owner/name`.
        members: For each `DataFile.name`, the members of the zip that can provide it, best first. A member
            that lacks the `.gz` of the file's name is compressed when it is stored.
    """

    slug: str
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Https:
    """Plain https mirrors.

    Attributes:
        mirrors: Addresses of folders; the file's name is appended. The first that answers is used.
        urls: For a `DataFile.name` whose address is not mirror plus name: its addresses, best first.
    """

    mirrors: tuple[str, ...] = ()
    urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """Files that are computed, with no account and no network.

    Attributes:
        function: `module:function`, called as `function(folder, options)`; it writes the dataset's files
            into `folder` (an empty temporary folder; the caller verifies and moves them).
        options: The simulator's options; they become flags of `galaxynet fetch`.
    """

    function: str
    options: type[Options]


Source = KaggleCompetition | KaggleDataset | Https | Simulator


def source_names(sources: Iterable[Source]) -> dict[str, Source]:
    """Sources by the name that `galaxynet fetch --source` takes, best first: kaggle, https, simulator."""
    names: dict[str, Source] = {}
    for source in sources:
        name = (
            "https"
            if isinstance(source, Https)
            else "simulator"
            if isinstance(source, Simulator)
            else "kaggle"
        )
        names.setdefault(name, source)
    return names
