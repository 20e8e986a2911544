"""Is a file what its name says? Asked of every file before it gets its final name."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from galaxynet import terminal
from galaxynet.errors import DataError
from galaxynet.fetching.archives import Archive, looks_like_web_page
from galaxynet.fetching.hashing import CHUNK, Digest
from galaxynet.fetching.members import LIMITS, ArchiveError, Limits, RefusedArchiveError
from galaxynet.sources import DataFile


def check_content(path: Path, name: str, *, limits: Limits = LIMITS, depth: int = 1) -> None:
    """Read a file once and see that it is whole and of its kind.

    A `.zip` has the CRC of each member checked, a `.gz` its own; of other files it is seen that they are
    not empty, and no web page.

    Args:
        path: The file.
        name: The name that it is to have, which tells its kind.
        limits: What an archive may cost.
        depth: 2 if it was taken out of another archive.

    Raises:
        ArchiveError: If it is damaged, or something else.
    """
    if name.endswith(".zip"):
        with Archive(path, name=name, limits=limits, depth=depth) as archive:
            total = sum(member.compress_size for member in archive.members)
            with terminal.progress(f"checking {name}", total, "B") as advance:
                archive.verify(advance)
        return
    with path.open("rb") as stream:
        start = stream.read(512)
    if not start:
        raise ArchiveError(f"{name} is empty.")
    if not name.endswith((".html", ".htm", ".xml")) and looks_like_web_page(start):
        raise ArchiveError(f"{name} is a web page, not the file it should be.")
    if name.endswith(".gz"):
        _check_gzip(path, name, limits)


def check_digest(file: DataFile, digest: Digest) -> None:
    """Compare size and hash with those that the publisher states.

    Raises:
        DataError: If they differ.
    """
    if file.size is not None and digest.size != file.size:
        raise DataError(f"{file.name} has {digest.size:,} bytes; the publisher's has {file.size:,}.")
    if file.md5 and digest.md5 != file.md5.lower():
        raise DataError(
            f"{file.name} is damaged: its MD5 is {digest.md5}, the publisher's is {file.md5.lower()}."
        )


def _check_gzip(path: Path, name: str, limits: Limits) -> None:
    size, count = path.stat().st_size, 0
    try:
        with gzip.open(path) as stream:
            while chunk := stream.read(CHUNK):
                count += len(chunk)
                if count > limits.bytes or (count > limits.ratio_from and count > limits.ratio * size):
                    raise RefusedArchiveError(
                        f"{name} unpacks to more than {limits.ratio:.0f} times its size."
                    )
    except gzip.BadGzipFile as error:
        raise ArchiveError(f"{name} is damaged, or no gzip file: {error}.") from None
    except EOFError:
        raise ArchiveError(f"{name} is only a part of a gzip file: it ends after {size:,} bytes.") from None
    except zlib.error:
        raise ArchiveError(f"{name} is damaged: it cannot be unpacked.") from None
