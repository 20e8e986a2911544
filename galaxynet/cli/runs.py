"""`galaxynet runs`: list, show, export and remove runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet.commands import (
    DataDir,
    RunsDir,
    Yes,
    complete_networks,
    complete_runs,
    complete_sweeps,
    confirm,
)

if TYPE_CHECKING:
    from galaxynet.runs import DamagedRun, Run

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="List, show, export and remove runs.",
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.command("list")
def list_runs(
    format: Annotated[
        Literal["rich", "json", "csv", "markdown"],
        typer.Option("--format", help="Output format."),
    ] = "rich",
    runs_dir: RunsDir = None,
) -> None:
    """List runs, newest first, with status and test metric.

    Folders whose record cannot be read are listed last, as damaged, with the
    reason below the table.
    """
    from galaxynet import paths, terminal
    from galaxynet.report import output
    from galaxynet.report.run_list import newest_first, run_list, run_to_dict
    from galaxynet.runs import DamagedRun, scan

    folder = paths.runs_dir(runs_dir)
    runs = newest_first(scan(folder))
    if format in ("json", "csv"):
        output.print_rows([run_to_dict(run) for run in runs], "csv" if format == "csv" else "json")
    elif format == "markdown":
        output.print_tables([run_list(runs)], "markdown")
    elif runs:
        output.print_tables([run_list(runs, terminal.results().width)])
        output.print_damaged(run for run in runs if isinstance(run, DamagedRun))
    if not runs:
        terminal.note(f"There are no runs in {folder}. Make one with: galaxynet train MODEL")


@app.command("show")
def show(
    run: Annotated[
        str,
        typer.Argument(
            help="Id, name or folder of a run, or last; shipped weights.", autocompletion=complete_networks
        ),
    ] = "last",
    format: Annotated[
        Literal["rich", "json"], typer.Option("--format", help="Output format; json is the record.")
    ] = "rich",
    runs_dir: RunsDir = None,
) -> None:
    """Show the record of a run: options, data, times, metrics, machine, command.

    Of shipped weights, show their card.
    """
    from galaxynet import paths, terminal
    from galaxynet.runs import find_network

    selected = find_network(paths.runs_dir(runs_dir), run)
    if format == "json":
        terminal.write(selected.record.to_json())
        return
    if selected.record.exported is not None:
        from galaxynet.report.shipped_view import card_view

        terminal.results().print(card_view(selected))
        return
    from galaxynet.report.run_panels import run_panels

    console = terminal.results()
    console.print(run_panels(selected, console.width))


@app.command("export")
def export_run(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Id, name or folder of a finished run, or last.", autocompletion=complete_runs
        ),
    ],
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Folder to write, in a plugin's package.", file_okay=False),
    ],
    name: Annotated[
        str, typer.Option("--name", help="Name of the weights.", show_default="that of the folder")
    ] = "",
    notes: Annotated[
        Path | None,
        typer.Option(
            "--notes",
            metavar="FILE",
            help="Your sections of the card, in Markdown: ## Range of validity, ## Known failures, ...",
            show_default=False,
            dir_okay=False,
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")] = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
) -> None:
    """Export a finished run as a folder of weights that a plugin can ship.

    The folder has the weights as 16-bit floats, the record without machine and paths, and a card. The
    rounded network is tested again, so the run's data are needed. A plugin names the folder in its
    ModelSpec; see the guide Ship trained weights.

      galaxynet runs export k3x9ab galaxynet_tiny/weights/tiny --notes card-notes.md
    """
    from galaxynet import paths, terminal
    from galaxynet.runs import find

    selected = find(paths.runs_dir(runs_dir), run)
    with terminal.working("loading PyTorch"):
        from galaxynet.shipping.export import export
    written = export(
        selected,
        folder,
        data_dir=paths.data_dir(data_dir),
        name=name,
        notes=notes,
        overwrite=overwrite,
    )
    terminal.note(f"{folder}: {written.size / 1e6:.2f} MB")
    terminal.note(written.rounding)
    if written.missing:
        terminal.note(
            f"the card has nothing under {' and '.join(written.missing)}: write it in a file and name that "
            "with --notes",
            style="yellow",
        )


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
            help="Remove all runs of this sweep, and its record.",
            autocompletion=complete_sweeps,
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Also remove runs that are running.")] = False,
    yes: Yes = False,
    runs_dir: RunsDir = None,
) -> None:
    """Remove runs with their checkpoints and figures.

    Ids and names have to be complete: the beginning of an id is not enough.
    Asks first, unless --yes is given. Damaged runs can be removed, and temporary
    files that killed processes left in other runs are removed as well.

      galaxynet runs remove k3x9ab first
      galaxynet runs remove --sweep twelve
    """
    from galaxynet import paths, terminal
    from galaxynet.errors import RunError, UsageError
    from galaxynet.phrases import count
    from galaxynet.runs import Run
    from galaxynet.runs.removal import remove, remove_all_leftovers
    from galaxynet.runs.search import find_to_remove

    if not runs and not sweep:
        raise UsageError("No run is named.", "See them with: galaxynet runs list")
    folder = paths.runs_dir(runs_dir)
    named = [find_to_remove(folder, name) for name in runs or []]
    named += _of_sweep(folder, sweep) if sweep else []
    selected = list({run.path.resolve(): run for run in named}.values())
    running = [run for run in selected if isinstance(run, Run) and run.status == "running"]
    if running and not force:
        names = ", ".join(run.label for run in running)
        raise RunError(f"Still running: {names}.", "Stop it with Ctrl-C first, or remove it with --force.")
    if not yes:
        for run in selected:
            terminal.warn(f"  {_describe(run)}")
        object_ = "this run" if len(selected) == 1 else f"these {count(len(selected), 'run')}"
        object_ += f" and the sweep {sweep}" if sweep else ""
        if not confirm(f"Delete {object_}?"):
            terminal.note("Nothing was deleted.")
            raise typer.Exit(1)
    for run in selected:
        remove(run)
    remove_all_leftovers(folder)
    if sweep:
        from galaxynet.sweeps.sweep_record import remove_record

        remove_record(folder, sweep)
    terminal.note(f"Deleted {count(len(selected), 'run')}.")


def _of_sweep(folder: Path, name: str) -> list[Run | DamagedRun]:
    """All runs of a sweep, including those of trials that were repeated."""
    from galaxynet.runs import Run, scan
    from galaxynet.sweeps.sweep_record import Sweep

    Sweep.open(folder, name)  # raises if it does not exist
    return [run for run in scan(folder) if isinstance(run, Run) and run.record.sweep == name]


def _describe(run: Run | DamagedRun) -> str:
    from galaxynet.runs import Run

    if isinstance(run, Run):
        return f"{run.label}: {run.record.model.name} on {run.record.dataset.name}, {run.status} ({run.path})"
    return f"damaged: {run.path}"
