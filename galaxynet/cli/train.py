"""`galaxynet train MODEL`: a command for every installed network, with flags of its own."""

# Annotations are evaluated here, unlike elsewhere: those of the command hold values of one network.
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from galaxynet import registry
from galaxynet.cli.flags import Panel, command_from_options
from galaxynet.cli.groups import Command, PluginGroup, begins_with_flag
from galaxynet.commands import DataDir, Quiet, RunsDir, complete_runs, dataset_option
from galaxynet.errors import UsageError
from galaxynet.training.config import Components
from galaxynet.training.training_options import TrainingOptions

if TYPE_CHECKING:
    from galaxynet.runs import Run

HELP = """Train a network on a dataset and keep the run.

Each installed network is a command with flags of its own; see them with
galaxynet train MODEL --help. The run is kept under ./runs with its options, metrics, weights and
figures; the test part of the data is read once, at the end, with the weights of the best epoch.
A run stopped with Ctrl-C can be continued with --resume.
"""


class Train(PluginGroup):
    """The installed networks as commands."""

    kind, noun, verb = "model", "network", "train"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Let `train --resume RUN` and `train --like RUN` do without the name of the network."""
        earlier = value_of(args, "--resume") or value_of(args, "--like")
        if begins_with_flag(args) and not ctx.resilient_parsing:
            if earlier:
                model = _record(earlier, value_of(args, "--runs-dir")).model
                args = [registry.recorded("model", model), *args]
            elif args[0] in ("--resume", "--like"):
                raise UsageError(
                    f"{args[0]} needs a run.", f"List them with: galaxynet runs list; or use: {args[0]} last"
                )
        return super().parse_args(ctx, args)

    def build(self, name: str, args: list[str]) -> Command:
        """The command of one network; its flags depend on the dataset that `args` name."""
        dataset = value_of(args, "--dataset")
        earlier = value_of(args, "--resume") or value_of(args, "--like")
        if earlier and not dataset:
            dataset = registry.recorded("dataset", _record(earlier, value_of(args, "--runs-dir")).dataset)
        components = Components.load(name, dataset)
        model, data = components.model_spec, components.dataset_spec
        dataset_flag = "" if data.name == model.dataset else f" --dataset {dataset}"
        return command_from_options(
            name,
            _train(components),
            [
                Panel(f"Network {model.name}", model.options),
                Panel(f"Dataset {data.name}", data.options, components.dataset_defaults),
                Panel("Training", TrainingOptions, model.training),
            ],
            help=f"{model.summary[:1].upper()}{model.summary[1:]}, trained on {data.name}: {data.summary}.",
            epilog=f"Example: galaxynet train {name}{dataset_flag} --epochs 3 --name first",
        )


def group(name: str) -> Command:
    """The command `train` itself."""
    return Train.create(name, HELP)


def value_of(args: list[str], flag: str) -> str | None:
    """The value that a flag has in a line which is not parsed yet, as its value decides how to parse it.

    The last one counts, as it does for every other flag.
    """
    value = None
    for word, following in zip_longest(args, args[1:]):
        if word == flag:
            value = following
        elif word.startswith(flag + "="):
            value = word.partition("=")[2]
    return value


def _record(reference: str, folder: str | None) -> Any:
    from galaxynet import paths, runs

    return runs.find(paths.runs_dir(Path(folder) if folder else None), reference).record


def _train(components: Components) -> Any:
    def train(
        dataset: Annotated[  # noqa: ARG001 (it was read to build this very command)
            str | None, dataset_option(components.model_spec.dataset)
        ] = None,
        name: Annotated[
            str | None, typer.Option("--name", help="Name for the run.", show_default=False)
        ] = None,
        resume: Annotated[
            str | None,
            typer.Option(
                "--resume",
                help="Continue this interrupted run.",
                metavar="RUN",
                autocompletion=complete_runs,
            ),
        ] = None,
        like: Annotated[
            str | None,
            typer.Option(
                "--like",
                help="Use the options of this run, except those given.",
                metavar="RUN",
                autocompletion=complete_runs,
            ),
        ] = None,
        force: Annotated[
            bool,
            typer.Option("--force", help="With --resume, continue even if the run is recorded as running."),
        ] = False,
        runs_dir: RunsDir = None,
        data_dir: DataDir = None,
        quiet: Quiet = False,
        *,
        given: dict[str, Any],
    ) -> None:
        from galaxynet import paths, runs, terminal

        terminal.set_quiet(quiet)
        folder = paths.runs_dir(runs_dir)
        if resume and (given or like or name):
            raise UsageError(
                "--resume takes all options from the run that it continues, so no other option can be given.",
                f"To start a new run with some options changed: galaxynet train --like {resume} ...",
            )
        earlier = runs.find(folder, resume or like or "") if resume or like else None
        if like and earlier and earlier.record.model.name != components.model.name:
            terminal.note(
                f"{earlier.label} trains {earlier.record.model.name}, so only "
                "options of the dataset and of the training are taken from it"
            )
        plan = components.plan(
            given, name=name or "", like=earlier.record if earlier else None, runs_dir=folder
        )
        if name and any(isinstance(run, runs.Run) and run.record.name == name for run in runs.scan(folder)):
            terminal.note(f"another run is called {name} already: name either by its id")
        _run(plan, folder, paths.data_dir(data_dir), earlier if resume else None, force)

    return train


def _run(plan: Any, runs_dir: Path, data_dir: Path, resume: "Run | None", force: bool) -> None:
    import shlex
    import sys

    from galaxynet import paths, terminal
    from galaxynet.report.run_summary import print_start, report_end
    from galaxynet.training.train import train

    run = train(
        plan,
        runs_dir=runs_dir,
        data_dir=data_dir,
        resume=resume,
        command=["galaxynet", *sys.argv[1:]],
        force=force,
        on_start=print_start,
    )
    report_end(run)
    if run.status == "interrupted":
        where = "" if runs_dir == paths.runs_dir() else f" --runs-dir {shlex.quote(str(runs_dir))}"
        terminal.warn(f"interrupted; continue with: galaxynet train --resume {run.record.id}{where}")
        raise typer.Exit(130)
    if run.status == "diverged":
        raise typer.Exit(1)
