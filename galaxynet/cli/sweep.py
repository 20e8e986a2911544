"""`galaxynet sweep MODEL`: many trainings that differ in some options, as one."""

# Annotations are evaluated here, unlike elsewhere: those of the command hold values of one network.
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from galaxynet import registry
from galaxynet.cli.flags import Panel, command_from_options
from galaxynet.cli.groups import Command, LazyGroup, Listed, listed_plugins
from galaxynet.cli.train import value_of
from galaxynet.commands import DataDir, Parallel, Quiet, RunsDir, complete_sweeps, dataset_option
from galaxynet.errors import UsageError
from galaxynet.training.config import Components, TrainingOptions

if TYPE_CHECKING:
    from galaxynet.sweeps.estimate import Estimate
    from galaxynet.sweeps.run import SweepPlan

HELP = """Train a network with many values of its options, and compare them.

Every option of network, dataset and trainer takes one value, a list (relu,tanh) or a range:
1..5 are five whole numbers, 1e-4..1e-2:5:log are five numbers with equal ratios. All combinations
are trained, each with --seeds seeds; --random N draws N of them by chance instead.

Each trial is a run of its own, in a process of its own: a crash, a full memory or an undefined loss
ends that trial, and is kept as what it is. Stopped at any moment, the same command goes on where it
was; what is finished is not trained again.
"""


