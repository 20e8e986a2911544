"""Discover and load plugins: the networks, datasets and commands that entry points declare.

Discovery reads the metadata of installed distributions and imports nothing. A spec is loaded when it is
used, so a broken plugin has no effect until its own name is typed.
"""

from __future__ import annotations

import importlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any, Literal, Protocol

from galaxynet.errors import PluginError, UsageError
from galaxynet.options import Options
from galaxynet.phrases import suggest
from galaxynet.plugin import CONTRACT, CommandSpec, DatasetSpec, ModelSpec, ShippedWeights

Kind = Literal["model", "dataset", "command"]

GROUPS: dict[Kind, str] = {
    "model": "galaxynet.models",
    "dataset": "galaxynet.datasets",
    "command": "galaxynet.commands",
}
_SPECS: dict[Kind, type[ModelSpec] | type[DatasetSpec] | type[CommandSpec]] = {
    "model": ModelSpec,
    "dataset": DatasetSpec,
    "command": CommandSpec,
}
LIMIT_VARIABLE = "GALAXYNET_PLUGINS"


@dataclass(frozen=True)
class Plugin:
    """An entry point that offers a network, a dataset or a command. Its code has not been imported yet.

    Attributes:
        kind: `model`, `dataset` or `command`.
        name: The name that users type.
        distribution: The installed distribution that it belongs to.
        version: The distribution's version.
        target: `module:attribute` of the spec.
    """

    kind: Kind
    name: str
    distribution: str
    version: str
    target: str

    @property
    def qualified(self) -> str:
        """`distribution:name`, which is unambiguous even if two distributions offer the same name."""
        return f"{self.distribution}:{self.name}"

    def load(self) -> Any:
        """Import the spec and check it.

        Returns:
            A `ModelSpec`, `DatasetSpec` or `CommandSpec`, by `kind`.

        Raises:
            PluginError: If it cannot be imported, is not a spec, or was written for a newer contract.
        """
        return _load(self)

    def remove_hint(self) -> str:
        """How to get rid of the plugin."""
        return f"To go on without it: pip uninstall {self.distribution}"


@cache
def _load(plugin: Plugin) -> ModelSpec | DatasetSpec | CommandSpec:
    what = f"The {plugin.kind} plugin {plugin.name!r} of {plugin.distribution} {plugin.version}"
    try:
        spec = resolve(plugin.target)
    except (Exception, SystemExit) as error:  # importing third-party code can raise anything
        raise PluginError(
            f"{what} does not import: {type(error).__name__}: {error}.", plugin.remove_hint()
        ) from error
    spec_class = _SPECS[plugin.kind]
    contract = getattr(spec, "contract", None)
    if isinstance(contract, int) and contract > CONTRACT:
        raise PluginError(
            f"{what} asks for version {contract} of the plugin contract; this galaxynet has {CONTRACT}.",
            "Upgrade with: pip install --upgrade galaxynet",
        )
    if not isinstance(spec, spec_class):
        raise PluginError(
            f"{what} points at a {type(spec).__name__}, not at a {spec_class.__name__}.", plugin.remove_hint()
        )
    if spec.name != plugin.name:
        raise PluginError(f"{what} calls itself {spec.name!r} in its spec.", plugin.remove_hint())
    if isinstance(spec, CommandSpec):
        return spec
    if not (isinstance(spec.options, type) and issubclass(spec.options, Options)):
        raise PluginError(f"{what} has options that are not a subclass of Options.", plugin.remove_hint())
    if isinstance(spec, ModelSpec) and not (
        isinstance(spec.weights, tuple) and all(isinstance(part, ShippedWeights) for part in spec.weights)
    ):
        raise PluginError(f"{what} has weights that are not a tuple of ShippedWeights.", plugin.remove_hint())
    return spec


def resolve(target: str) -> Any:
    """Import the object that `module:attribute` names.

    Raises:
        ImportError: If the module cannot be imported or lacks the attribute.
        Exception: Whatever the module raises on import.
    """
    module, _, attribute = target.partition(":")
    target_object: Any = importlib.import_module(module)
    for part in attribute.split("."):
        try:
            target_object = getattr(target_object, part)
        except AttributeError:
            raise ImportError(f"module {module} has no {attribute}") from None
    return target_object


def resolve_for(plugin: Plugin, target: str) -> Any:
    """Import a class or function of a plugin; an error names the plugin.

    Raises:
        PluginError: If the import fails.
    """
    try:
        return resolve(target)
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"The {plugin.kind} plugin {plugin.name!r} of {plugin.distribution} {plugin.version} "
            f"does not import {target}: {type(error).__name__}: {error}.",
            plugin.remove_hint(),
        ) from error


