"""The command `galaxynet`: its table of commands, and how it ends.

Only the module of the command that is called is imported; see `docs/explanation/plugins.md` for why.
"""

from galaxynet.safe_path import guard

if __name__ == "__main__":
    guard()

import io
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from typer.main import get_command

from galaxynet import terminal
from galaxynet.cli.groups import Command, LazyGroup, Listed, command_of_module, command_of_plugin, docstring
from galaxynet.errors import GalaxynetError, PluginError, UsageError, is_disk_error
from galaxynet.launch import isolated_environment
from galaxynet.phrases import suggest
from galaxynet.signals import stop_signals

if TYPE_CHECKING:
    from galaxynet.plugin import CommandSpec
    from galaxynet.registry import Plugin


class Entry(NamedTuple):
    """A line of the table of commands."""

    panel: str
    help: str
    module: str


COMMANDS = {
    "fetch": Entry("Data", "Download, import or simulate a dataset.", "galaxynet.cli.fetch"),
    "datasets": Entry("Data", "List, verify and remove datasets.", "galaxynet.cli.datasets"),
    "train": Entry("Networks", "Train a network on a dataset.", "galaxynet.cli.train"),
    "sweep": Entry("Networks", "Train a network with many values of its options.", "galaxynet.cli.sweep"),
    "predict": Entry(
        "Networks", "Apply a trained network to images and write a catalogue.", "galaxynet.cli.predict"
    ),
    "evaluate": Entry(
        "Networks", "Evaluate a trained network: accuracy, classes, calibration.", "galaxynet.cli.evaluate"
    ),
    "generate": Entry("Networks", "Generate text with a trained language model.", "galaxynet.cli.generate"),
    "plugins": Entry("Networks", "List installed networks, datasets and commands.", "galaxynet.cli.plugins"),
    "compare": Entry("Runs", "Compare runs in a table.", "galaxynet.cli.compare"),
    "figures": Entry("Runs", "Draw learning curves and other figures of runs.", "galaxynet.cli.figures"),
    "runs": Entry("Runs", "List, show and remove runs.", "galaxynet.cli.runs"),
}


class Root(LazyGroup):
    """The commands of `galaxynet`."""

    def listed(self) -> Iterable[Listed]:
        """All commands, under their headings; those of plugins after the built-in ones."""
        for name, entry in COMMANDS.items():
            yield Listed(name, entry.help, entry.panel)
        for name, plugin in _plugin_commands().items():
            try:
                spec: CommandSpec = plugin.load()
                yield Listed(name, spec.summary, spec.panel)
            except PluginError as error:
                yield Listed(name, f"broken: {error.message}", "Plugins")

    def build(self, name: str, args: list[str]) -> Command:
        """Import the command's module."""
        if name in COMMANDS:
            return command_of_module(COMMANDS[name].module, name)
        from galaxynet import registry

        if any(name in (plugin.name, plugin.qualified) for plugin in registry.plugins("command")):
            return command_of_plugin(registry.find("command", name))
        hint = suggest(name, [*COMMANDS, *_plugin_commands()], "See: galaxynet --help")
        raise UsageError(f"There is no command {name!r}.", hint)


def _plugin_commands() -> dict[str, "Plugin"]:
    """The commands of plugins by what is typed: `distribution:name` where the name alone is taken."""
    from galaxynet import registry

    taken = {*COMMANDS, *registry.conflicts("command")}
    return {
        plugin.qualified if plugin.name in taken else plugin.name: plugin
        for plugin in registry.plugins("command")
    }


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        print(f"galaxynet {version('galaxynet')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show full tracebacks.")] = False,
) -> None:
    """Fetch a dataset, train networks on it, compare them, and apply them.

    To try it without an account or a network connection:

      galaxynet fetch galaxy-sim
      galaxynet train galaxy_alexnet --dataset galaxy-sim
      galaxynet compare
    """


def root() -> Command:
    """The whole command, for `main`, for tests and for the generated reference."""
    app = typer.Typer(
        cls=Root,
        no_args_is_help=True,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback(help=docstring(_root))(_root)
    command = get_command(app)
    command.name = "galaxynet"
    return command


@isolated_environment()
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0, 1 for a failure, 2 for a usage error, 130 for an interrupt."""
    if argv is None:
        guard()
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a character that the terminal cannot show must not raise an error
            stream.reconfigure(errors="replace")
    debug = "--debug" in args or bool(os.environ.get("GALAXYNET_DEBUG"))
    args = [word for word in args if word != "--debug"]
    warnings.formatwarning = terminal.format_warning
    try:
        with stop_signals():
            _call(root(), args)
    except GalaxynetError as error:
        from galaxynet.commands import print_error

        if debug:
            terminal.print_traceback(error)
        print_error(error)
        sys.exit(error.exit_code)
    except Exception as error:  # a fault of galaxynet or of a plugin: still one line, unless asked for more
        if debug:
            terminal.print_traceback(error)
            sys.exit(1)
        from galaxynet.commands import print_error

        if isinstance(error, OSError) and (isinstance(error, BrokenPipeError) or is_disk_error(error)):
            # A full disk, or a read-only folder.
            reason = error.strerror or str(error)
            print_error(GalaxynetError(f"{error.filename or 'The output or a file'}: {reason}."))
            sys.exit(1)
        unforeseen = GalaxynetError(
            f"unforeseen {type(error).__name__}: {error}",
            "Run it again with --debug to see where it happened.",
        )
        print_error(unforeseen)
        sys.exit(1)
    except KeyboardInterrupt:
        terminal.warn("interrupted")
        sys.exit(130)


def _call(command: Any, args: list[str]) -> None:
    try:
        command.main(args=args, prog_name="galaxynet", complete_var="_GALAXYNET_COMPLETE")
    except SystemExit as end:
        # Typer turns Ctrl-C into a silent exit.
        if isinstance(getattr(end.__context__, "__cause__", None), KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


if __name__ == "__main__":
    main()
