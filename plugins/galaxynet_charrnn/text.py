"""Read a text: from bytes to characters, without the licence of Project Gutenberg."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from galaxynet.encoding import conversion_hint, encoding_of, wrong_byte
from galaxynet.errors import DataError

_START = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)
_END = re.compile(r"^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)


class Corpus(NamedTuple):
    """A text as numbers.

    Attributes:
        vocabulary: Its distinct characters, in Unicode order.
        tokens: The index of each character in the vocabulary, int32, shape (characters,).
        digest: The first 16 hex digits of the SHA-256 of its UTF-8, which identify the text.
    """

    vocabulary: str
    tokens: npt.NDArray[np.int32]
    digest: str


def read_text(path: Path) -> str:
    r"""The text of a file in UTF-8, or in UTF-16 with a byte order mark; line ends become `\n`.

    Raises:
        DataError: If it cannot be read, is empty, has another encoding, or is not a text at all.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Name a text file.") from None
    encoding = encoding_of(data[:4])
    # Null bytes: every other byte in UTF-16, and none in text that people read.
    if encoding == "utf-8-sig" and b"\0" in data:
        raise DataError(
            f"{path} is not UTF-8 text: it has a zero byte at position {data.index(0):,}.",
            "Is it a binary file, or UTF-16? Convert that with: iconv -f UTF-16 -t UTF-8 IN > OUT",
        )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8-sig":
            raise DataError(f"{path} is damaged {encoding.upper()} text: {error.reason}.") from None
        position = error.start + len(data) - len(error.object)  # the decoder has taken off a byte order mark
        raise DataError(
            f"{path} is not UTF-8 text: {wrong_byte(error)} at position {position:,}.", conversion_hint(error)
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        what = f"holds white space alone, {len(text):,} characters of it" if text else "is empty"
        raise DataError(f"{path} {what}.", "Name a file with text in it.")
    return text


def without_licence(text: str) -> str:
    """The book itself: the text between the markers of Project Gutenberg, or all of it without markers."""
    start, end = _START.search(text), _END.search(text)
    book = text[start.end() if start else 0 : end.start() if end else len(text)]
    return book.strip("\n") + "\n"


def encode(text: str) -> Corpus:
    """A text as numbers."""
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    different, tokens = np.unique(points, return_inverse=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Corpus("".join(map(chr, different.tolist())), tokens.astype(np.int32), digest)
