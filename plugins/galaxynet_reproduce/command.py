"""`galaxynet reproduce`: test the claims of publications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet.commands import DataDir, Parallel, Quiet, RunsDir, Yes, confirm

if TYPE_CHECKING:
    from galaxynet_reproduce.reproduction import ReproductionPlan, Request

_ASK_BEYOND_S = 600.0


def _complete(incomplete: str) -> list[str]:
    from galaxynet_reproduce.catalogue import ALL, catalogue

    claims = catalogue()
    names = [*claims.topics, *(checked.claim.name for checked in claims.claims), ALL]
    return [name for name in names if name.startswith(incomplete)]


def command(
    topics: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOPIC",
            help="Topics (galaxy), claims (galaxy/accuracy) or networks; or all.",
            autocompletion=_complete,
        ),
    ] = None,
    list_claims: Annotated[
        bool, typer.Option("--list", help="List the claims and what a full test takes.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            metavar="N",
            min=0,
            help="At most N seeds of each network; 0 to judge existing runs and train nothing.",
            show_default="the full test",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            metavar="N",
            min=1,
            help="At most N epochs of each training.",
            show_default="the full test",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="OPTION=VALUE",
            help="A dataset option that claims leave open, such as labels=FILE.csv.",
        ),
    ] = None,
    parallel: Parallel = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be trained and how long it would take."),
    ] = False,
    format: Annotated[
        Literal["rich", "json", "markdown"],
        typer.Option("--format", help="Output format."),
    ] = "rich",
    yes: Yes = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    quiet: Quiet = False,
) -> None:
    """Test published claims about the networks.

    Each claim has trainings, a figure and a rule. Missing trainings run as a sweep, which the same command
    resumes if it is interrupted; any run with exactly these options counts. The table shows our figure with
    its 95 % interval, a verdict, and the commands behind each line.

    With fewer seeds or epochs than a verdict takes, the verdict is "undecided: cut short".

      galaxynet reproduce --list
      galaxynet reproduce galaxy/accuracy --seeds 1 --epochs 3
      galaxynet reproduce mnist/accuracy text
      galaxynet reproduce galaxy --set labels=labels.csv --set test-ids=test.csv
      galaxynet reproduce all --seeds 0 --format markdown > claims.md
    """
    from galaxynet import paths, terminal
    from galaxynet_reproduce.catalogue import ALL, catalogue
    from galaxynet_reproduce.experiments import Extent
    from galaxynet_reproduce.reproduction import Request, plan_reproduction

    terminal.set_quiet(quiet)
    claims = catalogue()
    for reason in claims.broken:
        terminal.note(("skipped", "yellow"), f" {reason}")
    request = Request(
        selected=claims.select(topics or ([ALL] if list_claims else [])),
        given=_given(settings or []),
        extent=Extent(seeds, epochs),
        parallel=parallel,
        runs_dir=paths.runs_dir(runs_dir),
        data_dir=paths.data_dir(data_dir),
    )
    if list_claims:
        _list(request, format)
        return
    if not dry_run and seeds != 0:
        paths.check_runs_dir(request.runs_dir)
    plan = plan_reproduction(request)
    _show(plan)
    if dry_run:
        return
    if not yes:
        _ask(plan)
    _run(plan, format)


def _given(settings: list[str]) -> dict[str, str]:
    """The options of `--set` by name."""
    from galaxynet.errors import UsageError

    given: dict[str, str] = {}
    for text in settings:
        name, sign, value = text.partition("=")
        name = name.strip().removeprefix("--").replace("-", "_")
        if not sign or not name or not value:
            raise UsageError(
                f"--set {text}: not of the form OPTION=VALUE.", "Write for example --set size=60."
            )
        if name in given:
            raise UsageError(f"--set {text}: it is given twice.")
        given[name] = value
    return given


def _list(request: Request, format: str) -> None:
    from galaxynet import terminal
    from galaxynet_reproduce import output
    from galaxynet_reproduce.reproduction import missing_data

    without_data = missing_data(request)
    if format == "json":
        terminal.write(output.list_as_json(request.selected, without_data))
    elif format == "markdown":
        terminal.write(output.list_as_markdown(request.selected))
    else:
        console = terminal.results()
        text = output.list_as_text(request.selected, without_data, console.width)
        console.print(text, soft_wrap=True, end="")


def _show(plan: ReproductionPlan) -> None:
    """Print what will be trained, and how long it takes."""
    from galaxynet import terminal
    from galaxynet.phrases import count
    from galaxynet.report.wording import show_seconds

    for experiment in plan.experiments:
        message = plan.reasons.get(experiment, "")
        if experiment in plan.without_data:
            message += f" Get them with: galaxynet fetch {experiment.components.dataset.name}"
        if experiment in plan.sweeps:
            n, seconds = len(plan.sweeps[experiment].trials), plan.seconds(experiment)
            time = f"about {show_seconds(seconds)}" if seconds is not None else "for an unknown time"
            source = plan.estimates[experiment].source
            message = f"{count(n, 'training')}, {time}" + (f" (from {source})" if source else "")
        elif plan.request.extent.seeds == 0 and plan.n_missing[experiment]:
            missing = f"{plan.n_missing[experiment]} of {experiment.n_trainings}"
            message = f"{missing} trainings of the full test are missing. {message}".strip()
        terminal.note((experiment.name, "bold"), f": {message or 'all trained, nothing to train'}")


def _ask(plan: ReproductionPlan) -> None:
    """Ask for confirmation if the trainings take long."""
    import sys

    from galaxynet import terminal
    from galaxynet.errors import UsageError
    from galaxynet.report.wording import show_seconds

    total = plan.total
    if total is not None and total <= _ASK_BEYOND_S:
        return
    time = "an unknown time" if total is None else f"about {show_seconds(total)}"
    if not (sys.stdin.isatty() and terminal.messages().is_terminal):
        raise UsageError(
            f"These trainings take {time}.",
            "Add --yes, or do a part of the test with --seeds 1 or --epochs N.",
        )
    if not confirm(f"These trainings take {time}. Begin?"):
        raise typer.Exit(1)


def _run(plan: ReproductionPlan, format: str) -> None:
    import sys

    from galaxynet import terminal
    from galaxynet.phrases import count
    from galaxynet_reproduce import output
    from galaxynet_reproduce.reproduction import judge_all, train_missing

    try:
        n_failed = train_missing(plan, ["galaxynet", *sys.argv[1:]])
    except KeyboardInterrupt:
        terminal.warn("interrupted; the same command continues")
        raise typer.Exit(130) from None
    outcomes = judge_all(plan)
    if format == "json":
        terminal.write(output.as_json(outcomes))
    elif format == "markdown":
        terminal.write(output.as_markdown(outcomes))
    else:
        console = terminal.results()
        console.print(output.as_text(outcomes, console.width), soft_wrap=True)
    if n_failed:
        terminal.warn(f"{count(n_failed, 'training')} failed; the same command tries again")
        raise typer.Exit(1)
