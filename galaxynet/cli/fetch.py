"""`galaxynet fetch DATASET`: a command for every installed dataset, with its own flags."""

# Annotations are evaluated where they stand (no `from __future__ import annotations`): those of the inner
# function name variables of the outer one.
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galaxynet import registry
from galaxynet.cli.flags import Panel, command_from_options
from galaxynet.cli.groups import Command, PluginGroup
from galaxynet.commands import DataDir, Quiet
from galaxynet.plugin import DatasetSpec
from galaxynet.registry import Plugin
from galaxynet.sources import Simulator

if TYPE_CHECKING:
    from galaxynet.fetching.request import FetchRequest, FetchResult

HELP = """Get a dataset: download it, import it from a folder, or simulate it.

Each installed dataset is a command with its own flags; see galaxynet fetch DATASET --help.
Interrupted downloads resume, every file is verified before it gets its name, and files that
are already present are not fetched again.
"""

DOWNLOAD = "Download"


class Fetch(PluginGroup):
    """The installed datasets as commands."""

    kind, noun, verb = "dataset", "dataset", "fetch"

    def build(self, name: str, args: list[str]) -> Command:
        """The command of one dataset."""
        plugin = registry.find("dataset", name)
        spec: DatasetSpec = plugin.load()
        simulators = [source for source in spec.sources if isinstance(source, Simulator)]
        if simulators:
            registry.check_flags([(plugin.qualified, simulators[0].options)], reserved=_RESERVED)
        return command_from_options(
            name,
            _fetch(plugin),
            [Panel("Simulation", source.options) for source in simulators[:1]],
            help=_help(spec),
            epilog=_example(spec, name),
        )


def group(name: str) -> Command:
    """The command `fetch` itself."""
    return Fetch.create(name, HELP)


_RESERVED = (
    "--timeout",
    "--retries",
    "--retry-pause",
    "--from",
    "--link",
    "--source",
    "--with",
    "--force",
    "--dry-run",
    "--data-dir",
    "--quiet",
)


def _help(spec: DatasetSpec) -> str:
    lines = [f"{spec.summary[:1].upper()}{spec.summary[1:]}."]
    if not spec.files:
        lines.append("It has no files to fetch.")
    for file in spec.files:
        what = f"{file.name}: {file.summary}" if file.summary else file.name
        lines.append(what + (f" (with --with {file.group})" if file.group else ""))
    if spec.homepage:
        lines.append(f"About the data: {spec.homepage}")
    return "\n\n".join(lines)


def _example(spec: DatasetSpec, name: str) -> str:
    if not spec.files:
        return f"Train on it: galaxynet train MODEL --dataset {name} --help"
    simulated = any(isinstance(source, Simulator) for source in spec.sources)
    return f"Example: galaxynet fetch {name}" + ("" if simulated else " --from ~/Downloads")


def _fetch(plugin: Plugin) -> Any:
    from galaxynet.sources import sources_by_name

    spec: DatasetSpec = plugin.load()
    names = list(sources_by_name(spec.sources))

    def fetch(
        folder: Annotated[
            Path | None,
            typer.Option(
                "--from",
                help="Import the files from this folder: a bundle, single archives, or unpacked folders.",
                metavar="FOLDER",
                show_default=False,
            ),
        ] = None,
        link: Annotated[
            bool, typer.Option("--link", help="With --from: link to the archives instead of copying them.")
        ] = False,
        groups: Annotated[
            list[str] | None,
            typer.Option("--with", help=_groups_help(spec), metavar="GROUP", show_default=False),
        ] = None,
        source: Annotated[
            str | None,
            typer.Option(
                "--source",
                help=f"Where to get the files: {' or '.join(names) or 'it has no source'}.",
                show_default=next(iter(names), False),
                autocompletion=lambda: names,
            ),
        ] = None,
        force: Annotated[
            bool, typer.Option("--force", help="Fetch files again that are already present.")
        ] = False,
        dry_run: Annotated[
            bool,
            typer.Option(
                "--dry-run", help="Show the files, their sizes and what would be done, and fetch nothing."
            ),
        ] = False,
        timeout: Annotated[
            float,
            typer.Option(
                help="Seconds of silence before a connection is dropped.",
                min=0.1,
                rich_help_panel=DOWNLOAD,
            ),
        ] = 60.0,
        retries: Annotated[
            int,
            typer.Option(help="Consecutive failures before giving up.", min=0, rich_help_panel=DOWNLOAD),
        ] = 5,
        retry_pause: Annotated[
            float,
            typer.Option(
                help="Seconds before the first retry; doubled after each failure.",
                min=0,
                rich_help_panel=DOWNLOAD,
            ),
        ] = 1.0,
        data_dir: DataDir = None,
        quiet: Quiet = False,
        *,
        given: dict[str, Any],
    ) -> None:
        from galaxynet import paths, terminal
        from galaxynet.errors import UsageError
        from galaxynet.fetching.fetch import fetch
        from galaxynet.fetching.request import FetchRequest, how_to_train
        from galaxynet.fetching.retry import RetryPolicy

        terminal.set_quiet(quiet)
        if link and folder is None:
            raise UsageError("--link requires --from FOLDER.")
        if source and folder is not None:
            raise UsageError("--source and --from exclude each other.")
        if given and folder is not None:
            raise UsageError("Options of the simulation cannot be used with --from.")
        request = FetchRequest(
            plugin=plugin,
            data_dir=paths.data_dir(data_dir),
            groups=tuple(groups or ()),
            folder=paths.expanded(folder) if folder else None,
            source=source,
            link=link,
            force=force,
            options=given,
            policy=RetryPolicy(read_timeout=timeout, retries=retries, pause=retry_pause),
        )
        request.files()  # an unknown group is reported first
        if not request.spec.files:
            terminal.note(f"{request.spec.name} has no files to fetch. {how_to_train(request.spec)}")
        elif dry_run:
            _print_plan(request)
        else:
            _print_result(fetch(request))

    return fetch


def _groups_help(spec: DatasetSpec) -> str:
    known = sorted({file.group for file in spec.files} - {""})
    if not known:
        return "Also fetch a group of files; this dataset has none."
    return f"Also fetch these files: {' or '.join(known)}. Can be repeated."


def _print_result(result: "FetchResult") -> None:
    from galaxynet import terminal

    if result.present and not result.fetched:
        terminal.note(f"already present, nothing fetched: {', '.join(result.present)}")
    if terminal.is_quiet():
        return
    for line in result.lines:
        terminal.echo(line)
    terminal.echo(f"in {result.folder}")


def _print_plan(request: "FetchRequest") -> None:
    from galaxynet import terminal
    from galaxynet.fetching.errors import format_size
    from galaxynet.fetching.fetch import PlannedFile, plan
    from galaxynet.report.output import print_tables
    from galaxynet.report.table import Column, make_table

    columns: list[Column[PlannedFile]] = [
        Column("file", lambda file: file.name, overflow="wrap"),
        Column("size", lambda file: "?" if file.size is None else format_size(file.size), right_aligned=True),
        Column("action", lambda file: file.action, overflow="wrap"),
    ]
    print_tables([make_table(columns, plan(request))])
    terminal.echo(f"in {request.target}")
