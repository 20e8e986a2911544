"""Flags made from options: one typed, documented flag for every field of an `Options` class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.main import get_command

from galaxynet.cli.groups import Command
from galaxynet.errors import UsageError
from galaxynet.options import OptionField, Options


@dataclass(frozen=True)
class Panel:
    """Flags that stand under one heading of `--help`.

    Attributes:
        title: The heading.
        options: The options class that they are made from.
        defaults: Defaults that differ from those of the class (a model's own number of epochs).
    """

    title: str
    options: type[Options]
    defaults: Mapping[str, Any] = field(default_factory=dict)


def command_from_options(
    name: str,
    function: Callable[..., None],
    panels: Sequence[Panel],
    help: str,
    epilog: str | None = None,
) -> Command:
    """A command whose flags are the fields of options classes, besides those that the function declares.

    Args:
        name: The command's name.
        function: Called with its own declared parameters, and with `given`, a dict of those option
            values that the caller typed: an option that was not typed is absent, so that defaults, an
            earlier run's values (`--like`) and typed values can be told apart.
        panels: The options, in the order of `--help`.
        help: The description; a blank line ends a paragraph.
        epilog: What stands after the flags.
    """
    own = [
        parameter
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.name != "given"
    ]
    flags = [_parameter(option, panel) for panel in panels for option in panel.options.fields()]
    names = [parameter.name for parameter in flags]

    def call(**values: Any) -> None:
        given = {key: values.pop(key) for key in names if values.get(key) is not None}
        for key in names:
            values.pop(key, None)
        function(**values, given={key: _typed(key, value, panels) for key, value in given.items()})

    parameters = [*own, *flags]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(name, help=help, epilog=epilog)(call)
    command = get_command(app)
    command.context_settings["help_option_names"] = ["--help", "-h"]
    return command


def _parameter(option: OptionField, panel: Panel) -> inspect.Parameter:
    default = panel.defaults.get(option.name, option.default)
    settings: dict[str, Any] = {
        "help": _help(option),
        "show_default": _shown(default),
        "rich_help_panel": panel.title,
    }
    if option.metavar:
        settings["metavar"] = option.metavar
    declarations = [option.flag]
    if option.type is bool:
        declarations = [f"{option.flag}/--no-{option.flag[2:]}"]
    if option.type in (int, float):
        settings["min"] = option.bounds.get("ge")
        settings["max"] = option.bounds.get("le")
    annotation = Annotated[_flag_type(option) | None, typer.Option(*declarations, **settings)]  # type: ignore[misc]
    return inspect.Parameter(
        option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _flag_type(option: OptionField) -> Any:
    if option.choices:
        # Typer's choices are strings; `_typed` turns them back.
        return Literal[tuple(str(choice) for choice in option.choices)]
    if option.type in (bool, int, float, str, Path):
        return option.type
    raise UsageError(f"The option {option.flag} has a type that no flag can have: {option.type}.")


def _typed(name: str, value: Any, panels: Sequence[Panel]) -> Any:
    for panel in panels:
        for option in panel.options.fields():
            if option.name == name and option.choices:
                return next(choice for choice in option.choices if str(choice) == value)
    return value


def _help(option: OptionField) -> str:
    limits = []
    if "gt" in option.bounds:
        limits.append(f"over {option.bounds['gt']:g}")
    if "lt" in option.bounds:
        limits.append(f"under {option.bounds['lt']:g}")
    text = option.help[:1].upper() + option.help[1:]
    text += f" ({', '.join(limits)})" if limits else ""
    return text if text.endswith((".", ")")) else text + "."


def _shown(default: Any) -> str | bool:
    if default is None or default == "":
        return False
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"{default:g}" if isinstance(default, float) else str(default)
