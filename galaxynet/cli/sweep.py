"""`galaxynet sweep MODEL`: train a network with many values of its options."""

# Annotations are evaluated here, unlike elsewhere: those of the command hold values of one network.
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from galaxynet.cli.flags import Panel, command_from_options
from galaxynet.cli.groups import Command, PluginGroup
from galaxynet.cli.train import value_of
from galaxynet.commands import DataDir, Parallel, Quiet, RunsDir, complete_sweeps, dataset_option
from galaxynet.errors import UsageError
from galaxynet.training.config import Components
from galaxynet.training.training_options import TrainingOptions

if TYPE_CHECKING:
    from galaxynet.sweeps.estimate import Estimate
    from galaxynet.sweeps.sweep_plan import SweepPlan

HELP = """Train a network with many values of its options, and compare the results.

Every option of network, dataset and trainer takes a value, a list (relu,tanh) or a range: 1..5 is
five whole numbers, 1e-4..1e-2:5:log is five numbers with equal ratios. All combinations are trained,
each with --seeds seeds; --random N trains a random sample of N instead.

Each trial is a run in its own process: a crash, a full memory or an undefined loss ends that trial
alone and is recorded. Stop the sweep at any moment; the same command continues it, and finished
trials are not trained again.
"""


class SweepGroup(PluginGroup):
    """The installed networks as commands."""

    kind, noun, verb = "model", "network", "train"

    def build(self, name: str, args: list[str]) -> Command:
        """The command of one network; its flags depend on the dataset that `args` name."""
        components = Components.load(name, value_of(args, "--dataset"))
        _normalize_switches(args, components)
        model, data = components.model_spec, components.dataset_spec
        dataset = "" if data.name == model.dataset else f" --dataset {data.name}"
        return command_from_options(
            name,
            _sweep(components),
            [
                Panel(f"Network {model.name}", model.options, lists=True),
                Panel(f"Dataset {data.name}", data.options, components.dataset_defaults, lists=True),
                Panel("Training", TrainingOptions, model.training, lists=True),
            ],
            help=f"{model.summary[:1].upper()}{model.summary[1:]}: many trainings on {data.name}. Each "
            "flag of network, dataset and training takes a value, a list (a,b) or a range "
            "(1e-4..1e-2:5:log).",
            epilog=f"Example: galaxynet sweep {name}{dataset} --lr 1e-4..1e-2:5:log --seeds 3",
        )


def group(name: str) -> Command:
    """The command `sweep` itself."""
    return SweepGroup.create(name, HELP, options_metavar="")


def _normalize_switches(args: list[str], components: Components) -> None:
    """Turn the switches of `train` into values: `--no-augment` into `--augment=no`."""
    switches = {field.flags[1]: field.flag for field in components.fields().values() if field.type is bool}
    for index, word in enumerate(args):
        following = args[index + 1] if index + 1 < len(args) else "--"
        if word in switches:
            args[index] = f"{switches[word]}=no"
        elif word in switches.values() and following.startswith("-"):
            args[index] = f"{word}=yes"


