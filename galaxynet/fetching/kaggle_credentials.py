"""The user's Kaggle credentials: where they are saved, and what is wrong with them.

They are looked for where Kaggle's own client looks for them: a token in `KAGGLE_API_TOKEN` or
`~/.kaggle/access_token`, a user name with a key in `KAGGLE_USERNAME` and `KAGGLE_KEY` or `kaggle.json`, and
the login that `kaggle auth login` saves in `~/.kaggle/credentials.json`.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from galaxynet.fetching.errors import FetchError
from galaxynet.terminal import note

TOKEN_PAGE = "https://www.kaggle.com/settings"
TOKEN_FILES = ("~/.kaggle/access_token", "~/.kaggle/access_token.txt")
LOGIN_FILE = "~/.kaggle/credentials.json"
_CURLY = "“”„‟‘’‚‛«»"
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Token:
    """An access token.

    Attributes:
        value: The token.
        origin: Where it was found, for messages.
    """

    value: str = field(repr=False)
    origin: str


@dataclass(frozen=True)
class SavedLogin:
    """What `kaggle auth login` saves.

    Attributes:
        refresh_token: A token with which a new access token can be had.
        access_token: The last access token; empty if it has expired.
    """

    refresh_token: str = field(repr=False)
    access_token: str = field(repr=False)


def find_token() -> Token | None:
    """The access token, or None if there is none.

    Raises:
        FetchError: If it cannot be read, or has characters that no token has.
    """
    try:
        token = next(_tokens(), None)
    except (OSError, UnicodeDecodeError):
        raise FetchError(
            f"Kaggle's token cannot be read from KAGGLE_API_TOKEN or {TOKEN_FILES[0]}.",
            f"Copy it again from {TOKEN_PAGE}.",
        ) from None
    if token:
        check_characters(token.value, f"The token in {token.origin}")
    return token


def _tokens() -> Iterator[Token]:
    entries = [os.environ.get("KAGGLE_API_TOKEN", "").strip()]
    if os.environ.get("KAGGLE_KERNEL_RUN_TYPE"):  # a notebook on Kaggle
        entries.insert(0, os.environ.get("KAGGLE_API_V1_TOKEN", "").strip())
    # A variable has the token or names its file.
    places = [(entry, "KAGGLE_API_TOKEN", entry) for entry in entries if entry]
    places += [(name, name, "") for name in TOKEN_FILES]
    for name, origin, otherwise in places:
        path = _existing(name)
        value = _decode(path.read_bytes()).strip() if path else otherwise
        if value:
            yield Token(value, origin)


def find_key() -> tuple[tuple[str, str] | None, str]:
    """The user name and key, and a sentence about what is wrong with them if there are none.

    Raises:
        FetchError: If one has characters that no user name or key has.
    """
    path = key_file()
    values, fault = read_key_file(path)
    given = {}
    for name in ("username", "key"):
        variable = f"KAGGLE_{name.upper()}"
        if os.environ.get(variable, "").strip():
            values[name], given[variable] = os.environ[variable], name
        if name in values:
            values[name] = values[name].strip()
            origin = variable if variable in given else path
            check_characters(values[name], f"The {'user name' if name == 'username' else name} in {origin}")
    if "username" in values and "key" in values:
        return (values["username"], values["key"]), ""
    if len(given) == 1:
        missing = "KAGGLE_KEY" if "KAGGLE_USERNAME" in given else "KAGGLE_USERNAME"
        return None, f"{next(iter(given))} is set and {missing} is not."
    return None, f"{path} {fault}." if fault else ""


def key_file() -> Path:
    """Where `kaggle.json` is."""
    folder = os.environ.get("KAGGLE_CONFIG_DIR", "").strip()
    if folder:
        return Path(folder) / "kaggle.json"
    with contextlib.suppress(RuntimeError):  # no home
        home = Path.home() / ".kaggle"
        if home.exists() or not sys.platform.startswith("linux"):
            return home / "kaggle.json"
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle" / "kaggle.json"
    return Path("kaggle.json")


def read_key_file(path: Path) -> tuple[dict[str, Any], str]:
    """The values of a `kaggle.json`, whatever editor has saved it, and why they are not credentials.

    Returns:
        The usable values, and a clause such as `is empty`; the clause is empty if the file has credentials
        or does not exist.
    """
    try:
        text = _decode(path.read_bytes())
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return {}, "is damaged: it is not text"
    if not text.strip():
        return {}, "is empty"
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        curly = any(letter in text for letter in _CURLY)
        return {}, "has curly quotes instead of straight ones" if curly else "is damaged: it is not JSON"
    if not isinstance(values, dict):
        return {}, "has no user name and no key in it"
    usable, fault = {}, ""
    for name, noun in (("key", "key"), ("username", "user name")):
        value = values.get(name)
        if isinstance(value, str) and value.strip():
            usable[name] = value
        else:
            fault = f"has no {noun} in it"
    return usable, fault


def find_login() -> SavedLogin | None:
    """What `kaggle auth login` has saved, or None if there is none.

    Raises:
        FetchError: If it is damaged.
    """
    path = _existing(LOGIN_FILE)
    if path is None:
        return None
    try:
        values = json.loads(_decode(path.read_bytes()))
        refresh_token, access_token = values["refresh_token"], values.get("access_token") or ""
        expires = values.get("access_token_expiration")
        if not expires or datetime.fromisoformat(expires) < datetime.now(UTC):
            access_token = ""
        if not isinstance(refresh_token, str) or not isinstance(access_token, str):
            raise TypeError
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise FetchError(
            f"{LOGIN_FILE} is damaged.", "Remove it, and log in again with: kaggle auth login"
        ) from None
    return SavedLogin(refresh_token, access_token)


def check_characters(value: str, what: str) -> None:
    """Refuse a key with characters that no key has, without showing it.

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


def warn_of_open_files() -> None:
    """Warn of credentials that others on this machine can read."""
    for path in dict.fromkeys([key_file(), *filter(None, map(_existing, (*TOKEN_FILES, LOGIN_FILE)))]):
        with contextlib.suppress(OSError):
            if os.name != "nt" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                note(f"{path} can be read by others on this machine; protect it with: chmod 600 {path}")


def _existing(name: str) -> Path | None:
    """The path of a file, if there is one."""
    try:
        path = Path(name).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):  # a token is not a file name; there may be no home
        return None


def _decode(data: bytes) -> str:
    if data.startswith(_BOMS[1:]):
        return data.decode("utf-16")
    return data.decode("utf-8-sig")
