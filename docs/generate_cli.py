"""Generated pages: an MkDocs hook.

The command reference is generated from the commands themselves, so it always agrees with `--help`. The
changelog is the file at the root of the repository.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGE = "reference/cli.md"
CHANGELOG = Path(__file__).parent.parent / "CHANGELOG.md"

_NOTES = re.compile(r"(?P<text>.*?)(?:\s\s\[(?P<notes>.*)\])?", re.DOTALL)
_INTRODUCTION = """# Commands

All commands and flags. `galaxynet COMMAND --help` shows the same in a terminal. The flags of `train MODEL`
and `fetch DATASET` come from the plugins; those of the built-in plugins are listed here. The flags under
*Dataset* belong to the dataset that `--dataset` names.

Every command has `--help`, or `-h`. `--debug`, anywhere in a command line, shows full tracebacks.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those that MkDocs has found."""
    files.append(File.generated(config, PAGE, content=reference()))
    files.append(File.generated(config, "changelog.md", abs_src_path=str(CHANGELOG)))
    return files


def reference() -> str:
    """The page, in Markdown."""
    # Only what galaxynet itself brings: the page is the same whatever else the builder has installed.
    before = os.environ.get("GALAXYNET_PLUGINS")
    os.environ["GALAXYNET_PLUGINS"] = "galaxynet"
    try:
        from galaxynet.cli.main import root

        sections = [_section(context, depth) for context, depth in _contexts(root(), "galaxynet", None, 0)]
    finally:
        if before is None:
            del os.environ["GALAXYNET_PLUGINS"]
        else:
            os.environ["GALAXYNET_PLUGINS"] = before
    return "\n".join([_INTRODUCTION, *sections])


def _contexts(command: Any, name: str, parent: Any, depth: int) -> Iterator[tuple[Any, int]]:
    """A command and all its subcommands, each with its depth."""
    context = command.context_class(command, info_name=name, parent=parent)
    yield context, depth
    if not hasattr(command, "list_commands"):
        return
    for child in command.list_commands(context):
        build = getattr(command, "build", None)  # a lazy group lists stand-ins
        subcommand = build(child, []) if build else command.get_command(context, child)
        yield from _contexts(subcommand, child, context, depth + 1)


def _section(context: Any, depth: int) -> str:
    command = context.command
    path = context.command_path
    lines = [f"{'#' * max(depth + 1, 2)} `{path}`", "", *_help(command.help or ""), ""]
    for panel, parameters in _panels(context).items():
        lines += [f"**{panel}**", "", "| flag | meaning | default |", "| --- | --- | --- |"]
        lines += [_row(parameter, context) for parameter in parameters]
        lines.append("")
    return "\n".join(lines)


def _help(text: str) -> list[str]:
    """The description; the indented example lines become a block."""
    blocks = []
    for paragraph in text.replace("\f", "").split("\n\n"):
        rows = paragraph.strip("\n").splitlines()
        if rows and all(row.startswith("  ") for row in rows):
            blocks.append("\n".join(["```sh", *(row.strip() for row in rows), "```"]))
        else:
            blocks.append("\n".join(rows))
    return ["\n\n".join(blocks)]


def _panels(context: Any) -> dict[str, list[Any]]:
    panels: dict[str, list[Any]] = {}
    for parameter in context.command.params:
        usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
        panels.setdefault(parameter.rich_help_panel or usual, []).append(parameter)
    return panels


def _row(parameter: Any, context: Any) -> str:
    _, described = parameter.get_help_record(context)
    parted = _NOTES.fullmatch(described)
    text, notes = (parted["text"], parted["notes"] or "") if parted else (described, "")
    default, other = "", []
    for note in filter(None, notes.split("; ")):
        if note.startswith("default: "):
            default = note.removeprefix("default: ").removeprefix("(").removesuffix(")")
        elif note.startswith("env var: "):
            other.append(f"(variable `{note.removeprefix('env var: ')}`)")
        elif note != "required":
            other.append(f"(`{note}`)")
    if parameter.param_type_name == "argument":
        name = f"`{(parameter.metavar or parameter.name.upper()).strip()}`"
    else:
        flags = sorted(
            [*parameter.opts, *parameter.secondary_opts], key=lambda flag: flag.startswith("--no-")
        )
        name = ", ".join(f"`{flag}`" for flag in flags) + _value(parameter, context)
    return "| " + " | ".join(_cell(part) for part in (name, " ".join([text, *other]), _code(default))) + " |"


def _value(parameter: Any, context: Any) -> str:
    if parameter.is_flag:
        return ""
    kind = parameter.display_type(context).strip("<>")
    shown = parameter.metavar or (kind if "|" in kind else kind.removesuffix(" range").upper())
    return f" `{shown}`"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;" if "`" not in text else "<")