class SweepGroup(LazyGroup):
    """The installed networks as commands."""

    def listed(self) -> Iterable[Listed]:
        """Every network with its summary; a broken one with its fault."""
        return listed_plugins("model", "Networks")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Say that the network comes first, for a flag is one of its network."""
        if args and args[0].startswith("-") and args[0] not in ("--help", "-h") and not ctx.resilient_parsing:
            raise UsageError(
                f"The network comes first, before {args[0]}.", f"Say: galaxynet sweep MODEL {args[0]} ..."
            )
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def build(self, name: str, args: list[str]) -> Command:
        """The command of one network; its flags depend on the dataset that `args` name."""
        components = Components.load(name, value_of(args, "--dataset"))
        _say_yes(args, components)
        model, data = components.model_spec, components.dataset_spec
        chosen = "" if data.name == model.dataset else f" --dataset {data.name}"
        return command_from_options(
            name,
            _sweep(components),
            [
                Panel(f"Network {model.name}", model.options, lists=True),
                Panel(f"Dataset {data.name}", data.options, lists=True),
                Panel("Training", TrainingOptions, model.training, lists=True),
            ],
            help=f"{model.summary[:1].upper()}{model.summary[1:]}: many trainings on {data.name}. Each "
            "flag of network, dataset and training takes a value, a list (a,b) or a range "
            "(1e-4..1e-2:5:log).",
            epilog=f"Example: galaxynet sweep {name}{chosen} --lr 1e-4..1e-2:5:log --seeds 3",
        )


def group(name: str) -> Command:
    """The command `sweep` itself."""
    nothing = "" if registry.plugins("model") else registry.nothing_installed("model")
    return SweepGroup(
        name=name,
        help=f"{HELP}\n\nThere is nothing to train: {nothing}" if nothing else HELP,
        no_args_is_help=True,
        options_metavar="",
        subcommand_metavar="MODEL [OPTIONS]",
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["--help", "-h"]},
    )


def _say_yes(args: list[str], components: Components) -> None:
    """Let `--augment` and `--no-augment`, as `train` has them, stand for `--augment yes` and `no`."""
    switches = {field.flags[1]: field.flag for field in components.fields().values() if field.type is bool}
    for place, word in enumerate(args):
        following = args[place + 1] if place + 1 < len(args) else "--"
        if word in switches:
            args[place] = f"{switches[word]}=no"
        elif word in switches.values() and following.startswith("-"):
            args[place] = f"{word}=yes"


def _number_of_seeds(text: str | int) -> int:
    if isinstance(text, str) and not text.lstrip("-").isdigit():
        named = (
            f"To name them: --seed {text}" if "," in text or ".." in text else "Write for example --seeds 3."
        )
        raise UsageError(f"--seeds {text}: it takes the number of seeds.", named)
    return int(text)


def _sweep(components: Components) -> Any:
    def sweep(
        dataset: Annotated[  # noqa: ARG001 (it was read to build this very command)
            str | None, dataset_option(components.model_spec.dataset)
        ] = None,
        name: Annotated[
            str | None,
            typer.Option(
                "--name",
                help="Name of the sweep; one that exists is gone on with, and new trials are added to it.",
                show_default=False,
                autocompletion=complete_sweeps,
            ),
        ] = None,
        seeds: Annotated[
            int,
            typer.Option(
                "--seeds",
                parser=_number_of_seeds,
                metavar="N",
                help="Train each configuration with so many seeds.",
            ),
        ] = 1,
        random: Annotated[
            int | None,
            typer.Option(
                "--random", min=1, metavar="N", help="Draw N configurations by chance, not all of the grid."
            ),
        ] = None,
        random_seed: Annotated[
            int, typer.Option("--random-seed", min=0, help="With --random: determines the draw.")
        ] = 0,
        parallel: Parallel = None,
        engine: Annotated[
            Literal["local", "ray"],
            typer.Option(
                "--engine",
                help="Where trials run: on this machine, or on the Ray cluster that it belongs to.",
            ),
        ] = "local",
        trial_cpus: Annotated[
            int | None,
            typer.Option(
                "--trial-cpus",
                min=1,
                metavar="N",
                help="With --engine ray: CPUs of each trial. GPUs it takes as --devices says.",
                show_default="1",
            ),
        ] = None,
        dry_run: Annotated[
            bool,
            typer.Option("--dry-run", help="Show the plan and how long it will take, and train nothing."),
        ] = False,
        retry_failed: Annotated[
            bool, typer.Option("--retry-failed", help="Run those trials again that had failed.")
        ] = False,
        yes: Annotated[
            bool, typer.Option("--yes", "-y", help="A sweep of more than 1,000 trials is meant.")
        ] = False,
        runs_dir: RunsDir = None,
        data_dir: DataDir = None,
        quiet: Quiet = False,
        *,
        given: dict[str, Any],
    ) -> None:
        from galaxynet import paths, terminal
        from galaxynet.cli.sweep_plan import say_estimate, show_plan
        from galaxynet.sweeps.axes import parse
        from galaxynet.sweeps.run import make_plan

        terminal.set_quiet(quiet)
        known = components.fields()
        drawn = random is not None
        axes = [
            parse(known[option], text, drawn=drawn and option != "seed") for option, text in given.items()
        ]
        plan = make_plan(
            components,
            axes,
            runs_dir=paths.runs_dir(runs_dir),
            data_dir=paths.data_dir(data_dir),
            name=name or "",
            seeds=seeds,
            draws=random,
            draw_seed=random_seed,
            parallel=parallel,
            yes=yes,
            engine=engine,
            trial_cpus=trial_cpus,
        )
        show_plan(plan)
        if not dry_run:
            paths.check_runs_dir(plan.runs_dir)
        estimate = say_estimate(plan, retry_failed)
        if not dry_run:
            _run(plan, estimate, retry_failed)

    return sweep


def _run(plan: "SweepPlan", estimate: "Estimate", retry: bool) -> None:
    import shlex
    import sys

    from rich.markup import escape

    from galaxynet import terminal
    from galaxynet.cli.compare import show_sweep
    from galaxynet.errors import RunError
    from galaxynet.sweeps.board import Board, count_words
    from galaxynet.sweeps.run import run

    again = f"galaxynet compare --sweep {shlex.quote(plan.name)}"
    board = Board(plan, estimate)
    try:
        with board:
            sweep = run(plan, board, command=["galaxynet", *sys.argv[1:]], retry=retry)
    except KeyboardInterrupt:
        state = board.state()
        terminal.notes().print(
            f"interrupted{': ' * bool(state)}{state}; the same command goes on with this sweep",
            soft_wrap=True,
        )
        if board.runs:
            terminal.note(f"what there is: {escape(again)}")
        raise typer.Exit(130) from None
    mine = {trial.key for trial in plan.trials}
    ended = [trial.status for trial in sweep.record.trials if trial.key in mine]
    try:
        show_sweep(plan.runs_dir, plan.name)
    except RunError:  # no trial came to a run: the sum and the logs are what there is to tell
        if "failed" not in ended:
            raise
    terminal.note(f"{len(ended)} trial{'s' * (len(ended) != 1)}: {count_words(ended)}")
    terminal.note(f"again with: {escape(again)}")
    if "failed" in ended:
        terminal.note(f"what they printed: {escape(str(sweep.path / 'logs'))}")
        terminal.note("to run those again that failed, add: --retry-failed")
    if not {"finished", "diverged"}.issuperset(ended):
        if "interrupted" in ended:
            terminal.note("the same command goes on with those that were interrupted")
        raise typer.Exit(1)
