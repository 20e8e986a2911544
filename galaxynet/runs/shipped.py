"""Trained weights that plugins ship: found by name, and used in place of a run (no torch).

Their folder is a run folder with `weights.safetensors` in place of checkpoints, so all that applies a run's
network applies them. `galaxynet runs export` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from galaxynet import registry, terminal
from galaxynet.errors import PluginError, RunError, UsageError
from galaxynet.plugin import ModelSpec, ShippedWeights
from galaxynet.registry import Plugin
from galaxynet.runs.exported import verified_weights
from galaxynet.runs.folder import WEIGHTS, Run
from galaxynet.runs.search import find, lookup


@dataclass
class ShippedRun(Run):
    """Shipped weights, as a run.

    Attributes:
        plugin: The network's plugin, whose package ships them.
        summary: One line that says what they are.
    """

    plugin: Plugin
    summary: str

    @property
    def source(self) -> str:
        """Their name, package and version: `galaxy_votes of galaxynet 0.1.0`."""
        return f"{self.label} of {self.plugin.distribution} {self.plugin.version}"

    @property
    def reference(self) -> str:
        """`distribution:name`, which means these weights whatever runs there are."""
        return f"{self.plugin.distribution}:{self.label}"

    @property
    def reinstall_hint(self) -> str:
        """How to get them again."""
        return _reinstall_hint(self.plugin)


@dataclass(frozen=True)
class Shipped:
    """Weights that a spec names; their folder has not been read yet.

    Attributes:
        plugin: The network's plugin.
        weights: What its spec says.
    """

    plugin: Plugin
    weights: ShippedWeights

    @property
    def names(self) -> tuple[str, str]:
        """The name, and `distribution:name`."""
        return self.weights.name, f"{self.plugin.distribution}:{self.weights.name}"

    def open(self, *, verify: bool = False) -> ShippedRun:
        """Read their record.

        Args:
            verify: Also read the weights and compare their digest, as is done when they are used.

        Raises:
            RunError: If the folder is missing, incomplete or damaged.
        """
        try:
            folder = self._folder()
            run = Run.open(folder)
            if run.record.exported is None:
                raise RunError(f"{folder} was not written by: galaxynet runs export.")
            size = _size(folder / WEIGHTS)
            if size != run.record.exported.size:
                raise RunError(
                    f"{folder / WEIGHTS} has {size:,} bytes in place of {run.record.exported.size:,}."
                )
            if verify:
                verified_weights(run)
        except RunError as error:
            message = f"The weights {self.names[1]} cannot be used: {error.message}"
            raise RunError(message, _reinstall_hint(self.plugin)) from None
        run.record.name = self.weights.name
        return ShippedRun(run.path, run.record, self.plugin, self.weights.summary)

    def _folder(self) -> Path:
        package, _, folder = self.weights.folder.partition(":")
        try:
            root = resources.files(package)
        except Exception as error:  # importing third-party code can raise anything
            raise RunError(
                f"the package {package!r} does not import: {type(error).__name__}: {error}."
            ) from None
        if not isinstance(root, Path):
            raise RunError(f"the package {package} is not in a folder of its own.")
        return root / folder


def shipped_weights() -> Iterator[Shipped]:
    """The weights that installed plugins ship, ordered by network; broken plugins are left out."""
    for plugin in registry.plugins("model"):
        try:
            spec: ModelSpec = plugin.load()
        except PluginError:
            continue
        for weights in spec.weights:
            yield Shipped(plugin, weights)


def shipped_names() -> list[str]:
    """The names of shipped weights; `distribution:name` where two packages have the same."""
    shipped = list(shipped_weights())
    plain = [weights.names[0] for weights in shipped]
    return [weights.names[plain.count(weights.names[0]) > 1] for weights in shipped]


def find_network(runs_dir: Path, reference: Run | Path | str) -> Run:
    """The run that a reference means, or the shipped weights of that name, a `ShippedRun`.

    A run of that very name, id or folder wins, with a note. It may also be the folder of an exported run.

    Args:
        runs_dir: The folder of the runs.
        reference: As for `find`, or the name of shipped weights. A `Run` is read again from its folder.

    Raises:
        RunError: If neither is found, or it is damaged.
        UsageError: If two packages ship weights of this name.
    """
    if isinstance(reference, Run):
        return reference if isinstance(reference, ShippedRun) else Run.open(reference.path)
    reference = str(reference)
    matches = [weights for weights in shipped_weights() if reference in weights.names]
    if not matches:
        try:
            return find(runs_dir, reference, others=shipped_names())
        except RunError as error:
            raise RunError(error.message, f"{error.hint} {_without_weights()}".strip()) from None
    run = lookup(runs_dir, reference, exact=True)
    if run is not None:
        terminal.note(f"{reference} is the run in {run.path}, and not the shipped weights of that name")
        return run
    if len(matches) > 1:
        ways = " or ".join(weights.names[1] for weights in matches)
        raise UsageError(f"Two packages ship weights called {reference!r}.", f"Say which: {ways}")
    return matches[0].open()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise RunError(f"{path} is missing: {error.strerror or error}.") from None


def _reinstall_hint(plugin: Plugin) -> str:
    return f"Reinstall them with: pip install --force-reinstall --no-deps {plugin.distribution}"


def _without_weights() -> str:
    """The network plugins that do not load, whose weights are unknown; empty if all do."""
    broken = []
    for plugin in registry.plugins("model"):
        try:
            plugin.load()
        except PluginError:
            broken.append(plugin.distribution)
    if not broken:
        return ""
    names = " and ".join(dict.fromkeys(broken))
    return f"A network of {names} does not load, so its weights are unknown; see: galaxynet plugins"
