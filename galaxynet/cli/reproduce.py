"""`galaxynet reproduce`: the claims of publications, tested at a chosen budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from galaxynet.cli.common import DataDir, Parallel, Quiet, RunsDir, Yes

if TYPE_CHECKING:
    from galaxynet.reproduction.catalogue import Catalogue
    from galaxynet.reproduction.programme import Call, Programme

_LONG = 600.0
"""Seconds beyond which a person is asked before they are spent."""


def _complete(incomplete: str) -> list[str]:
    from galaxynet.reproduction.catalogue import ALL, catalogue

    found = catalogue()
    names = [*found.topics, *(one.claim.name for one in found.known), ALL]
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
        bool, typer.Option("--list", help="List the claims, and what their full test takes.")
    ] = False,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="TIME",
            help="Time to spend: 90s, 10m, 2h; full for the whole test; 0 to judge the runs that there are.",
            show_default="full",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="OPTION=VALUE",
            help="An option of the dataset that claims cannot know, such as labels=FILE.csv.",
        ),
    ] = None,
    parallel: Parallel = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show what would be trained and how long it takes, and train nothing."
        ),
    ] = False,
    format: Annotated[
        Literal["rich", "json", "markdown"],
        typer.Option("--format", help="A table, or text for a program or a page."),
    ] = "rich",
    yes: Yes = False,
    runs_dir: RunsDir = None,
    data_dir: DataDir = None,
    quiet: Quiet = False,
) -> None:
    """Test what publications say of the networks, and say what holds.

    Each claim has trainings, a figure and a rule. What is missing is trained,
    as a sweep that the same command goes on with; runs with exactly these
    options count, however they came to be. The table gives our figure with its
    95 % interval, a verdict, and the commands behind each line.

    A budget cuts seeds first and epochs next. What is then less than a verdict
    takes cannot be told at this budget: there is no verdict by half a test.

      galaxynet reproduce --list
      galaxynet reproduce galaxy --budget 10m
      galaxynet reproduce mnist/accuracy text --budget 1h
      galaxynet reproduce galaxy --set labels=labels.csv --set test-ids=test.csv
      galaxynet reproduce all --budget 0 --format markdown > claims.md
    """
    from galaxynet import paths, terminal
    from galaxynet.reproduction.budget import parse_budget
    from galaxynet.reproduction.catalogue import ALL, catalogue
    from galaxynet.reproduction.programme import Call, prepare

    terminal.set_quiet(quiet)
    found = catalogue()
    _tell_broken(found)
    chosen = found.chosen(topics or ([ALL] if list_claims else []))
    call = Call(
        chosen=chosen,
        given=_given(settings or []),
        budget=None if budget is None else parse_budget(budget),
        parallel=parallel,
        runs_dir=paths.runs_dir(runs_dir),
        data_dir=paths.data_dir(data_dir),
    )
    if list_claims:
        _list(call, format)
        return
    if not dry_run and call.budget != 0:
        paths.check_runs_dir(call.runs_dir)
    programme = prepare(call)
    _show(programme)
    if dry_run:
        return
    if budget is None and not yes:
        _ask(programme)
    _run(programme, format)


def _tell_broken(found: Catalogue) -> None:
    from rich.markup import escape

    from galaxynet import terminal

    for one in found.broken:
        terminal.note(f"[yellow]left out[/yellow] {escape(one.reason)}")


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


def _list(call: Call, format: str) -> None:
    from galaxynet.report.table import results_console
    from galaxynet.reproduction import listing
    from galaxynet.reproduction.programme import missing_files

    absent = missing_files(call.chosen, call.given, call.data_dir)
    if format == "json":
        print(listing.as_json(call.chosen, absent), end="")
    elif format == "markdown":
        print(listing.as_markdown(call.chosen), end="")
    else:
        console = results_console()
        console.print(listing.as_text(call.chosen, absent, console.width), soft_wrap=True, end="")


def _show(programme: Programme) -> None:
    """What is going to be trained, and how long it takes."""
    from rich.markup import escape

    from galaxynet import terminal
    from galaxynet.report.wording import show_seconds

    for share in programme.shares.values():
        told = programme.unfit.get(share.experiment, "")
        if share.experiment in programme.absent:
            told += f" Get them with: galaxynet fetch {share.experiment.parties.dataset.name}"
        number, seconds = len(share.missing), programme.seconds(share)
        if number:
            told = f"{number} training{'s' * (number > 1)} ({share.extent}), "
            told += f"about {show_seconds(seconds)}" if seconds is not None else "for an unknown time"
            source = programme.sources.get(share.experiment)
            told += f" (from {source})" if source else ""
        elif programme.call.budget == 0 and programme.lacking[share.experiment]:
            lacking = f"{programme.lacking[share.experiment]} of {share.experiment.trainings}"
            told = f"{lacking} trainings of the full test are not there. {told}".strip()
        if share.left_out and programme.call.budget and share.experiment not in programme.unfit:
            count = len(share.left_out)
            told += f"{'; ' * bool(told)}no time for {count} network{'s' * (count > 1)}"
        terminal.note(f"[bold]{escape(share.experiment.name)}[/bold]: {escape(told or 'nothing to train')}")


def _ask(programme: Programme) -> None:
    """Before much time is spent that nobody said is to be spent."""
    import sys

    from galaxynet import terminal
    from galaxynet.errors import UsageError
    from galaxynet.report.wording import show_seconds

    total = programme.total
    if total is not None and total <= _LONG:
        return
    takes = "a time that is not known" if total is None else f"about {show_seconds(total)}"
    if not (sys.stdin.isatty() and terminal.notes().is_terminal):
        raise UsageError(
            f"The full test takes {takes}.", "Say --budget 10m for a part of it, or --yes (or --budget full)."
        )
    if not typer.confirm(f"The full test takes {takes}. Begin?", err=True):
        raise typer.Exit(1)


def _run(programme: Programme, format: str) -> None:
    import sys

    from galaxynet import terminal
    from galaxynet.report.table import results_console
    from galaxynet.reproduction import table
    from galaxynet.reproduction.run import judge_all, train

    try:
        failures = train(programme, ["galaxynet", *sys.argv[1:]])
    except KeyboardInterrupt:
        terminal.notes().print("interrupted; the same command goes on with it", soft_wrap=True)
        raise typer.Exit(130) from None
    outcomes = judge_all(programme, failures)
    if format == "json":
        print(table.as_json(outcomes), end="")
    elif format == "markdown":
        print(table.as_markdown(outcomes), end="")
    else:
        console = results_console()
        console.print(table.as_text(outcomes, console.width), soft_wrap=True)
    if failures:
        terminal.notes().print(
            f"{len(failures)} training{'s' * (len(failures) > 1)} failed; the same command tries again",
            soft_wrap=True,
        )
        raise typer.Exit(1)
