"""Learning curves as numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from made_runs import add_curves, made_run

from galaxynet.errors import RunError
from galaxynet.report import epochs
from galaxynet.report.layout import in_parts, lay_out
from galaxynet.report.printing import print_epochs
from galaxynet.report.rows import Group, Row


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


def test_the_best_epoch_is_marked_without_colour_too(tmp_path: Path) -> None:
    """A star stands before it, and beneath the table what that means; of one epoch none is best."""
    run = made_run(tmp_path, name="a")
    add_curves(run, epochs=6)
    found = epochs.curves([run], ["val/accuracy"])
    starred = [line.cells[1] for line in epochs.starred(epochs.lines(found)[0])]
    assert [number for number, text in enumerate(starred, 1) if text.startswith("*")] == [found[0].best]
    assert epochs.notes(found) == ["* the best epoch"]
    add_curves(run, epochs=1)
    found = epochs.curves([run], ["val/accuracy"])
    assert not any("*" in text for line in epochs.starred(epochs.lines(found)[0]) for text in line.cells)
    assert epochs.notes(found) == []


def test_a_run_without_a_value_is_named_and_has_no_column_of_dashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs that logged nothing stand beneath; a part ends with its own longest run."""
    monkeypatch.setenv("COLUMNS", "40")
    runs = [made_run(tmp_path, name=f"{'x' * 24} {n}", seed=n) for n in range(3)]
    add_curves(runs[0], epochs=9)
    add_curves(runs[1], epochs=2)
    print_epochs([Group([Row(run) for run in runs])], ["val/accuracy"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 40
    assert "–" not in text
    first, second, *_ = text.split("\n\n")
    assert [line.split()[0] for line in first.splitlines()[2:]] == [str(n) for n in range(1, 10)]
    assert [line.split()[0] for line in second.splitlines()[2:4]] == ["1", "2"]
    assert text.count("epoch  ") == 2  # no table of a heading alone
    assert f"no value of val/accuracy: {runs[2].label}" in " ".join(text.split())


def test_a_damaged_file_of_metrics_is_called_damaged(tmp_path: Path) -> None:
    """It is not empty; where other runs have curves it is named beneath theirs."""
    good, bad = made_run(tmp_path, name="good"), made_run(tmp_path, name="bad", seed=2)
    with pytest.raises(RunError, match="They logged nothing yet"):
        epochs.curves([bad], ["val/accuracy"])
    (bad.path / "metrics.csv").write_bytes(b"\x00\xff garbage, and more\n1,2,3\n")
    with pytest.raises(RunError, match=r"metrics\.csv is damaged"):
        epochs.curves([bad], ["val/accuracy"])
    add_curves(good, epochs=3)
    notes = epochs.notes(epochs.curves([good, bad], ["val/accuracy"]))
    assert notes[-1] == "no value of val/accuracy: bad (its metrics.csv is damaged)"
