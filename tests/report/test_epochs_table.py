"""Learning curves as numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from made_runs import add_curves, made_run

from galaxynet.errors import RunError
from galaxynet.report import epochs
from galaxynet.report.layout import in_parts, lay_out


def test_each_run_is_a_column_with_its_best_epoch_marked(tmp_path: Path) -> None:
    """Two runs stand side by side, a row an epoch; the highest accuracy and the lowest loss are marked."""
    runs = [made_run(tmp_path, act=act, name=act, seed=seed) for seed, act in enumerate(("relu", "tanh"))]
    for run in runs:
        add_curves(run, epochs=5)
    found = epochs.curves(runs, ["val/accuracy", "val/loss"])
    assert epochs.titles(found) == [
        "epoch", "relu val/accuracy", "relu val/loss", "tanh val/accuracy", "tanh val/loss"
    ]  # fmt: skip
    rows = epochs.rows(found)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    lines, left_out = epochs.lines(found)
    assert left_out == 0
    for place, name in enumerate(epochs.titles(found)[1:], 1):
        values = [row[name] for row in rows]
        assert None not in values
        best = (max if "accuracy" in name else min)(values, key=lambda value: value or 0.0)
        assert [bool(line.styles.get(place)) for line in lines] == [value == best for value in values]


@pytest.mark.parametrize("width", [24, 60, 80])
def test_many_runs_stand_in_tables_that_fit(tmp_path: Path, width: int) -> None:
    """No line is broken by the terminal: each run has its whole column once, beside the epochs."""
    runs = [made_run(tmp_path, name=f"run of seed {seed}", seed=seed) for seed in range(12)]
    for run in runs:
        add_curves(run, epochs=3)
    found = epochs.curves(runs, ["val/accuracy"])
    lines, _ = epochs.lines(found)
    parts = in_parts(epochs.titles(found), lines, width)
    assert [name for names, _ in parts for name in names[1:]] == [run.label for run in runs]
    for names, cut in parts:
        text = lay_out(names, [True] * len(names), cut, width).plain
        assert max(map(len, text.splitlines())) <= width
        assert names[0] == "epoch"
        assert [line.cells[0] for line in cut] == ["1", "2", "3"]
        for place, name in enumerate(names[1:], 1):
            at = epochs.titles(found).index(name)
            assert [line.cells[place] for line in cut] == [line.cells[at] for line in lines]
            assert [line.styles.get(place) for line in cut] == [line.styles.get(at) for line in lines]


def test_an_undefined_loss_is_said(tmp_path: Path) -> None:
    """Where the loss became undefined the table says so, and programs are given null."""
    run = made_run(tmp_path, name="exp")
    add_curves(run, epochs=4, diverges_at=2)
    found = epochs.curves([run], ["val/loss"])
    assert [row["exp"] is None for row in epochs.rows(found)] == [False, False, True, True]
    assert [line.cells[1] for line in epochs.lines(found)[0]][2:] == ["undefined", "undefined"]


@pytest.mark.parametrize("number", [3, 30, 31, 400])
def test_a_long_training_is_thinned(tmp_path: Path, number: int) -> None:
    """Of many epochs some are shown, among them the best and the last; the others are counted."""
    run = made_run(tmp_path)
    add_curves(run, epochs=number)
    found = epochs.curves([run], ["val/accuracy"])
    lines, left_out = epochs.lines(found)
    assert len(lines) <= 33
    assert len(lines) + left_out == number
    shown = {int(line.cells[0]) for line in lines}
    assert {found[0].best, number, 1} <= shown
    assert all(math.isfinite(float(line.cells[1].rstrip("%"))) for line in lines)


def test_a_metric_that_nobody_logged_is_named(tmp_path: Path) -> None:
    """An unknown metric is an error that lists those that there are."""
    run = made_run(tmp_path)
    add_curves(run)
    with pytest.raises(RunError, match=r"logged val/f1\. They logged: train/accuracy"):
        epochs.curves([run], ["val/f1"])
