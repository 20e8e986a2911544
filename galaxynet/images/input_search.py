"""Finding the images that words name: folders, globs, zip archives, lists, tables and single files."""

from __future__ import annotations

import glob
import itertools
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galaxynet import phrases, untrusted
from galaxynet.catalogue.columns import Table, clean_text
from galaxynet.catalogue.reading import read_table, table_reader
from galaxynet.errors import DataError, UsageError
from galaxynet.extras import optional_module
from galaxynet.images.inputs import Inputs
from galaxynet.images.picture import is_image_name
from galaxynet.images.sources import Files, Source, ZipMembers

PATH_COLUMNS = (
    "file",
    "path",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "file_loc",
    "image",
    "image_path",
)
"""Columns of a table that are taken for the paths of images, in this order, in any case."""

ID_COLUMN = "id"
STDIN = "-"
_LISTS = (".txt", ".list", ".lst")
_LARGEST_LIST = 2**28
_FITS = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz")


@dataclass(frozen=True)
class TableColumns:
    """Which columns of an input table mean something; the others are passed through.

    Attributes:
        path: The column of paths; empty for the first of `PATH_COLUMNS` that there is.
        id: The column of ids; empty for `id`, if there is one.
        radius: The column of radii in arcsec; empty for none.
        pixel_scale: Side of a pixel in arcsec, for all images; None for their world coordinates.
    """

    path: str = ""
    id: str = ""
    radius: str = ""
    pixel_scale: float | None = None


DEFAULT = TableColumns()
"""The usual names."""


def find_inputs(words: Sequence[str], table: TableColumns = DEFAULT) -> Inputs:
    """The images that some words name.

    Args:
        words: Paths of folders (searched with all below), zip archives, images, lists of paths or one table,
            globs, or `-` for a list on standard input.
        table: Which columns of a table mean something.

    Raises:
        DataError: If something is missing or cannot be read, or there are no images.
        UsageError: If the words do not go together.
    """
    if not words:
        raise UsageError("Name the images: a folder, a zip archive, files, a list or a table.")
    if len(words) == 1 and _is_table(words[0]):
        return _of_table(_expanded(words[0]), table)
    if table.path or table.id or table.radius:
        raise UsageError("Columns can be named for one table alone, and that is not what was given.")
    sources: list[Source] = []
    notes: list[str] = []
    for is_file, group in itertools.groupby(words, key=_is_single_image):
        if is_file:  # a shell that expands a glob names each of them
            sources.append(Files(list(group)))
            continue
        for word in group:
            source, note = _source(word)
            sources.append(source)
            notes += [note] if note else []
    count = sum(map(len, sources))
    if not count:
        raise DataError(f"There are no images in {' '.join(words)}.", "JPEG, PNG, TIFF and FITS are read.")
    return Inputs(tuple(sources), 0, count, pixel_scale=table.pixel_scale, notes=tuple(notes))


def _is_single_image(word: str) -> bool:
    return word != STDIN and is_image_name(word) and os.path.isfile(word)  # noqa: PTH113 (it may be 200,000)


def _is_table(word: str) -> bool:
    path = _expanded(word)
    if word == STDIN or not path.is_file() or table_reader(path) is None:
        return False
    return not path.name.lower().endswith(_FITS) or _holds_table(path)


def _holds_table(path: Path) -> bool:
    """True if the first data of a FITS file are a table, and not an image that fpack stored as one."""
    fits = optional_module("astropy.io.fits", "Reading FITS")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(path, memmap=True, lazy_load_hdus=True) as hdus:
                filled = (hdu for hdu in hdus if hdu.header.get("NAXIS", 0))
                first = next(filled, None)
                return first is not None and type(first).__name__ in ("BinTableHDU", "TableHDU")
        except Exception:  # a damaged file is an image that cannot be used
            return False


def _source(word: str) -> tuple[Source, str]:
    """The images that one word names, and a note."""
    if word == STDIN:
        return _listed(_standard_input(), "standard input", Path()), ""
    path = _expanded(word)
    if path.is_dir():
        return _in_folder(path, word)
    if path.is_file():
        return _in_file(path, word)
    if glob.has_magic(word):
        paths = sorted(filter(os.path.isfile, glob.glob(str(path), recursive=True)))  # noqa: PTH207
        if not paths:
            raise DataError(f"No file fits {word}.")
        return Files(paths), ""
    if path.exists():
        raise DataError(
            f"{word} is not an ordinary file.",
            "Give a list of paths on standard input: ... | galaxynet predict RUN - -o FILE",
        )
    raise DataError(f"{word} does not exist.")


