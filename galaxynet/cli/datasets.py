"""`galaxynet datasets`: list, verify and remove datasets on this machine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from galaxynet.commands import DataDir, Quiet, Yes, confirm

if TYPE_CHECKING:
    from galaxynet.fetching.inventory import InventoryItem
    from galaxynet.report.table import Column

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)

_MIN_SOURCE_WIDTH = 20
"""With less room than that, the source of a dataset is hidden."""

STYLES = {
    "there": "green",
    "verified": "green",
    "incomplete": "yellow",
    "not fetched": "dim",
    "nothing to fetch": "dim",
    "damaged": "red",
}


@app.callback(invoke_without_command=True)
def list_datasets(
    ctx: typer.Context,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the hash of every file; exit 1 if one differs.")
    ] = False,
    format: Annotated[
        Literal["rich", "json", "csv", "markdown"],
        typer.Option("--format", help="Output format."),
    ] = "rich",
    data_dir: DataDir = None,
    quiet: Quiet = False,
) -> None:
    """List datasets and their files on this machine.

    Shows for each dataset whether its files are present, their size and that of the prepared images, and
    when and from where they were fetched.

      galaxynet datasets --verify
      galaxynet datasets remove galaxy-sim
      galaxynet datasets clean
    """
    if ctx.invoked_subcommand:
        return
    from galaxynet import paths, terminal
    from galaxynet.fetching.inventory import inventory

    terminal.set_quiet(quiet)
    folder = paths.data_dir(data_dir)
    items = inventory(folder, verify=verify)
    if format == "rich":
        _print(items)
        terminal.echo(f"in {folder}")
    else:
        _print_rows(items, format)
    if verify and any(item.status == "damaged" for item in items):
        raise typer.Exit(1)


def _complete(incomplete: str) -> list[str]:
    from galaxynet import paths

    names = [path.parent.name for path in paths.data_dir().glob("*/receipt.json")]
    return sorted(name for name in names if name.startswith(incomplete))


@app.command("remove")
def remove_dataset(
    name: Annotated[str, typer.Argument(help="The dataset.", autocompletion=_complete)],
    yes: Yes = False,
    data_dir: DataDir = None,
) -> None:
    """Remove a dataset's files and prepared images from this machine."""
    from galaxynet import paths, terminal
    from galaxynet.fetching.errors import format_size
    from galaxynet.fetching.inventory import remove

    def agreed(item: InventoryItem) -> bool:
        return yes or confirm(f"Remove {item.folder} ({format_size(item.size)})?")

    removed = remove(paths.data_dir(data_dir), name, agreed)
    if removed is None:
        terminal.note("nothing was removed")
        raise typer.Exit(1)
    terminal.note(f"removed {format_size(removed.size)}")


@app.command("clean")
def clean_datasets(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", help="Datasets. Default: all.", autocompletion=_complete),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed, without removing it.")
    ] = False,
    format: Annotated[Literal["rich", "json"], typer.Option("--format", help="Output format.")] = "rich",
    yes: Yes = False,
    data_dir: DataDir = None,
) -> None:
    """Remove the prepared images that trainings keep.

    The fetched files are kept, and the next training prepares its images again.
    Asks first, unless --yes is given.

      galaxynet datasets clean --dry-run
    """
    from galaxynet import paths, terminal
    from galaxynet.fetching.errors import format_size
    from galaxynet.fetching.inventory import clean

    folder, shown = paths.data_dir(data_dir), []

    def agreed(items: list[InventoryItem]) -> bool:
        shown.extend(items)
        if yes or dry_run:
            return not dry_run
        for item in items:
            terminal.warn(f"  {item.name}: {format_size(item.cache)}")
        return confirm("Remove these prepared images?")

    cleaned = clean(folder, names or [], agreed)
    if format == "json":
        import json

        rows = [{"name": item.name, "cache": item.cache, "removed": not dry_run} for item in cleaned or shown]
        print(json.dumps(rows if cleaned or dry_run else [], indent=2))
    elif dry_run:
        for item in shown:
            terminal.echo(f"{item.name}: {format_size(item.cache)}")
    if shown and not cleaned and not dry_run:
        terminal.note("nothing was removed")
        raise typer.Exit(1)
    total = sum(item.cache for item in cleaned or shown)
    done = "would be removed" if dry_run else "removed"
    terminal.note(f"{format_size(total)} {done}" if shown else f"no prepared images in {folder}")


def _print(items: list[InventoryItem]) -> None:
    from galaxynet import registry, terminal
    from galaxynet.report.output import print_tables
    from galaxynet.report.table import make_table
    from galaxynet.report.table_layout import hide_columns

    if not items:
        terminal.echo(f"No datasets: {registry.nothing_installed('dataset')}")
        return
    columns = [column for column in _columns() if column.key != "cache" or any(item.cache for item in items)]
    table = make_table(columns, items)
    width = terminal.results().width
    rest, _ = hide_columns(table, 0, ["from"])
    if width - rest.width() < _MIN_SOURCE_WIDTH:
        table = rest
    print_tables([table])
    for item in items:
        for problem in item.problems:
            fix = f" Fix it with: galaxynet fetch {item.name} --force" if item.status == "damaged" else ""
            terminal.echo(f"{item.name}: {problem}.{fix}")


def _columns() -> list[Column[InventoryItem]]:
    from galaxynet.fetching.errors import format_size
    from galaxynet.report.table import Column

    return [
        Column("dataset", lambda item: item.name, overflow="keep", style="cyan"),
        Column("status", lambda item: item.status, overflow="keep", style=lambda item: STYLES[item.status]),
        Column("files", lambda item: str(item.files) if item.size else "", right_aligned=True),
        Column("size", lambda item: format_size(item.size) if item.size else "", right_aligned=True),
        Column("cache", lambda item: format_size(item.cache) if item.cache else "", right_aligned=True),
        Column(
            "fetched",
            lambda item: f"{item.fetched.astimezone():%Y-%m-%d}" if item.fetched else "",
            overflow="keep",
        ),
        Column("from", lambda item: "; ".join(item.sources), overflow="shorten-middle"),
    ]


def _print_rows(items: list[InventoryItem], format: str) -> None:
    from galaxynet import terminal
    from galaxynet.report.output import print_rows, print_tables
    from galaxynet.report.table import Column, make_table

    rows = [item.to_dict() for item in items]
    if format == "json":
        print_rows(rows, "json")
    elif format == "csv":
        terminal.write("name\n") if not rows else print_rows(rows, "csv")
    else:
        columns: list[Column[dict[str, Any]]] = [
            Column(name, partial(_cell, name), right_aligned=isinstance(value, int))
            for name, value in (rows[0] if rows else {"name": ""}).items()
        ]
        print_tables([make_table(columns, rows)], "markdown")


def _cell(name: str, row: dict[str, Any]) -> str:
    return "" if row[name] is None else str(row[name])
