"""Command groups that import a command when it is used, not when it is listed."""

from __future__ import annotations

import abc
import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from galaxynet.errors import GalaxynetError, PluginError, UsageError

if TYPE_CHECKING:
    from galaxynet.plugin import CommandSpec
    from galaxynet.registry import Kind, Plugin

Command = Any  # Typer carries its own copy of Click and does not export its Command class.


@dataclass(frozen=True)
class Listed:
    """An entry of a listing of commands.

    Attributes:
        name: The name that users type.
        help: One line.
        panel: The heading above it.
    """

    name: str
    help: str
    panel: str = "Commands"


class LazyGroup(TyperGroup, abc.ABC):
    """A group whose commands are listed without being built.

    Subclasses list their commands (`listed`) and build one when it is called (`build`).
    """

    @abc.abstractmethod
    def listed(self) -> Iterable[Listed]:
        """The commands, in display order."""

    @abc.abstractmethod
    def build(self, name: str, args: list[str]) -> Command:
        """Build the command called `name`; `args` are the words that follow it.

        Raises:
            GalaxynetError: If there is no such command, or it cannot be built.
        """

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, for help and completion."""
        return [entry.name for entry in self._entries().values()]

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:
        """A light stand-in that carries name and help; `resolve_command` builds the real one."""
        entry = self._entries().get(cmd_name)
        if entry is None:
            return None
        return TyperCommand(name=entry.name, help=entry.help, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Build the command that `args` begin with."""
        name, rest = args[0], args[1:]
        if name.startswith("-"):
            return super().resolve_command(ctx, args)
        try:
            return name, self.build(name, rest), rest
        except GalaxynetError:
            if ctx.resilient_parsing:  # completion: no suggestions, and no message
                return None, None, rest
            raise

    def _entries(self) -> dict[str, Listed]:
        if not hasattr(self, "_cached_entries"):
            self._cached_entries = {entry.name: entry for entry in self.listed()}
        return self._cached_entries


class PluginGroup(LazyGroup):
    """A group with a command for each installed plugin of a kind, named first: `train MODEL`.

    Attributes:
        kind: The kind of plugin.
        noun: What users call it.
        verb: What the commands do with it.
    """

    kind: ClassVar[Kind]
    noun: ClassVar[str]
    verb: ClassVar[str]

    @classmethod
    def create(cls, name: str, help: str, options_metavar: str = "[OPTIONS]") -> Command:
        """The group itself."""
        from galaxynet import registry  # `galaxynet --help` does without

        if not registry.plugins(cls.kind):
            help += f"\n\nThere is nothing to {cls.verb}: {registry.nothing_installed(cls.kind)}"
        return cls(
            name=name,
            help=help,
            no_args_is_help=True,
            options_metavar=options_metavar,
            subcommand_metavar=f"{cls.kind.upper()} [OPTIONS]",
            rich_markup_mode="rich",
            context_settings={"help_option_names": ["--help", "-h"]},
        )

    def listed(self) -> Iterable[Listed]:
        """Every plugin with its summary; a broken one with its error."""
        from galaxynet import registry

        conflicts, panel = registry.conflicts(self.kind), f"{self.noun.capitalize()}s"
        for plugin in registry.plugins(self.kind):
            name = plugin.qualified if plugin.name in conflicts else plugin.name
            try:
                yield Listed(name, plugin.load().summary, panel)
            except PluginError as error:
                yield Listed(name, f"broken: {error.message}", panel)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reject a flag before the plugin, whose options decide which flags there are."""
        if begins_with_flag(args) and not ctx.resilient_parsing:
            raise UsageError(
                f"The {self.noun} comes first, before {args[0]}.",
                f"Write: galaxynet {self.name} {self.kind.upper()} {args[0]} ...",
            )
        rest: list[str] = super().parse_args(ctx, args)
        return rest


def begins_with_flag(args: list[str]) -> bool:
    """True if a flag other than `--help` comes first."""
    return bool(args) and args[0].startswith("-") and args[0] not in ("--help", "-h")


def command_of_module(module: str, name: str) -> Command:
    """The command that a module of `galaxynet.cli` exposes: a `command` function, an `app`, or a `group`."""
    exposed = importlib.import_module(module)
    if hasattr(exposed, "group"):
        return _with_flowing_help(exposed.group(name))
    return command_of(getattr(exposed, "app", None) or exposed.command, name)


def command_of_plugin(plugin: Plugin) -> Command:
    """The command that a plugin brings.

    Raises:
        PluginError: If it cannot be imported, or is neither a function nor a `typer.Typer`.
    """
    from galaxynet import registry

    spec: CommandSpec = plugin.load()
    target = registry.resolve_for(plugin, spec.module)
    try:
        return command_of(target, spec.name)
    except Exception as error:  # Typer may raise anything for third-party annotations
        raise PluginError(
            f"The command plugin {plugin.name!r} of {plugin.distribution} {plugin.version} cannot be used: "
            f"{type(error).__name__}: {error}.",
            plugin.remove_hint(),
        ) from error


def command_of(target: Any, name: str) -> Command:
    """The command of a `typer.Typer`, or of a function with Typer's annotations."""
    app = target
    if not isinstance(app, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode="rich")
        app.command(name)(target)
    command = get_command(app)
    command.name = name
    return _with_flowing_help(command)


def _with_flowing_help(command: Command) -> Command:
    for each in (command, *getattr(command, "commands", {}).values()):
        each.help = flowing(each.help or (docstring(each.callback) if each.callback else ""))
    return command


def docstring(function: Any) -> str:
    """The docstring of a command, from its source where Python has dropped it (`PYTHONOPTIMIZE=2`)."""
    function = inspect.unwrap(function)
    text = inspect.getdoc(function)
    if text is None:
        with suppress(OSError, TypeError, SyntaxError):  # there is no source
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
            text = ast.get_docstring(cast(ast.FunctionDef, definition))
    return text or ""


def flowing(text: str) -> str:
    """A help text with its paragraphs unwrapped; indented lines, such as examples, are kept.

    Typer keeps the line breaks of the source, which look wrong in a narrower terminal.
    """
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        paragraph if "\n " in f"\n{paragraph}" else " ".join(paragraph.split("\n"))
        for paragraph in paragraphs
    )