def _number_of_seeds(text: str | int) -> int:
    if isinstance(text, str) and not text.lstrip("-").isdigit():
        is_list = "," in text or ".." in text
        hint = f"To list seeds: --seed {text}" if is_list else "Write for example --seeds 3."
        raise UsageError(f"--seeds {text}: expected the number of seeds.", hint)
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
                help="Name of the sweep; an existing one is continued, and new trials are added to it.",
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
                help="Train each configuration with N seeds.",
            ),
        ] = 1,
        random: Annotated[
            int | None,
            typer.Option(
                "--random",
                min=1,
                metavar="N",
                help="Train N random configurations instead of the whole grid.",
            ),
        ] = None,
        random_seed: Annotated[int, typer.Option("--random-seed", min=0, help="Seed of --random.")] = 0,
        parallel: Parallel = None,
        engine: Annotated[
            Literal["local", "ray"],
            typer.Option(
                "--engine",
                help="Run trials on this machine, or on its Ray cluster.",
            ),
        ] = "local",
        trial_cpus: Annotated[
            int | None,
            typer.Option(
                "--trial-cpus",
                min=1,
                metavar="N",
                help="With --engine ray: CPUs of each trial. Its GPUs are set by --devices.",
                show_default="1",
            ),
        ] = None,
        dry_run: Annotated[
            bool,
            typer.Option("--dry-run", help="Show the plan and how long it takes; train nothing."),
        ] = False,
        retry_failed: Annotated[
            bool, typer.Option("--retry-failed", help="Run failed trials again.")
        ] = False,
        yes: Annotated[
            bool, typer.Option("--yes", "-y", help="Run sweeps of more than 1,000 trials without asking.")
        ] = False,
        runs_dir: RunsDir = None,
        data_dir: DataDir = None,
        quiet: Quiet = False,
        *,
        given: dict[str, Any],
    ) -> None:
        from galaxynet import paths, terminal
        from galaxynet.cli.sweep_preview import show_estimate, show_plan
        from galaxynet.sweeps.dimensions import parse_dimension
        from galaxynet.sweeps.sweep_plan import plan_sweep
        from galaxynet.sweeps.sweep_record import check_unlocked

        terminal.set_quiet(quiet)
        fields = components.fields()
        dimensions = [
            parse_dimension(fields[option], text, sampled=random is not None and option != "seed")
            for option, text in given.items()
        ]
        plan = plan_sweep(
            components,
            dimensions,
            runs_dir=paths.runs_dir(runs_dir),
            data_dir=paths.data_dir(data_dir),
            name=name or "",
            seeds=seeds,
            n_samples=random,
            sample_seed=random_seed,
            parallel=parallel,
            yes=yes,
            engine=engine,
            trial_cpus=trial_cpus,
        )
        show_plan(plan)
        if not dry_run:
            paths.check_runs_dir(plan.runs_dir)
            check_unlocked(plan.runs_dir, plan.name)
        estimate = show_estimate(plan, retry_failed)
        if not dry_run:
            _run(plan, estimate, retry_failed)

    return sweep


def _run(plan: "SweepPlan", estimate: "Estimate", retry: bool) -> None:
    import shlex
    import sys

    from galaxynet import terminal
    from galaxynet.cli.compare import show_sweep
    from galaxynet.errors import RunError
    from galaxynet.phrases import count
    from galaxynet.sweeps.progress_display import ProgressDisplay, count_statuses
    from galaxynet.sweeps.scheduler import run_sweep

    compare = f"galaxynet compare --sweep {shlex.quote(plan.name)}"
    display = ProgressDisplay(plan, estimate)
    try:
        with display:
            sweep = run_sweep(plan, display, command=["galaxynet", *sys.argv[1:]], retry=retry)
    except KeyboardInterrupt:
        state = display.summary()
        terminal.warn(f"interrupted{': ' * bool(state)}{state}; the same command continues this sweep")
        if display.runs:
            terminal.note(f"results so far: {compare}")
        raise typer.Exit(130) from None
    keys = {trial.key for trial in plan.trials}
    statuses = [trial.status for trial in sweep.record.trials if trial.key in keys]
    try:
        show_sweep(plan.runs_dir, plan.name)
    except RunError:  # no trial has a run, so there is only the summary and the logs
        if "failed" not in statuses:
            raise
    terminal.note(f"{count(len(statuses), 'trial')}: {count_statuses(statuses)}")
    terminal.note(f"show this again: {compare}")
    if "failed" in statuses:
        terminal.note(f"logs: {sweep.path / 'logs'}")
        terminal.note("to run failed trials again, add: --retry-failed")
    if not {"finished", "diverged"}.issuperset(statuses):
        if "interrupted" in statuses:
            terminal.note("the same command continues the interrupted trials")
        raise typer.Exit(1)
