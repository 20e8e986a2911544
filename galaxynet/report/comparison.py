"""Which runs a comparison has, and in which tables they stand."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from galaxynet import terminal
from galaxynet.errors import RunError
from galaxynet.options import format_value
from galaxynet.report import rows as report
from galaxynet.report.conditions import check_name, where
from galaxynet.report.rows import Group, Row
from galaxynet.report.seeds import SUMMARIES
from galaxynet.runs import DamagedRun, Run, find, scan
from galaxynet.sweeps.sweep_record import Sweep, sweep_names


def select_runs(folder: Path, references: Sequence[str]) -> tuple[list[Run], list[DamagedRun]]:
    """The named runs, or all of a folder with those that cannot be read.

    Raises:
        RunError: If there are none, or a reference fits none or several.
    """
    if references:
        selected = [_find(folder, reference) for reference in references]
        return list({run.path.resolve(): run for run in selected}.values()), []
    everything = scan(folder)
    if not everything:
        raise RunError(f"There are no runs in {folder}.", "Make one with: galaxynet train MODEL")
    damaged = [run for run in everything if isinstance(run, DamagedRun)]
    return [run for run in everything if isinstance(run, Run)], damaged


def runs_of_sweep(folder: Path, name: str) -> tuple[list[Run], tuple[str, ...]]:
    """The runs of a sweep and the options that it varies; each trial without a run gets a note.

    Raises:
        RunError: If there is no such sweep, or it has no runs yet.
    """
    sweep = Sweep.open(folder, name)
    runs = sweep.runs()
    for trial in sweep.record.trials:
        if trial.key in runs or not (trial.run or trial.status == "failed"):
            continue
        values = ", ".join(f"{option} {format_value(value)}" for option, value in trial.values.items())
        message = f"failed: {values}: {trial.message}"
        if trial.run:
            message = f"missing: {values}: its run {trial.run} was removed or is damaged"
        terminal.notes().print(message, markup=False, soft_wrap=True)
    if not runs:
        raise RunError(
            f"The sweep {name} has no runs yet.", "See what it prints: " + str(sweep.path / "logs")
        )
    varied = dict.fromkeys(option for trial in sweep.record.trials for option in trial.values)
    return list(runs.values()), tuple(option for option in varied if option != "seed")


def make_groups(
    rows: Sequence[Row],
    conditions: Sequence[str] = (),
    sort: str = "",
    top: int | None = None,
    varied: tuple[str, ...] = (),
    over_seeds: bool = False,
) -> list[Group]:
    """The tables of a comparison: runs that can be compared stand in one.

    Args:
        rows: The runs.
        conditions: Conditions that a run meets, such as `act=tanh`.
        sort: The column to order by; with a leading `-` the other way round.
        top: Rows to keep of each table; None for all.
        varied: Options that are shown even where they do not differ.
        over_seeds: True if runs that differ in their seed alone are summarised afterwards.

    Raises:
        UsageError: If a condition or a column is unknown.
    """
    if sort:
        check_name(rows, sort.removeprefix("-"), "--sort", SUMMARIES if over_seeds else ())
    groups = []
    for group in report.groups(where(rows, conditions)):
        ordered = report.sort(group.rows, sort)
        kept = ordered[:top]
        n_hidden = len(ordered) - len(kept)
        groups.append(replace(group, rows=kept, left_out=n_hidden, order=sort, always=varied))
    return groups


def _find(folder: Path, reference: str) -> Run:
    try:
        return find(folder, reference)
    except RunError as error:
        if reference not in sweep_names(folder):
            raise
        way = f"galaxynet compare --sweep {shlex.quote(reference)}"
        raise RunError(error.message, f"There is a sweep of that name: {way}") from None
