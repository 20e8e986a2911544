"""Names that have moved: the old one works for one release, and warns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any


def moved_names(module: str, targets: Mapping[str, str], *, removed_in: str) -> Callable[[str], Any]:
    """A module's `__getattr__` for names that have moved.

    Args:
        module: The module that had the names.
        targets: `module:attribute` of each name's new location.
        removed_in: The release that removes the old names.

    Returns:
        A function that returns the object from its new location with a `DeprecationWarning`, and raises
        `AttributeError` for other names.
    """

    def getattr_(name: str) -> Any:
        if name not in targets:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from galaxynet.registry import resolve

        warnings.warn(
            f"{module}.{name} is now {targets[name].replace(':', '.')}; "
            f"the old name goes in galaxynet {removed_in}.",
            DeprecationWarning,
            stacklevel=2,
        )
        return resolve(targets[name])

    return getattr_
