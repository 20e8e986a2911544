"""`galaxynet fetch DATASET`: a command for every installed dataset, with flags of its own."""

# Annotations are evaluated where they stand (no `from __future__ import annotations`): those of the inner
# function name variables of the outer one.
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from galaxynet import registry
from galaxynet.cli.flags import Panel, command_from_options
from galaxynet.cli.groups import Command, LazyGroup, Listed, listed_plugins
from galaxynet.commands import DataDir, Quiet
from galaxynet.plugin import DatasetSpec
from galaxynet.registry import Plugin
from galaxynet.sources import Simulator

HELP = """Get a dataset: download it, take it from a folder, or simulate it.

Each installed dataset is a command with flags of its own; see them with
galaxynet fetch DATASET --help. A download that stopped goes on where it stopped, every file is
checked before it gets its name, and what is there already is not fetched again.
"""

DOWNLOAD = "Download"


class Fetch(LazyGroup):
    """The installed datasets as commands."""

    def listed(self) -> Iterable[Listed]:
        """Every dataset with its summary; a broken one with its fault."""
        return listed_plugins("dataset", "Datasets")

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
    known = registry.plugins("dataset")
    help = HELP if known else f"{HELP}\n\nThere is nothing to fetch: {registry.nothing_installed('dataset')}"
    return Fetch(
        name=name,
        help=help,
        no_args_is_help=True,
        subcommand_metavar="DATASET [OPTIONS]",
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["--help", "-h"]},
    )


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
        lines.append("It has no files of its own, so there is nothing to fetch.")
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
    from galaxynet.sources import source_names

    spec: DatasetSpec = plugin.load()
    names = list(source_names(spec.sources))

    def fetch(
        folder: Annotated[
            Path | None,
            typer.Option(
                "--from",
                help="Take the files from this folder: a bundle, single archives, or unpacked folders.",
                metavar="FOLDER",
                show_default=False,
            ),
        ] = None,
        link: Annotated[
            bool, typer.Option("--link", help="With --from: make links to the archives, not copies.")
        ] = False,
        groups: Annotated[
            list[str] | None,
            typer.Option("--with", help=_groups_help(spec), metavar="GROUP", show_default=False),
        ] = None,
        source: Annotated[
            str | None,
            typer.Option(
                "--source",
                help=f"Where to get the files: {' or '.join(names) or 'no source is known'}.",
                show_default=next(iter(names), False),
                autocompletion=lambda: names,
            ),
        ] = None,
        force: Annotated[bool, typer.Option("--force", help="Fetch again what is there already.")] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only show the files, their sizes, and where they would go.")
        ] = False,
        timeout: Annotated[
            float,
            typer.Option(
                help="Seconds without a byte after which a connection is given up.",
                min=0.1,
                rich_help_panel=DOWNLOAD,
            ),
        ] = 60.0,
        retries: Annotated[
            int,
            typer.Option(
                help="Failures in a row, with no byte between, to bear.", min=0, rich_help_panel=DOWNLOAD
            ),
        ] = 5,
        retry_pause: Annotated[
            float,
            typer.Option(
                help="Seconds before the first new try; each pause is twice the one before.",
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
        from galaxynet.fetching.fetch import Wish, fetch, how_to_train
        from galaxynet.fetching.patience import Patience

        terminal.set_quiet(quiet)
        if link and folder is None:
            raise UsageError("--link goes with --from FOLDER.")
        if source and folder is not None:
            raise UsageError("--source and --from are two ways to the same files; take one.")
        if given and folder is not None:
            raise UsageError("Options of the simulation do not fit beside --from, which simulates nothing.")
        wish = Wish(
            plugin=plugin,
            data_dir=paths.data_dir(data_dir),
            groups=tuple(groups or ()),
            folder=paths.expanded(folder) if folder else None,
            source=source,
            link=link,
            force=force,
            options=given,
            patience=Patience(silence=timeout, retries=retries, pause=retry_pause),
        )
        wish.files()  # a wrong group is said first
        if not wish.spec.files:
            terminal.note(f"{wish.spec.name} has no files to fetch. {how_to_train(wish.spec)}")
        elif dry_run:
            _show_plan(wish, terminal)
        else:
            _report(fetch(wish), terminal)

    return fetch


def _groups_help(spec: DatasetSpec) -> str:
    known = sorted({file.group for file in spec.files} - {""})
    if not known:
        return "A group of files to add; this dataset has none."
    return f"Also fetch these files: {' or '.join(known)}. May be given again."


def _report(outcome: Any, terminal: Any) -> None:
    if outcome.present and not outcome.fetched:
        terminal.note(f"already there, nothing fetched: {', '.join(outcome.present)}")
    if terminal.is_quiet():
        return
    for line in outcome.lines:
        terminal.echo(line)
    terminal.echo(f"in {outcome.folder}")


def _show_plan(wish: Any, terminal: Any) -> None:
    from galaxynet.fetching.errors import size
    from galaxynet.fetching.planning import plan
    from galaxynet.report.output import print_tables
    from galaxynet.report.table import Column, make_table

    columns: list[Column[Any]] = [
        Column("file", lambda line: line.name, overflow="wrap"),
        Column("size", lambda line: "?" if line.size is None else size(line.size), right_aligned=True),
        Column("what happens", lambda line: line.what, overflow="wrap"),
    ]
    print_tables([make_table(columns, plan(wish))])
    terminal.echo(f"in {wish.target}")
