"""Helpers for commands, including those of plugins: common options, completion, and error messages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from galaxynet import terminal
from galaxynet.errors import GalaxynetError, UsageError

FOLDERS = "Folders"

RunsDir = Annotated[
    Path | None,
    typer.Option(
        "--runs-dir",
        help="Folder of the runs.",
        envvar="GALAXYNET_RUNS",
        show_default="./runs",
        rich_help_panel=FOLDERS,
        file_okay=False,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder of the datasets.",
        envvar="GALAXYNET_DATA",
        show_default="~/.cache/galaxynet",
        rich_help_panel=FOLDERS,
        file_okay=False,
    ),
]
Views = Annotated[
    Literal["1", "2", "4", "8"] | None,
    typer.Option(
        "--views",
        help="Mirrored and rotated views of an image to average over.",
        show_default="as the run was tested",
    ),
]
Prior = Annotated[
    str | None,
    typer.Option(
        "--prior",
        metavar="TABLE|uniform",
        help="Shift a classifier's probabilities from the class shares of the training to these: a table of "
        "labels, which are counted, or with the columns class and share.",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Suppress notes and progress.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]

Parallel = Annotated[
    int | None,
    typer.Option(
        "--parallel",
        min=1,
        metavar="N",
        help="Trainings to run at once; they share the cores and GPUs.",
        show_default="one for each GPU",
    ),
]


_SPECIAL = re.compile(r"[^\w.,:+@%^/ -]|^-")
"""What a shell gives a meaning, or a terminal. bash inserts completions unquoted, and zsh evaluates them."""


def dataset_option(usual: str) -> Any:
    """`--dataset` of a command whose flags depend on it; `usual` is the network's own dataset."""
    return typer.Option(
        "--dataset",
        help="Dataset to train on; its flags are listed below.",
        show_default=usual,
        autocompletion=_complete_datasets,
    )


def accelerator_option(panel: str | None = None) -> Any:
    """`--accelerator` of a command that applies a network, under a heading of its `--help`."""
    return typer.Option("--accelerator", help="What to compute on.", rich_help_panel=panel)


def batch_size_option(panel: str | None = None) -> Any:
    """`--batch-size` of a command that applies a network, under a heading of its `--help`."""
    return typer.Option(
        "--batch-size",
        help="Images at once; a CPU takes fewer of large ones.",
        min=1,
        max=65536,
        rich_help_panel=panel,
    )


def _complete_datasets(incomplete: str) -> list[str]:
    from galaxynet import registry

    return [p.name for p in registry.plugins("dataset") if p.name.startswith(incomplete)]


def complete_runs(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids and names of the runs, for tab completion; reads run.json files as plain JSON."""
    from galaxynet import paths, untrusted

    completions: list[tuple[str, str]] = []
    for record in sorted(paths.runs_dir(ctx.params.get("runs_dir")).glob("*/run.json"), reverse=True)[:200]:
        try:
            values = untrusted.parse_json(untrusted.read_text(record, untrusted.MIB))
            described = _SPECIAL.sub(
                "?", f"{values['model']['name']}, {values['status']}, {record.parent.name}"
            )
            names = filter(None, [values["id"], values.get("name")])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # completion skips damaged runs
        completions += [
            (name, described)
            for name in names
            if isinstance(name, str) and name.startswith(incomplete) and _is_completable(name)
        ]
    if "last".startswith(incomplete):
        completions.append(("last", "the newest run"))
    return completions


def complete_networks(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """What `complete_runs` gives, and the names of shipped weights."""
    from galaxynet.runs import shipped_weights

    shipped = [
        (weights.names[0], _SPECIAL.sub("?", weights.weights.summary))
        for weights in shipped_weights()
        if weights.names[0].startswith(incomplete) and _is_completable(weights.names[0])
    ]
    return [*complete_runs(ctx, incomplete), *dict(shipped).items()]


def complete_sweeps(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the sweeps, for tab completion."""
    from galaxynet import paths

    names = paths.sweep_names(paths.runs_dir(ctx.params.get("runs_dir")))
    return [name for name in names if name.startswith(incomplete) and _is_completable(name)]


def _is_completable(name: str) -> bool:
    return " " not in name and not _SPECIAL.search(name)


Network = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="Id, name or folder of a run, or last; shipped weights.",
        autocompletion=complete_networks,
    ),
]


def confirm(question: str) -> bool:
    """Ask on standard error; true if the answer is y or yes.

    Raises:
        UsageError: If standard input ends without an answer.
    """
    try:
        answer = terminal.messages().input(f"{question} [y/N] ", markup=False)
    except EOFError:
        raise UsageError("Nothing was done: there was no answer.", "To do it without asking: --yes") from None
    return answer.strip().lower() in ("y", "yes")


def print_error(error: GalaxynetError) -> None:
    """Print an error: a line for what is wrong, one for how to fix it."""
    terminal.warn(("error:", "bold red"), f" {error.message}")
    if error.hint:
        terminal.warn(error.hint)
