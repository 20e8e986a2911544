"""Datasets that are computed: run the simulator, check what it made, put it on the shelf."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxynet.errors import PluginError
from galaxynet.fetching.errors import disk_errors
from galaxynet.fetching.hashing import hash_file
from galaxynet.fetching.notes import note
from galaxynet.fetching.shelf import Shelf
from galaxynet.sources import DataFile, Simulator


def simulate(
    source: Simulator, given: Mapping[str, Any], files: Sequence[DataFile], shelf: Shelf
) -> list[str]:
    """Make the files of a dataset in a temporary folder, and move them into place when all are whole.

    Args:
        source: The simulator.
        given: Values for its options; the others have their defaults.
        files: The files that it has to make.
        shelf: Where they go.

    Returns:
        What the dataset says of them.

    Raises:
        OptionError: If an option does not fit.
        PluginError: If the simulator did not make a file.
        DataError: If a file that it made is damaged, or the dataset refuses it.
    """
    options = source.options.from_dict(given)
    if shelf.receipt.files:
        note(f"replacing what is there ({_described(shelf.receipt.options)})")
    building = Path(tempfile.mkdtemp(dir=shelf.folder, prefix=".simulating."))
    try:
        with disk_errors(shelf.folder):
            shelf.call(source.function, building, options)
        missing = [file.name for file in files if not (building / file.name).is_file()]
        if missing:
            raise PluginError(
                f"The simulator of {shelf.plugin.name!r} ({shelf.plugin.distribution} "
                f"{shelf.plugin.version}) did not make {', '.join(missing)}.",
                shelf.plugin.remove_hint(),
            )
        return shelf.replace_all(
            [(file, building / file.name, hash_file(building / file.name)) for file in files],
            "simulated",
            options.to_dict(),
        )
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _described(options: Mapping[str, Any] | None) -> str:
    if options is None:
        return "not simulated"
    flags = (f"--{name.replace('_', '-')} {value}" for name, value in options.items())
    return f"simulated with {' '.join(flags)}"
