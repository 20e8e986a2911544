"""What `galaxynet sweep` prints before its first trial: the plan, finished trials, and the time it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from galaxynet.sweeps.estimate import Estimate
    from galaxynet.sweeps.sweep_plan import SweepPlan


def show_plan(plan: SweepPlan) -> None:
    """Print what a sweep tries."""
    from galaxynet import terminal

    first = plan.trials[0].plan
    terminal.note("sweep ", (plan.name, "bold"), f" of {first.model.name} on {first.dataset.name}")
    names = {dim: dim.name.replace("_", " ") for dim in plan.dimensions}
    width = max(map(len, names.values()), default=0)
    for dim, name in names.items():
        if dim.varies:
            terminal.note(f"  {name:{width}}  {dim}")
    fixed = ", ".join(f"{name} {dim}" for dim, name in names.items() if not dim.varies)
    if fixed:
        terminal.note(f"  all trials: {fixed}", style="dim")


def show_estimate(plan: SweepPlan, retry: bool) -> Estimate:
    """Estimate the rest of a sweep and print it.

    Args:
        plan: The sweep.
        retry: True if failed trials are run again.
    """
    from galaxynet import terminal
    from galaxynet.phrases import count
    from galaxynet.processor_load import crowded_note, usable_cores
    from galaxynet.report.wording import show_seconds
    from galaxynet.sweeps.estimate import Estimate, estimate
    from galaxynet.sweeps.progress_display import count_statuses
    from galaxynet.sweeps.scheduler import trial_status
    from galaxynet.sweeps.sweep_record import DONE, Sweep, sweep_runs

    sweep = Sweep.open_existing(plan.runs_dir, plan.name, plan.trials)
    records = {record.key: record for record in sweep.record.trials} if sweep is not None else {}
    runs = sweep_runs(plan.runs_dir, plan.name)
    statuses = {
        trial.key: trial_status(records.get(trial.key), runs.get(trial.key), retry=retry)
        for trial in plan.trials
    }
    remaining = [trial for trial in plan.trials if statuses[trial.key] not in DONE]
    done = count_statuses(status for status in statuses.values() if status in DONE)
    total = len(plan.trials)
    line = count(total, "trial")
    if not remaining:
        terminal.note(f"{line}, nothing left to train: {done}")
        return Estimate({}, "")
    result = estimate(plan, remaining)
    seconds = result.total(remaining, plan.parallel)
    line += ", one at a time" if plan.parallel == 1 else f", {plan.parallel} at once"
    if not plan.gpus:
        line += f" with {count(plan.threads, 'thread')} each"
    if done:
        line += f", {total - len(remaining)} done before ({done})"
    if seconds is None:
        line += "; their duration is unknown until the first has ended"
    else:
        line += f"; about {show_seconds(seconds)} (from {result.source})"
    terminal.note(line)
    if plan.engine == "local" and not plan.gpus:
        note = crowded_note(min(plan.parallel, len(remaining)), plan.threads, usable_cores())
        if note:
            terminal.note(note, style="yellow")
    return result
