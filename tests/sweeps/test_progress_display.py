"""The table shown while a sweep runs."""

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


def display_of(tmp_path: Path, seeds: int, **tried: Any) -> ProgressDisplay:
    """The display of a sweep that starts."""
    components = Components.load("toynet", "blobs")
    dimensions = [dimension_from(components.fields()[name], values) for name, values in tried.items()]
    runs, data = tmp_path / "runs", tmp_path / "data"
    plan = plan_sweep(components, dimensions, runs_dir=runs, data_dir=data, name="s", seeds=seeds)
    display = ProgressDisplay(plan, Estimate({}, ""))
    display.started(Sweep.create_or_extend(plan.runs_dir, "s", plan.trials, ()), plan.trials)
    return display


def finish(display: ProgressDisplay, tmp_path: Path, index: int, accuracy: float) -> None:
    record = display.records[display.plan.trials[index].key]
    record.status = "finished"
    display.changed(record, made_run(tmp_path / "made", accuracy=accuracy))


def shown(display: ProgressDisplay, width: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width).print(display.render(width, 30))
    return stream.getvalue()


@pytest.mark.usefixtures("toys")
def test_many_seeds_fit_into_a_narrow_terminal(tmp_path: Path) -> None:
    """Where columns for all seeds do not fit, their number and mean are shown instead."""
    display = display_of(tmp_path, 6, hidden=[4, 8])
    for index, accuracy in enumerate((0.6, 0.7, 0.8)):
        finish(display, tmp_path, index, accuracy)
    wide, narrow = shown(display, 120), shown(display, 50)
    assert all(f"seed {seed}" in wide for seed in range(6))
    assert "hidden  seeds        mean" in narrow
    assert "4       3 of 6 done  70.0% ± 10.0" in narrow
    assert "8       0 of 6 done" in narrow
    assert "…" not in narrow


@pytest.mark.usefixtures("toys")
def test_the_state_counts_every_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The summary counts every trial, and a continued sweep counts those done already."""
    display = display_of(tmp_path, 1, hidden=[4, 8, 9])
    finish(display, tmp_path, 0, 0.5)
    assert display.summary() == "1 finished, 2 waiting"
    sweep = Sweep.open(tmp_path / "runs", "s")
    for record, status in zip(sweep.record.trials, ("failed", "finished", "waiting"), strict=True):
        record.status = status
    display.started(sweep, display.plan.trials[2:])
    assert "2 of 3 trials are done already: 1 finished, 1 failed" in capsys.readouterr().err
    assert count_statuses(["diverged", "interrupted"]) == "1 with an undefined loss, 1 interrupted"
