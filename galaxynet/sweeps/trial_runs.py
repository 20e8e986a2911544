"""The runs of a sweep, for a comparison."""

from __future__ import annotations

from pathlib import Path

from galaxynet import terminal
from galaxynet.errors import RunError
from galaxynet.options import format_value
from galaxynet.runs import Run
from galaxynet.sweeps.sweep_record import Sweep


def runs_of_sweep(folder: Path, name: str) -> tuple[list[Run], tuple[str, ...]]:
    """The runs of a sweep and the options that it varies, with a message for each trial without a run.

    Raises:
        RunError: If there is no such sweep, or it has no runs yet.
    """
    sweep = Sweep.open(folder, name)
    runs = sweep.runs()
    for trial in sweep.record.trials:
        if trial.key in runs or not (trial.run or trial.status == "failed"):
            continue
        values = ", ".join(f"{option} {format_value(value)}" for option, value in trial.values.items())
        if trial.run:
            terminal.warn(f"missing: {values}: its run {trial.run} was removed or is damaged")
        else:
            terminal.warn(f"failed: {values}: {trial.message}")
    if not runs:
        raise RunError(f"The sweep {name} has no runs yet.", f"See its logs in {sweep.path / 'logs'}")
    varied = dict.fromkeys(option for trial in sweep.record.trials for option in trial.values)
    return list(runs.values()), tuple(option for option in varied if option != "seed")
