"""The encoding of a text file: by its byte order mark, else UTF-8; and a hint if it is neither."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDEFINED = frozenset(b"\x81\x8d\x8f\x90\x9d")
"""The bytes that Windows-1252 gives no meaning."""


def encoding_of(start: bytes) -> str:
    """The encoding of a file by its first four bytes, as Python's `open` takes it."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8-sig")


def conversion_hint(error: UnicodeDecodeError) -> str:
    """What to do about a file that is not UTF-8.

    Bytes from 0x80 to 0x9F are curly quotes and letters in Windows-1252, and control characters in Latin-1,
    which texts do not have. Above them the two agree.
    """
    data = bytes(error.object)
    unusual = {ord(letter) for letter in data.decode("utf-8", "surrogateescape") if letter > "\x7f"}
    wrong = {point - 0xDC00 for point in unusual if 0xDC80 <= point <= 0xDCFF}
    if error.reason == "unexpected end of data" and len(wrong) < len(unusual):
        return "It ends in the middle of a character: the file may have been cut short."
    if wrong & _UNDEFINED:
        return "Find out its encoding, and convert it with: iconv -f ENCODING -t UTF-8 IN > OUT"
    name, option = ("Latin-1", "LATIN1") if min(wrong) >= 0xA0 else ("Windows-1252", "WINDOWS-1252")
    return f"If it is {name}, convert it with: iconv -f {option} -t UTF-8 IN > OUT"


def wrong_byte(error: UnicodeDecodeError) -> str:
    """The byte that is not UTF-8, for the middle of a sentence."""
    return f"byte {error.object[error.start]:#04x}"
