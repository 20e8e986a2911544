"""Predictions are kept so that two runs can be paired sample by sample."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxynet.errors import RunError
from galaxynet.runs import Predictions, write_predictions

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@settings(deadline=None)
@given(
    st.lists(st.tuples(names, names, names), max_size=8), st.lists(names, min_size=1, max_size=4, unique=True)
)
def test_predictions_read_back_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]], classes: list[str]
) -> None:
    """Commas, quotes and any language in ids and class names survive."""
    path = tmp_path_factory.mktemp("run") / "predictions.csv"
    ids, labels, guesses = ([row[part] for row in rows] for part in range(3))
    shares = [[1 / len(classes)] * len(classes) for _ in rows]
    write_predictions(path, ids, labels, guesses, classes, shares)
    read = Predictions.read(path)
    assert (read.ids, read.labels, read.predictions, read.classes) == (ids, labels, guesses, classes)
    assert all(
        value == pytest.approx(1 / len(classes), rel=1e-5) for row in read.probabilities for value in row
    )
    assert read.correct == [label == guess for _, label, guess in rows]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "columns"),
        ("a,b\n1,2\n", "columns"),
        ("id,label,prediction\n1,x\n", "row 2"),
        ("id,label,prediction,p:x\n1,x,x,high\n", "high"),
    ],
)
def test_a_damaged_file_is_named_with_its_fault(tmp_path: Path, content: str, reason: str) -> None:
    """The sentence says which file and what is wrong in it."""
    path = tmp_path / "predictions.csv"
    path.write_text(content)
    with pytest.raises(RunError, match=reason):
        Predictions.read(path)


def test_a_run_without_predictions_says_why(tmp_path: Path) -> None:
    """A run that was not tested has no such file, and that is said."""
    with pytest.raises(RunError, match="did not get as far as its test"):
        Predictions.read(tmp_path / "predictions.csv")
