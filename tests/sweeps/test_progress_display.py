"""The table that a person sees while a sweep goes on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from made_runs import made_run
from rich.console import Console

from galaxynet.sweeps.dimensions import dimension_from
from galaxynet.sweeps.estimate import Estimate
from galaxynet.sweeps.progress_display import ProgressDisplay, count_statuses
from galaxynet.sweeps.sweep_plan import plan_sweep
from galaxynet.sweeps.sweep_record import Sweep
from galaxynet.training.config import Components


def board(tmp_path: Path, seeds: int, **tried: Any) -> ProgressDisplay:
    """A board of a sweep that begins."""
    components = Components.load("toynet", "blobs")
    dimensions = [dimension_from(components.fields()[name], values) for name, values in tried.items()]
    runs, data = tmp_path / "runs", tmp_path / "data"
    plan = plan_sweep(components, dimensions, runs_dir=runs, data_dir=data, name="s", seeds=seeds)
    made = ProgressDisplay(plan, Estimate({}, ""))
    made.started(Sweep.create_or_extend(plan.runs_dir, "s", plan.trials, ()), plan.trials)
    return made


def finish(display: ProgressDisplay, tmp_path: Path, place: int, accuracy: float) -> None:
    record = display.records[display.plan.trials[place].key]
    record.status = "finished"
    display.changed(record, made_run(tmp_path / "made", accuracy=accuracy))


def shown(display: ProgressDisplay, width: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(display.render(width, 30))
    return stream.getvalue()


@pytest.mark.usefixtures("toys")
def test_many_seeds_fit_into_a_narrow_terminal(tmp_path: Path) -> None:
    """Where a column for each seed has no room, their number and their mean stand for them, whole."""
    made = board(tmp_path, 6, hidden=[4, 8])
    for place, accuracy in enumerate((0.6, 0.7, 0.8)):
        finish(made, tmp_path, place, accuracy)
    wide, narrow = shown(made, 120), shown(made, 50)
    assert all(f"seed {seed}" in wide for seed in range(6))
    assert "hidden  seeds        mean" in narrow
    assert "4       3 of 6 done  70.0% ± 10.0" in narrow
    assert "8       0 of 6 done" in narrow
    assert "…" not in narrow


@pytest.mark.usefixtures("toys")
def test_the_state_counts_every_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every trial is in the sum of the state, and where some are done already it says as what."""
    made = board(tmp_path, 1, hidden=[4, 8, 9])
    finish(made, tmp_path, 0, 0.5)
    assert made.summary() == "1 finished, 2 waiting"
    sweep = Sweep.open(tmp_path / "runs", "s")
    for record, status in zip(sweep.record.trials, ("failed", "finished", "waiting"), strict=True):
        record.status = status
    made.started(sweep, made.plan.trials[2:])
    assert "2 of 3 trials are done already: 1 finished, 1 failed" in capsys.readouterr().err
    assert count_statuses(["diverged", "interrupted"]) == "1 with an undefined loss, 1 interrupted"
