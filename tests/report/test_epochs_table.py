"""Learning curves as numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from made_runs import add_curves, made_run

from galaxynet.errors import RunError
from galaxynet.report import epochs
from galaxynet.report.output import print_epochs
from galaxynet.report.rows import Group, Row
from galaxynet.report.table_layout import format_table, split_columns


def test_each_run_is_a_column_with_its_best_epoch_marked(tmp_path: Path) -> None:
    """Two runs have a column each and a row for each epoch; the best accuracy and loss are marked."""
    runs = [made_run(tmp_path, act=act, name=act, seed=seed) for seed, act in enumerate(("relu", "tanh"))]
    for run in runs:
        add_curves(run, epochs=5)
    curves = epochs.read_curves(runs, ["val/accuracy", "val/loss"])
    assert epochs.titles(curves) == [
        "epoch", "relu val/accuracy", "relu val/loss", "tanh val/accuracy", "tanh val/loss"
    ]  # fmt: skip
    rows = epochs.epoch_rows(curves)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    table = epochs.epochs_table(curves)
    lines = table.lines
    assert not any("hidden" in note for note in table.footer)
    for index, name in enumerate(epochs.titles(curves)[1:], 1):
        values = [row[name] for row in rows]
        assert None not in values
        best = (max if "accuracy" in name else min)(values, key=lambda value: value or 0.0)
        assert [bool(line.styles.get(index)) for line in lines] == [value == best for value in values]


@pytest.mark.parametrize("width", [24, 60, 80])
def test_many_runs_are_split_into_tables_that_fit(tmp_path: Path, width: int) -> None:
    """No line is wider than the terminal, and each run has its whole column once, next to the epochs."""
    runs = [made_run(tmp_path, name=f"run of seed {seed}", seed=seed) for seed in range(12)]
    for run in runs:
        add_curves(run, epochs=3)
    curves = epochs.read_curves(runs, ["val/accuracy"])
    table = epochs.epochs_table(curves)
    lines, parts = table.lines, split_columns(table, width)
    assert [name for part in parts for name in part.titles[1:]] == [run.label for run in runs]
    for part in parts:
        names, cut = part.titles, part.lines
        text = format_table(part, width).plain
        assert max(map(len, text.splitlines())) <= width
        assert names[0] == "epoch"
        assert [line.cells[0] for line in cut] == ["1", "2", "3"]
        for index, name in enumerate(names[1:], 1):
            at = epochs.titles(curves).index(name)
            assert [line.cells[index] for line in cut] == [line.cells[at] for line in lines]
            assert [line.styles.get(index) for line in cut] == [line.styles.get(at) for line in lines]


def test_an_undefined_loss_is_shown(tmp_path: Path) -> None:
    """An undefined loss is `undefined` in the table and null for programs."""
    run = made_run(tmp_path, name="exp")
    add_curves(run, epochs=4, diverges_at=2)
    curves = epochs.read_curves([run], ["val/loss"])
    assert [row["exp"] is None for row in epochs.epoch_rows(curves)] == [False, False, True, True]
    assert [line.cells[1] for line in epochs.epochs_table(curves).lines][2:] == ["undefined", "undefined"]


@pytest.mark.parametrize("number", [3, 30, 31, 400])
def test_a_long_training_is_thinned(tmp_path: Path, number: int) -> None:
    """Some of many epochs are shown, with the best and the last; the footer counts the others."""
    run = made_run(tmp_path)
    add_curves(run, epochs=number)
    curves = epochs.read_curves([run], ["val/accuracy"])
    table = epochs.epochs_table(curves)
    lines = table.lines
    assert len(lines) <= 33
    hidden = [note for note in table.footer if note.startswith("hidden")]
    n_hidden = number - len(lines)
    assert hidden == ([f"hidden: {n_hidden} epochs (use --format csv)"] if n_hidden else [])
    shown = {int(line.cells[0]) for line in lines}
    assert {curves[0].best, number, 1} <= shown
    assert all(math.isfinite(float(line.cells[1].rstrip("%"))) for line in lines)


def test_a_metric_that_no_run_logged_is_an_error(tmp_path: Path) -> None:
    """The error lists the metrics that were logged."""
    run = made_run(tmp_path)
    add_curves(run)
    with pytest.raises(RunError, match=r"logged val/f1\. They logged: train/accuracy"):
        epochs.read_curves([run], ["val/f1"])


def test_the_best_epoch_is_marked_without_colour_too(tmp_path: Path) -> None:
    """A star marks it and the footer explains the star; a single epoch is not best."""
    run = made_run(tmp_path, name="a")
    add_curves(run, epochs=6)
    curves = epochs.read_curves([run], ["val/accuracy"])
    (part,) = epochs.split_epochs(epochs.epochs_table(curves), 80)
    starred = [line.cells[1] for line in part.lines]
    assert [number for number, text in enumerate(starred, 1) if text.startswith("*")] == [curves[0].best]
    assert part.footer == ["* the best epoch"]
    add_curves(run, epochs=1)
    curves = epochs.read_curves([run], ["val/accuracy"])
    (part,) = epochs.split_epochs(epochs.epochs_table(curves), 80)
    assert not any("*" in text for line in part.lines for text in line.cells)
    assert part.footer == []


def test_a_run_without_a_value_is_named_and_has_no_column_of_dashes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs without values are named in the footer; each part ends with its own longest run."""
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
    print_epochs([Group([Row(run) for run in runs])], ["val/accuracy"], "markdown")
    assert f"no value of val/accuracy: {runs[2].label}" in capsys.readouterr().out


def test_a_damaged_file_of_metrics_is_called_damaged(tmp_path: Path) -> None:
    """It is not reported as empty; if other runs have curves, the footer names it."""
    good, bad = made_run(tmp_path, name="good"), made_run(tmp_path, name="bad", seed=2)
    with pytest.raises(RunError, match="They have logged nothing yet"):
        epochs.read_curves([bad], ["val/accuracy"])
    (bad.path / "metrics.csv").write_bytes(b"\x00\xff garbage, and more\n1,2,3\n")
    with pytest.raises(RunError, match=r"metrics\.csv is damaged"):
        epochs.read_curves([bad], ["val/accuracy"])
    add_curves(good, epochs=3)
    notes = epochs.epochs_table(epochs.read_curves([good, bad], ["val/accuracy"])).footer
    assert notes[-1] == "no value of val/accuracy: bad (its metrics.csv is damaged)"
