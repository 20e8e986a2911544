"""Keep the current directory off the module search path, where a `random.py` would replace Python's own.

Imported before anything else, so it uses only modules that Python itself has already loaded.
"""

import os
import sys

SAFE_PATH = "PYTHONSAFEPATH"
"""The variable by which a new Python leaves the current directory, and that of its script, off its path."""


def guard() -> None:
    """Guard this process and every Python process that it starts; for a command, not for a library."""
    sys.path[:] = without_current_directory(sys.path)
    os.environ[SAFE_PATH] = "1"


def without_current_directory(path: list[str]) -> list[str]:
    """A module search path without the current directory before the standard library.

    It stays where it comes later, since a package was installed from it, and where PYTHONPATH names it.
    """
    library = os.path.dirname(os.__file__)  # noqa: PTH120
    last = path.index(library) if library in path else len(path)
    try:
        here = os.getcwd()  # noqa: PTH109
    except OSError:  # it was removed
        here = ""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = [os.path.abspath(entry) for entry in given if entry]  # noqa: PTH100
    return [
        entry
        for index, entry in enumerate(path)
        if entry and (index > last or entry != here or here in named)
    ]
