"""What is wrong with somebody's Kaggle credentials. The client silently skips a file that it cannot read."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

from galaxynet.fetching.errors import FetchError

TOKEN_PAGE = "https://www.kaggle.com/settings"
TOKEN_FILES = ("~/.kaggle/access_token", "~/.kaggle/access_token.txt")
_CURLY = "“”„‟‘’‚‛«»"
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_config(path: Path) -> tuple[dict[str, Any], str]:
    """The values of a `kaggle.json`, whatever editor has saved it, and why they are no credentials.

    Returns:
        The values, without those that cannot be used, and a clause such as `is empty`; it is empty if the
        file has credentials or is not there.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"cannot be read: {error.strerror}"
    try:
        text = _decode(data)
    except UnicodeDecodeError:
        return {}, "is damaged: it is not text"
    if not text.strip():
        return {}, "is empty"
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        curly = any(letter in text for letter in _CURLY)
        return {}, "has curly quotes where straight ones belong" if curly else "is damaged: it is not JSON"
    if not isinstance(values, dict):
        return {}, "has no user name and no key in it"
    fault = ""
    for name, what in (("key", "key"), ("username", "user name")):
        value = values.get(name)
        if not isinstance(value, str) or not value.strip():
            values.pop(name, None)
            fault = f"has no {what} in it"
    return values, fault


def saved_token() -> str:
    """The token of a file that begins with a byte order mark, which the client would take for a part of it.

    Returns:
        The token; empty if the client can read the file itself, or there is none.
    """
    for name in TOKEN_FILES:
        try:
            data = Path(name).expanduser().read_bytes()
            return _decode(data).strip() if data.startswith(_BOMS) else ""
        except (OSError, RuntimeError, UnicodeDecodeError):  # RuntimeError: no home
            continue
    return ""


def check_characters(value: str, what: str) -> None:
    """Refuse a key that has characters which no key has, without showing it.

    Args:
        value: The user name, key or token.
        what: What messages call it, for example `The key in KAGGLE_KEY`.

    Raises:
        FetchError: If it has such a character.
    """
    odd = next((letter for letter in value if not "!" <= letter <= "~" or letter in "\"'`"), "")
    if odd:
        quote = odd in _CURLY or odd in "\"'`"
        reason = "quotation marks in it" if quote else f"a character that no key has (U+{ord(odd):04X})"
        raise FetchError(
            f"{what} has {reason}.", f"Copy it again from {TOKEN_PAGE}, without anything before or after it."
        )


def _decode(data: bytes) -> str:
    if data.startswith(_BOMS[1:]):
        return data.decode("utf-16")
    return data.decode("utf-8-sig")
