"""`galaxynet runs`: list, show and remove runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet.commands import RunsDir, Yes, complete_runs, complete_sweeps

if TYPE_CHECKING:
    from galaxynet.runs import DamagedRun, Run

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="List, show and remove runs.",
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.command("list")
def list_runs(
    format: Annotated[
        Literal["rich", "json", "csv", "markdown"],
        typer.Option("--format", help="A table, or text for a program."),
    ] = "rich",
    runs_dir: RunsDir = None,
) -> None:
    """Every run, newest first, with its status and its metric.

    Folders whose record cannot be read are listed last, as damaged, with the
    reason beneath the table.
    """
    from rich.markup import escape

    from galaxynet import paths, terminal
    from galaxynet.report.listing import newest_first
    from galaxynet.runs import scan

    folder = paths.runs_dir(runs_dir)
    found = newest_first(scan(folder))
    if format == "rich":
        _print_list(found)
    else:
        _print_rows(found, format)
    if not found:
        terminal.note(f"There are no runs in {escape(str(folder))}. Make one with: galaxynet train MODEL")


@app.command("show")
def show(
    run: Annotated[
        str, typer.Argument(help="Id, name or folder of a run, or last.", autocompletion=complete_runs)
    ] = "last",
    format: Annotated[
        Literal["rich", "json"], typer.Option("--format", help="Panels, or the record as JSON.")
    ] = "rich",
    runs_dir: RunsDir = None,
) -> None:
    """Everything recorded of a run: options, data, times, metrics, machine, command."""
    from galaxynet import paths, terminal
    from galaxynet.runs import find

    found = find(paths.runs_dir(runs_dir), run)
    if format == "json":
        terminal.write(found.record.to_json())
        return
    from galaxynet.report.record_view import panels
    from galaxynet.report.table import results_console

    console = results_console()
    console.print(panels(found, console.width))


@app.command("remove")
def remove_runs(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help="Ids, names or folders of runs.", autocompletion=complete_runs),
    ] = None,
    sweep: Annotated[
        str,
        typer.Option(
            "--sweep",
            metavar="NAME",
            help="All runs of this sweep, and its record.",
            autocompletion=complete_sweeps,
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Remove a run that is running, too.")] = False,
    yes: Yes = False,
    runs_dir: RunsDir = None,
) -> None:
    """Delete runs with their checkpoints and figures, damaged ones too.

    Ids and names are written in full here: the beginning of an id is not
    enough. It asks before it deletes, unless --yes. Temporary files that
    killed processes left in other runs are deleted, too.

      galaxynet runs remove k3x9ab first
      galaxynet runs remove --sweep twelve
    """
    from rich.markup import escape

    from galaxynet import paths, terminal
    from galaxynet.errors import RunError, UsageError
    from galaxynet.runs import Run
    from galaxynet.runs.removal import find_to_remove, remove, remove_all_leftovers

    if not runs and not sweep:
        raise UsageError("No run is named.", "See them with: galaxynet runs list")
    folder = paths.runs_dir(runs_dir)
    named = [find_to_remove(folder, name) for name in runs or []]
    named += _of_sweep(folder, sweep) if sweep else []
    found = list({run.path.resolve(): run for run in named}.values())
    running = [run for run in found if isinstance(run, Run) and run.status == "running"]
    if running and not force:
        names = ", ".join(run.label for run in running)
        raise RunError(f"Still running: {names}.", "Stop it with Ctrl-C first, or remove it with --force.")
    if not yes:
        for run in found:
            terminal.notes().print(f"  {_describe(run)}", markup=False, soft_wrap=True)
        what = "this run" if len(found) == 1 else f"these {len(found)} runs"
        what += f" and the sweep {sweep}" if sweep else ""
        try:
            answer = terminal.notes().input(f"Delete {escape(what)}? \\[y/N] ")
        except EOFError:
            raise UsageError(
                "Nothing was deleted: there was no answer.", "To delete without asking: --yes"
            ) from None
        if answer.strip().lower() not in ("y", "yes"):
            terminal.note("Nothing was deleted.")
            raise typer.Exit(1)
    for run in found:
        remove(run)
    remove_all_leftovers(folder)
    if sweep:
        from galaxynet.sweeps.sweep_record import remove_record

        remove_record(folder, sweep)
    terminal.note(f"Deleted {len(found)} {'run' if len(found) == 1 else 'runs'}.")


def _of_sweep(folder: Path, name: str) -> list[Run | DamagedRun]:
    """Every run of a sweep, those too that were tried again."""
    from galaxynet.runs import Run, scan
    from galaxynet.sweeps.sweep_record import Sweep

    Sweep.open(folder, name)  # that there is one
    return [run for run in scan(folder) if isinstance(run, Run) and run.record.sweep == name]


def _describe(run: Run | DamagedRun) -> str:
    from galaxynet.runs import Run

    if isinstance(run, Run):
        return f"{run.label}: {run.record.model.name} on {run.record.dataset.name}, {run.status} ({run.path})"
    return f"damaged: {run.path}"


def _print_list(found: list[Run | DamagedRun]) -> None:
    from galaxynet.report.listing import listing
    from galaxynet.report.table import print_damaged, results_console
    from galaxynet.runs import DamagedRun

    if found:
        console = results_console()
        console.print(listing(found, console.width), soft_wrap=True)
    print_damaged(run for run in found if isinstance(run, DamagedRun))


def _print_rows(found: list[Run | DamagedRun], format: Literal["json", "csv", "markdown"]) -> None:
    from galaxynet import terminal
    from galaxynet.report import formats, listing

    rows = [listing.plain_row(run) for run in found]
    if format == "json":
        import json

        terminal.write(json.dumps(rows, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    elif format == "csv":
        terminal.write(formats.rows_as_csv(rows))
    else:
        rights = [title in listing.RIGHT for title in listing.HEADER]
        table = [[formats.markdown(cell) for cell in listing.cells(run)] for run in found]
        terminal.write(formats.markdown_table(listing.HEADER, rights, table) + "\n")
