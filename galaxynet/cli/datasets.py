"""`galaxynet datasets`: what is on this machine, and how to get rid of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet.commands import DataDir, Quiet, Yes

if TYPE_CHECKING:
    from galaxynet.fetching.inventory import Item

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)

_LEAST_SOURCE = 20
"""Where there is less room than that, the source of a dataset is left out: a piece of it tells nothing."""

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
        bool, typer.Option("--verify", help="Read every file and compare its hash; exit 1 if one differs.")
    ] = False,
    format: Annotated[
        Literal["rich", "json", "csv", "markdown"],
        typer.Option("--format", help="A table, or text for a program."),
    ] = "rich",
    data_dir: DataDir = None,
    quiet: Quiet = False,
) -> None:
    """Which datasets there are, and what is on this machine.

    Tells for each dataset whether its files are there, how large they are with all that was made of them,
    and when and from where they came.

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
        terminal.results().print(f"in {folder}", soft_wrap=True, markup=False)
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
    """Remove a dataset's files, and all that was made of them, from this machine."""
    from galaxynet import paths, terminal
    from galaxynet.fetching.errors import size
    from galaxynet.fetching.inventory import remove

    def confirm(item: Item) -> bool:
        return yes or typer.confirm(f"Remove {item.folder} ({size(item.size)})?")

    removed = remove(paths.data_dir(data_dir), name, confirm)
    if removed is None:
        terminal.note("nothing was removed")
        raise typer.Exit(1)
    terminal.note(f"removed {size(removed.size)}")


@app.command("clean")
def clean_datasets(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATASET]...", help="Datasets; all without a name.", autocompletion=_complete
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed, and remove nothing.")
    ] = False,
    format: Annotated[
        Literal["rich", "json"], typer.Option("--format", help="Lines, or text for a program.")
    ] = "rich",
    yes: Yes = False,
    data_dir: DataDir = None,
) -> None:
    """Remove the prepared images that trainings keep.

    The fetched files stay, and the next training prepares its images again.
    It asks before it removes anything, unless --yes.

      galaxynet datasets clean --dry-run
    """
    from rich.markup import escape

    from galaxynet import paths, terminal
    from galaxynet.errors import UsageError
    from galaxynet.fetching.errors import size
    from galaxynet.fetching.inventory import clean

    folder, shown = paths.data_dir(data_dir), []

    def confirm(items: list[Item]) -> bool:
        shown.extend(items)
        if yes or dry_run:
            return not dry_run
        for item in items:
            terminal.notes().print(f"  {item.name}: {size(item.cache)}", markup=False, soft_wrap=True)
        try:
            answer = terminal.notes().input("Remove these prepared images? \\[y/N] ")
        except EOFError:
            raise UsageError(
                "Nothing was removed: there was no answer.", "To remove without asking: --yes"
            ) from None
        return answer.strip().lower() in ("y", "yes")

    cleaned = clean(folder, names or [], confirm)
    if format == "json":
        import json

        rows = [{"name": item.name, "cache": item.cache, "removed": not dry_run} for item in cleaned or shown]
        print(json.dumps(rows if cleaned or dry_run else [], indent=2))
    elif dry_run:
        for item in shown:
            terminal.results().print(f"{item.name}: {size(item.cache)}", soft_wrap=True, markup=False)
    if shown and not cleaned and not dry_run:
        terminal.note("nothing was removed")
        raise typer.Exit(1)
    total = sum(item.cache for item in cleaned or shown)
    done = "would be removed" if dry_run else "removed"
    terminal.note(f"{size(total)} {done}" if shown else f"no prepared images in {escape(str(folder))}")


def _print(items: list[Item]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from galaxynet import registry, terminal
    from galaxynet.fetching.errors import size

    console = terminal.results()
    if not items:
        console.print(f"No datasets: {registry.nothing_installed('dataset')}", soft_wrap=True)
        return
    cells = [
        [
            item.name,
            item.status,
            str(item.files) if item.size else "",
            size(item.size) if item.size else "",
            size(item.cache) if item.cache else "",
            f"{item.fetched.astimezone():%Y-%m-%d}" if item.fetched else "",
        ]
        for item in items
    ]
    headings = ["dataset", "status", "files", "size", "cache", "fetched"]
    if not any(item.cache for item in items):
        for row in (headings, *cells):
            del row[4]
    used = sum(max(map(len, column)) + 2 for column in zip(headings, *cells, strict=True))
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        right = heading in ("files", "size", "cache")
        style = "cyan" if heading == "dataset" else None
        table.add_column(heading, justify="right" if right else "left", style=style, no_wrap=True)
    told = console.width - used >= _LEAST_SOURCE
    if told:
        table.add_column("from", no_wrap=True)
    for item, (name, status, *rest) in zip(items, cells, strict=True):
        source = shortened("; ".join(item.sources), console.width - used)
        row = [escape(name), f"[{STYLES[item.status]}]{status}[/]", *rest, *([escape(source)] * told)]
        table.add_row(*row)
    console.print(table)
    for item in items:
        for problem in item.problems:
            mend = f" Mend it with: galaxynet fetch {item.name} --force" if item.status == "damaged" else ""
            console.print(f"{item.name}: {problem}.{mend}", soft_wrap=True, markup=False)


def shortened(text: str, width: int) -> str:
    """A text cut to a width in its middle, as the end of a path tells more than its middle does."""
    width = max(width, 12)
    if len(text) <= width:
        return text
    kept = width - 1
    return text[: kept // 3] + "…" + text[len(text) - (kept - kept // 3) :]


def _print_rows(items: list[Item], format: str) -> None:
    from galaxynet import terminal
    from galaxynet.report.formats import markdown, markdown_table, rows_as_csv

    rows = [item.to_dict() for item in items]
    if format == "json":
        import json

        terminal.write(json.dumps(rows, indent=2) + "\n")
    elif not rows:
        terminal.write(("name" if format == "csv" else markdown_table(["name"], [False], [])) + "\n")
    elif format == "csv":
        terminal.write(rows_as_csv(rows))
    else:
        cells = [["" if value is None else markdown(str(value)) for value in row.values()] for row in rows]
        rights = [isinstance(value, int) for value in rows[0].values()]
        terminal.write(markdown_table(list(rows[0]), rights, cells) + "\n")
