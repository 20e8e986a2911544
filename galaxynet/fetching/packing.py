"""Pack a folder that the user has unpacked into the archive that the dataset reads."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from galaxynet.errors import DataError
from galaxynet.fetching.verification import Advance, Digest, hash_file, read_chunks

# Photographs do not get smaller; text does.
_DEFLATED = (".csv", ".txt", ".json", ".tsv")
_DATE = (1980, 1, 1, 0, 0, 0)


def files_below(path: Path) -> list[Path]:
    """The file itself, or the files below a folder, sorted and without hidden ones."""
    if path.is_file():
        return [path]
    files = []
    for root, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files += [Path(root) / name for name in sorted(names) if not name.startswith(".")]
    return [file for file in files if file.is_file()]


def pack(source: Path, target: Path, advance: Advance = lambda _: None) -> Digest:
    """Pack a file or a folder into a new zip; the same content gives the same bytes.

    Args:
        source: The file, or the folder; the members' names begin with its name.
        target: The archive to make.
        advance: Called with the number of bytes packed.

    Raises:
        DataError: If there is nothing in the folder.
        OSError: If something cannot be read or written.
    """
    files = files_below(source)
    if not files:
        raise DataError(f"The folder {source} is empty.")
    try:
        with zipfile.ZipFile(target, "w") as archive:
            for file in files:
                name = file.relative_to(source.parent).as_posix()
                member = zipfile.ZipInfo(name, _DATE)
                deflated = file.suffix.lower() in _DEFLATED
                member.compress_type = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
                member.external_attr = 0o644 << 16
                member.file_size = file.stat().st_size
                with archive.open(member, "w") as stream:
                    for chunk in read_chunks(file):
                        stream.write(chunk)
                        advance(len(chunk))
        with target.open("rb") as packed:
            os.fsync(packed.fileno())
        return hash_file(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks of a gzip file with this content; the same content gives the same bytes."""
    packer = zlib.compressobj(6, wbits=31)  # with the header of a gzip file, without name and time
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()