def _expanded(word: str) -> Path:
    """A path, its `~` replaced where that names a home."""
    try:
        return Path(word).expanduser()
    except RuntimeError:
        return Path(word)


def _standard_input() -> str:
    """The text on standard input; bytes that are not UTF-8 stay what they are, as names have them."""
    if sys.stdin is None:  # closed by the caller
        raise UsageError("Standard input is closed.", "Name a file with one path a line.")
    stream = getattr(sys.stdin, "buffer", None)
    text = sys.stdin.read(_LARGEST_LIST + 1) if stream is None else stream.read(_LARGEST_LIST + 1)
    if len(text) > _LARGEST_LIST:
        raise DataError(f"The list on standard input is larger than {_LARGEST_LIST // 2**20} MiB.")
    return text if isinstance(text, str) else text.decode("utf-8-sig", "surrogateescape")


def _in_folder(path: Path, word: str) -> tuple[Source, str]:
    names, passed_over = [], 0
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        relative = os.path.relpath(folder, path)
        for name in files:
            if is_image_name(name):
                names.append(name if relative == "." else f"{relative}/{name}")
            else:
                passed_over += not name.startswith(".")
    names.sort()
    return Files(names, (path,), f"{word.rstrip('/')}/"), _passed_over(passed_over, word)


def _in_file(path: Path, word: str) -> tuple[Source, str]:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        members = ZipMembers(path, word)
        return members, _passed_over(members.passed_over, word)
    if suffix in _LISTS:
        try:
            text = untrusted.read_bytes(path, _LARGEST_LIST).decode("utf-8-sig", "surrogateescape")
        except OSError as error:
            raise DataError(f"{word} cannot be read: {error.strerror or error}.") from None
        return _listed(text, word, path.parent), ""
    if table_reader(path) is not None:
        raise UsageError(f"The table {word} must be named alone.")
    raise DataError(
        f"{word} is neither an image nor a list of images.",
        "Known are JPEG, PNG, TIFF, FITS, .zip, .txt with a path a line, and tables with a column of paths.",
    )


def _listed(text: str, origin: str, folder: Path) -> Source:
    paths = [line.strip() for line in text.split("\n") if line.strip()]
    if not paths:
        raise DataError(f"{origin} names no images.", "It needs one path a line.")
    return Files(paths, (Path(), folder))


def _passed_over(count: int, word: str) -> str:
    return f"{word}: {phrases.count(count, 'other file')} skipped" if count else ""


def _of_table(path: Path, selected: TableColumns) -> Inputs:
    table = read_table(path)
    path_column = _column(table, selected.path, PATH_COLUMNS, path, "--path-column")
    if path_column is None:
        raise DataError(
            f"{path} has no column of paths: it has {_some(table.names)}.", "Name it with --path-column."
        )
    id_column = _column(table, selected.id, (ID_COLUMN,), path, "--id-column")
    radius_column = _column(table, selected.radius, (), path, "--radius-column")
    files = [str(cell) for cell in table[path_column]]
    if not files:
        raise DataError(f"{path} has no rows.")
    ids = None if id_column is None else [clean_text(str(cell)) for cell in table[id_column]]
    if ids is not None:
        _check_unique(ids, path, str(id_column))
    radii = None
    if radius_column is not None:
        try:
            radii = np.asarray(table[radius_column], dtype=np.float64)
        except ValueError:
            raise DataError(f"The column {radius_column} of {path} does not hold numbers.") from None
    passed = tuple(column for column in table.columns if column.name not in (path_column, id_column))
    return Inputs(
        (Files(files, (Path(), path.parent)),),
        0,
        len(files),
        ids,
        passed,
        {column.name: table[column.name] for column in passed},
        radii,
        selected.pixel_scale,
    )


def _column(table: Table, name: str, usual: Iterable[str], path: Path, flag: str) -> str | None:
    """The name of a column that was asked for, or of the first usual one."""
    by_case = {column.casefold(): column for column in table.names}
    if not name:
        return next((by_case[word] for word in usual if word in by_case), None)
    if name in table.names:
        return name
    if name.casefold() in by_case:
        return by_case[name.casefold()]
    raise DataError(f"{flag} {name}: {path} has no such column; it has {_some(table.names)}.")


def _check_unique(ids: Sequence[str], path: Path, column: str) -> None:
    name, count = Counter(ids).most_common(1)[0]
    if count > 1:
        raise DataError(
            f"{path} gives the id {name!r} to {count:,} images.",
            f"Ids in the column {column} must be unique; name another column with --id-column.",
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
