"""What a comparison of two runs says of chance."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import made_run

from galaxynet.report.significance import sentence
from galaxynet.runs import Run, write_predictions


def run_that_is_right(folder: Path, name: str, right: list[bool]) -> Run:
    run = made_run(folder, name=name, splits={"test": len(right)})
    guesses = ["disk" if good else "odd" for good in right]
    write_predictions(run.path / "predictions.csv", range(len(right)), ["disk"] * len(right), guesses)
    return run


@pytest.mark.promise("Measurements")
@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (20, 0, "p < 0.0001, they differ by more than chance."),
        (10, 2, "p = 0.0386, they differ by more than chance."),
        (7, 1, "p = 0.0703, chance alone explains such a difference."),
        (3, 9, "p = 0.15, chance alone explains such a difference."),
        (5, 5, "p = 1.00, they are right equally often."),
    ],
)
def test_two_runs_differ_only_beyond_chance(tmp_path: Path, first: int, second: int, said: str) -> None:
    """Two runs are said to differ only where chance explains it in fewer than 5 % of such cases."""
    only_first, only_second, both, neither = [True] * first, [True] * second, [True] * 3, [False] * 2
    one = run_that_is_right(tmp_path, "one", [*only_first, *[False] * second, *both, *neither])
    two = run_that_is_right(tmp_path, "two", [*[False] * first, *only_second, *both, *neither])
    counts = f"only one is right on {first} samples, only two on {second}"
    assert sentence(one, two) == f"McNemar, exact: {counts}; {said}"
