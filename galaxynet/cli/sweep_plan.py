"""What `galaxynet sweep` says before its first trial: what is tried, what is done, and how long it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galaxynet.sweeps.estimate import Estimate
    from galaxynet.sweeps.run import SweepPlan


def show_plan(plan: SweepPlan) -> None:
    """What is going to be tried."""
    from rich.markup import escape

    from galaxynet import terminal

    first = plan.trials[0].plan
    terminal.note(
        f"sweep [bold]{escape(plan.name)}[/bold] of {escape(first.model.name)} "
        f"on {escape(first.dataset.name)}"
    )
    width = max((len(axis.name) for axis in plan.axes), default=0)
    for axis in plan.axes:
        if axis.varies:
            terminal.note(f"  {axis.name.replace('_', ' '):{width}}  {escape(str(axis))}")
    held = ", ".join(f"{axis.name.replace('_', ' ')} {axis}" for axis in plan.axes if not axis.varies)
    if held:
        terminal.note(f"  [dim]the same for all: {escape(held)}[/dim]")


def say_estimate(plan: SweepPlan, retry: bool) -> Estimate:
    """Estimate what is left of a sweep, and say it.

    Args:
        plan: The sweep.
        retry: Whether failed trials are run again.
    """
    from galaxynet import terminal
    from galaxynet.processor_load import crowded_note, usable_cores
    from galaxynet.report.wording import show_seconds
    from galaxynet.sweeps.board import count_words
    from galaxynet.sweeps.conduct import standing
    from galaxynet.sweeps.estimate import Estimate, estimate, kind_of
    from galaxynet.sweeps.record import DONE, Sweep, runs_of

    sweep = Sweep.existing(plan.runs_dir, plan.name, plan.trials)
    records = {record.key: record for record in sweep.record.trials} if sweep is not None else {}
    runs = runs_of(plan.runs_dir, plan.name)
    stand = {
        trial.key: standing(records.get(trial.key), runs.get(trial.key), retry=retry) for trial in plan.trials
    }
    left = [trial for trial in plan.trials if stand[trial.key] not in DONE]
    done = count_words(status for status in stand.values() if status in DONE)
    orders = [plan.orders[trial.key] for trial in left]
    number = len(plan.trials)
    how = "one at a time" if plan.parallel == 1 else f"{plan.parallel} at once"
    threads = "" if plan.gpus else f" with {plan.threads} thread{'s' * (plan.threads > 1)} each"
    line = f"{number} trial{'s' * (number > 1)}, {how}{threads}"
    if not left:
        terminal.note(f"{number} trial{'s' * (number > 1)}, nothing is left to train: {done}")
        return Estimate({}, "")
    kinds = len({kind_of(order.options) for order in orders})
    with terminal.progress("timing a few steps", kinds, "networks") as advance:
        found = estimate(left, orders, plan.runs_dir, plan.threads, advance, plan.engine == "local")
    at_once = min(plan.parallel, len(left))
    total = found.total(left, plan.parallel)
    if done:
        line += f", {number - len(left)} done before ({done})"
    if total is None:
        line += "; how long they take is not known before the first has ended"
    else:
        line += f"; about {show_seconds(total)} (from {found.source})"
    terminal.note(line)
    if (
        plan.engine == "local"
        and not plan.gpus
        and (note := crowded_note(at_once, plan.threads, usable_cores()))
    ):
        terminal.note(f"[yellow]{note}[/yellow]")
    return found