@cache
def _all() -> tuple[Plugin, ...]:
    offered: dict[tuple[Kind, str, str], Plugin] = {}
    points = metadata.entry_points()
    for kind, group in GROUPS.items():
        for point in points.select(group=group):
            distribution = point.dist.name if point.dist else "unknown"
            version = point.dist.version if point.dist else "?"
            plugin = Plugin(kind, point.name, distribution, version, point.value)
            # An editable install can put the same metadata on the path twice; the first one wins.
            offered.setdefault((kind, point.name, distribution), plugin)
    return tuple(sorted(offered.values(), key=lambda plugin: (plugin.kind, plugin.name, plugin.distribution)))


def plugins(kind: Kind) -> list[Plugin]:
    """All plugins of a kind, sorted by name.

    If the environment variable `GALAXYNET_PLUGINS` is set, only those in its comma-separated list of names,
    distributions or `distribution:name` are returned; none if it is empty.
    """
    installed = [plugin for plugin in _all() if plugin.kind == kind]
    limit = os.environ.get(LIMIT_VARIABLE)
    if limit is None:
        return installed
    allowed = {part.strip() for part in limit.split(",") if part.strip()}
    return [plugin for plugin in installed if allowed & {plugin.name, plugin.distribution, plugin.qualified}]


def find(kind: Kind, name: str) -> Plugin:
    """The plugin called `name`, which may be qualified as `distribution:name`.

    Raises:
        UsageError: If there is none (the message suggests the most similar name), or two distributions
            offer it.
    """
    known = plugins(kind)
    matches = [plugin for plugin in known if name in (plugin.name, plugin.qualified)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ways = " or ".join(plugin.qualified for plugin in matches)
        owners = " and ".join(f"{plugin.distribution} {plugin.version}" for plugin in matches)
        raise UsageError(f"Two packages offer the {kind} {name!r}: {owners}.", f"Say which one: {ways}")
    if not known:
        raise UsageError(f"There is no {kind} {name!r}: {nothing_installed(kind)}")
    hint = suggest(name, [plugin.name for plugin in known])
    raise UsageError(f"There is no {kind} {name!r}.", hint)


def nothing_installed(kind: Kind) -> str:
    """Why there are no plugins of a kind, and how to get some."""
    if os.environ.get(LIMIT_VARIABLE) is not None:
        return f"the variable {LIMIT_VARIABLE} hides every {kind} plugin. Unset it to see them."
    return (
        f"no {kind} plugin is installed. The package galaxynet brings its own; "
        "reinstall it with: pip install --force-reinstall --no-deps galaxynet"
    )


def conflicts(kind: Kind) -> dict[str, list[Plugin]]:
    """The names that more than one distribution offers."""
    known = plugins(kind)
    counts = Counter(plugin.name for plugin in known)
    return {name: [plugin for plugin in known if plugin.name == name] for name in counts if counts[name] > 1}


def check_flags(components: Iterable[tuple[str, type[Options]]], reserved: Iterable[str] = ()) -> None:
    """Check that no flag is used twice.

    Args:
        components: The name of each component, for the message, and its options.
        reserved: Flags that belong to the command itself.

    Raises:
        PluginError: If two components use the same flag; the message names both.
    """
    owners = dict.fromkeys(reserved, "the command itself")
    for owner, options in components:
        for field in options.fields():
            for flag in field.flags:
                if flag in owners:
                    raise PluginError(
                        f"The flag {flag} is used twice: by {owners[flag]} and by {owner}.",
                        "One of the two plugins has to rename its option.",
                    )
                owners[flag] = owner


class PluginRef(Protocol):
    """A plugin as a run's record names it."""

    name: str
    distribution: str


def recorded(kind: Kind, plugin: PluginRef) -> str:
    """The name that `find` takes for a plugin named in a record.

    `distribution:name` if two distributions offer the name and the recorded one is installed, so that it is
    not confused with the other; otherwise the plain name.
    """
    qualified = f"{plugin.distribution}:{plugin.name}"
    clash = plugin.name in conflicts(kind)
    return qualified if clash and qualified in [other.qualified for other in plugins(kind)] else plugin.name


def clear_cache() -> None:
    """Forget discovered plugins, for a process in which packages are installed or removed."""
    for cached in (_all, _load):
        clear: Callable[[], None] = cached.cache_clear
        clear()
