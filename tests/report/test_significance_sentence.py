"""What a comparison of two runs says of chance."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import made_run

from galaxynet.report.rows import Group, Row
from galaxynet.report.significance import sentence, significance_note
from galaxynet.runs import Run, write_predictions


def run_that_is_right(folder: Path, name: str, right: list[bool]) -> Run:
    run = made_run(folder, name=name, splits={"test": len(right)})
    guesses = ["disk" if good else "odd" for good in right]
    write_predictions(run.path / "predictions.csv", range(len(right)), ["disk"] * len(right), guesses)
    return run


@pytest.mark.promise("Measurements")
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (20, 0, "p < 0.0001, they differ by more than chance."),
        (10, 2, "p = 0.0386, they differ by more than chance."),
        (7, 1, "p = 0.0703, chance alone explains such a difference."),
        (3, 9, "p = 0.15, chance alone explains such a difference."),
        (5, 5, "p = 1.00, they are right equally often."),
    ],
)
def test_two_runs_differ_only_beyond_chance(tmp_path: Path, first: int, second: int, expected: str) -> None:
    """Two runs are said to differ only where chance explains it in fewer than 5 % of such cases."""
    only_first, only_second, both, neither = [True] * first, [True] * second, [True] * 3, [False] * 2
    first_run = run_that_is_right(tmp_path, "one", [*only_first, *[False] * second, *both, *neither])
    second_run = run_that_is_right(tmp_path, "two", [*[False] * first, *only_second, *both, *neither])
    counts = f"only one is right on {first} samples, only two on {second}"
    assert sentence(first_run, second_run) == f"McNemar, exact: {counts}; {expected}"


def test_only_two_classifiers_of_one_table_are_compared(tmp_path: Path) -> None:
    """The test names two runs as their table sorts them; other numbers of runs or tables get no test."""
    first_run = run_that_is_right(tmp_path, "one", [True, True, False])
    second_run = run_that_is_right(tmp_path, "two", [True, False, False])
    table = Group([Row(second_run), Row(first_run)])
    assert significance_note([first_run, second_run], [table]).startswith(
        "McNemar, exact: only two is right on 0 samples, only one on 1;"
    )
    kept = Group([Row(second_run)], n_hidden=1)
    assert significance_note([first_run, second_run], [kept]).startswith("McNemar, exact: only one")
    assert (
        significance_note([first_run, second_run, first_run], [table])
        == significance_note([first_run, second_run], [table, table])
        == ""
    )
    text = made_run(tmp_path, task="language", metric="test/loss", metrics={"test/loss": 1.0})
    assert significance_note([text, second_run], [Group([Row(text), Row(second_run)])]) == ""
    other = run_that_is_right(tmp_path, "other", [True] * 4)
    assert significance_note([first_run, other], [Group([Row(first_run), Row(other)])]).startswith(
        "Not tested for significance: The two"
    )
