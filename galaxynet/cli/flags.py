"""Flags made from options: one typed, documented flag for every field of an `Options` class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import get_annotations
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from galaxynet.cli.groups import Command
from galaxynet.commands import complete_networks
from galaxynet.errors import PluginError
from galaxynet.options import RUN, OptionField, Options

_COLUMN = 24


@dataclass(frozen=True)
class Panel:
    """Flags under one heading of `--help`.

    Attributes:
        title: The heading.
        options: The options class that they are made from.
        defaults: Defaults that differ from those of the class (a model's own number of epochs).
        lists: True if each flag takes text with one or several values, which the caller parses. The flag of
            an option that is a list itself is repeated either way.
    """

    title: str
    options: type[Options]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    lists: bool = False


def command_from_options(
    name: str,
    function: Callable[..., None],
    panels: Sequence[Panel],
    help: str,
    epilog: str | None = None,
) -> Command:
    """A command with the fields of options classes as flags, besides those that the function declares.

    Args:
        name: The command's name.
        function: Called with its own declared parameters, and with `given`, a dict of those option
            values that the caller typed: an option that was not typed is absent, so that defaults, an
            earlier run's values (`--like`) and typed values stay distinct.
        panels: The options, as `--help` lists them.
        help: The description; a blank line ends a paragraph.
        epilog: Text after the flags.
    """
    own = [
        parameter
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.name != "given"
    ]
    flags = [_parameter(option, panel) for panel in panels for option in _own_first(panel.options)]
    choices = {
        option.name: () if panel.lists else option.choices
        for panel in panels
        for option in panel.options.fields()
    }

    repeated = {option.name for panel in panels for option in panel.options.fields() if option.is_list}

    def call(ctx: typer.Context, **values: Any) -> None:
        given = {}
        for flag in flags:
            value = values.pop(flag.name)
            source = ctx.get_parameter_source(flag.name)
            if source is not None and source.name != "DEFAULT":
                # On the command line, the choices 0, 1 and 3 are strings.
                typed = [choice for choice in choices[flag.name] if str(choice) == value]
                given[flag.name] = typed[0] if typed else value
                if flag.name in repeated:  # an empty text alone gives an empty list
                    given[flag.name] = tuple(filter(None, value))
        function(**values, given=given)

    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [context, *own, *flags]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(name, help=help, epilog=epilog)(call)
    command = get_command(app)
    command.context_settings["help_option_names"] = ["--help", "-h"]
    return command


def _own_first(options: type[Options]) -> list[OptionField]:
    """The fields as `--help` lists them: those of the class itself before inherited ones."""
    introduced = {name: depth for depth, cls in enumerate(options.__mro__) for name in get_annotations(cls)}
    return sorted(options.fields(), key=lambda option: introduced[option.name])


def _parameter(option: OptionField, panel: Panel) -> inspect.Parameter:
    default = panel.defaults.get(option.name, option.default)
    declarations = [option.flag] if panel.lists else ["/".join(option.flags)]
    settings: dict[str, Any] = {
        "help": _help(option),
        "show_default": default not in (None, "", ()),
        "rich_help_panel": panel.title,
        "metavar": option.metavar or _metavar(option),
    }
    if option.choices:
        settings["autocompletion"] = _completion(tuple(map(str, option.choices)), several=panel.lists)
    elif option.metavar == RUN:
        settings["autocompletion"] = _run_completion(several=panel.lists and not option.is_list)
    if panel.lists and option.type is bool:
        settings["metavar"] = "yes|no"
        default = "yes" if default else "no"
    if option.is_list:
        default = list(default)
    elif option.choices or panel.lists:
        default = None if default is None else str(default)
    type_: Any = (str if panel.lists and not option.is_list else _flag_type(option)) | None
    annotation = Annotated[type_, typer.Option(*declarations, **settings)]
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _flag_type(option: OptionField) -> Any:
    if option.choices:
        return str  # `Options` rejects other values, with the same message as in Python
    if option.is_list:
        return list[str]
    if option.type in (bool, int, float, str, Path):
        return option.type
    raise PluginError(f"The option {option.flag} has a type that no flag can have: {option.type}.")


def _completion(choices: tuple[str, ...], several: bool) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",") if several else ("", "", incomplete)
        return [f"{before}{comma}{choice}" for choice in choices if choice.startswith(last)]

    return complete


def _run_completion(several: bool) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        before, comma, last = incomplete.rpartition(",") if several else ("", "", incomplete)
        return [(f"{before}{comma}{name}", text) for name, text in complete_networks(ctx, last)]

    return complete


def _metavar(option: OptionField) -> str | None:
    """The placeholder of the value: the choices if they fit into the column, else a word."""
    if option.choices:
        shown = "|".join(map(str, option.choices))
        return shown if len(shown) <= _COLUMN else option.name.rpartition("_")[2].upper()
    return {int: "INT", float: "FLOAT", Path: "PATH", str: "TEXT", tuple[str, ...]: "TEXT"}.get(option.type)


def _help(option: OptionField) -> str:
    text = option.help[:1].upper() + option.help[1:]
    notes = [_limits(option.bounds)] if option.bounds else []
    if option.is_list:
        notes.append("can be repeated")
    if option.choices and len("|".join(map(str, option.choices))) > _COLUMN:
        notes.append("one of " + ", ".join(map(str, option.choices)))
    return text + "".join(f" ({note})" for note in notes)


def _limits(bounds: Mapping[str, float]) -> str:
    """The range in words: `1 or more`, `0 to 10`, `over 0, up to 100`."""
    if set(bounds) == {"ge", "le"}:
        return f"{_number(bounds['ge'])} to {_number(bounds['le'])}"
    words = {"ge": "{} or more", "gt": "over {}", "le": "up to {}", "lt": "under {}"}
    return ", ".join(words[name].format(_number(bounds[name])) for name in words if name in bounds)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:g}"
