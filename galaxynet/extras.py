"""Libraries that are installed on request, and the command that installs each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from galaxynet.errors import DataError

_EXTRAS = {"astropy": "astro", "pandas": "astro", "pyarrow": "parquet"}


def optional_module(name: str, purpose: str) -> Any:
    """Import a module of an optional library.

    Args:
        name: The module, for example `astropy.io.fits`.
        purpose: What needs it, to begin a sentence: `Reading FITS`.

    Raises:
        DataError: If the library is not installed; says how to install it.
    """
    library = name.partition(".")[0]
    try:
        return import_module(name)
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] != library:
            raise
        raise DataError(
            f"{purpose} needs {library}.", f"Install it with: pip install 'galaxynet[{_EXTRAS[library]}]'"
        ) from None
