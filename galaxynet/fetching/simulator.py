"""Files that a simulator computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from galaxynet.errors import PluginError
from galaxynet.fetching.errors import disk_errors
from galaxynet.fetching.staging import scratch_folder
from galaxynet.fetching.store import DatasetStore
from galaxynet.fetching.verification import hash_file
from galaxynet.sources import DataFile, Simulator
from galaxynet.terminal import note


class SimulatorSource:
    """A simulator with its options.

    Args:
        source: Its declaration.
        store: Where the files go.
        options: Values of its options; the others have their defaults.

    Raises:
        OptionError: If an option is invalid.
    """

    def __init__(self, source: Simulator, store: DatasetStore, options: Mapping[str, Any]) -> None:
        self._source, self._store = source, store
        self._values = source.options.from_dict(options)
        self.options: dict[str, Any] = self._values.to_dict()

    def fetch(self, files: Sequence[DataFile]) -> list[DataFile]:
        """Run the simulator in a temporary folder and stage what it made.

        Raises:
            PluginError: If it did not make a file.
            DataError: If a file is damaged.
        """
        store = self._store
        if store.receipt.files:
            note(f"replacing what is there ({_as_flags(store.receipt.options)})")
        folder = scratch_folder(store.folder)
        with disk_errors(store.folder):
            store.call(self._source.function, folder, self._values)
        missing = [file.name for file in files if not (folder / file.name).is_file()]
        if missing:
            raise PluginError(
                f"The simulator of {store.plugin.name!r} ({store.plugin.distribution} "
                f"{store.plugin.version}) did not make {', '.join(missing)}.",
                store.plugin.remove_hint(),
            )
        for file in files:
            path = folder / file.name
            store.stage(file, path, hash_file(path), "simulated", published=False)
        return list(files)

    def size(self, file: DataFile) -> None:
        """Unknown before the simulation."""

    def where(self, file: DataFile) -> str:
        """What is done to get the file."""
        return "simulate"


def _as_flags(options: Mapping[str, Any] | None) -> str:
    if options is None:
        return "not simulated"
    flags = (f"--{name.replace('_', '-')} {value}" for name, value in options.items())
    return f"simulated with {' '.join(flags)}"
