"""Errors that the user can act on.

Every failure that galaxynet foresees is raised as one of these. The command line prints the message
(and the hint) without a traceback and exits with `exit_code`; a Python caller catches `GalaxynetError`.
"""

from __future__ import annotations

import errno
from typing import Any

FULL_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of what is, to the person who meets it, a full disk: a quota, a limit on a file's size."""

_NETWORK = frozenset(
    {
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.ENOTCONN,
    }
)


class GalaxynetError(Exception):
    """A foreseen failure.

    Args:
        message: One sentence saying what is wrong, naming the file, option or plugin concerned.
        hint: One sentence that says what to do, preferably a command.

    Attributes:
        exit_code: The exit status of the command line: 1, a failure.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(GalaxynetError):
    """The call itself is wrong: an unknown name, an option out of range. Exit status 2."""

    exit_code = 2


class OptionError(UsageError):
    """A value that an option does not take."""


class PluginError(GalaxynetError):
    """A plugin that cannot be used: it cannot be imported, is too new, or breaks the contract."""


class DataError(GalaxynetError):
    """Data that are missing, damaged, or do not fit together."""


class RunError(GalaxynetError):
    """A run that cannot be read, resumed or used."""


def first_fault(error: Any) -> tuple[str, str]:
    """Location and reason of pydantic's first error, for the middle of a sentence.

    Args:
        error: A `pydantic.ValidationError`; this module imports no pydantic.

    Returns:
        `metrics.loss` and `input should be a valid number`; the location is empty if it is the whole.
    """
    first = error.errors()[0]
    return ".".join(map(str, first["loc"])), first["msg"][0].lower() + first["msg"][1:]


def is_disk_error(error: BaseException) -> bool:
    """True if a file or folder could not be read or written.

    An `OSError` alone does not say so: a connection that breaks is one too, and so is every exception of
    requests.
    """
    if not isinstance(error, OSError) or error.errno is None or error.errno in _NETWORK:
        return False
    import socket
    import ssl

    return not isinstance(error, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError)
