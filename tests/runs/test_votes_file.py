"""The file of the votes of a run's test set."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from galaxynet.errors import RunError
from galaxynet.runs.votes import Votes


def test_votes_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Fractions come back to six digits, and an unknown one as NaN."""
    path = tmp_path / "votes.csv"
    Votes(["=1", "2"], ["a", "b"], [[0.25, math.nan], [1.0, 0.0]], [[1 / 3, 2 / 3], [0.5, 0.5]]).write(path)
    read = Votes.read(path)
    assert (read.ids, read.columns) == (["=1", "2"], ["a", "b"])
    assert read.observed == [pytest.approx([0.25, math.nan], nan_ok=True), [1.0, 0.0]]
    assert read.predicted == [pytest.approx([1 / 3, 2 / 3], abs=1e-6), [0.5, 0.5]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns"),
        ("id,observed:a\n1,0.5\n", "columns"),
        ("id,observed:a,predicted:b\n1,0.5,0.5\n", "columns"),
        ("id,observed:a,predicted:a\n1,0.5\n", "row 2"),
        ("id,observed:a,predicted:a\n1,much,0.5\n", "much"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    """A file that was changed or cut off is refused by name."""
    path = tmp_path / "votes.csv"
    path.write_text(text)
    with pytest.raises(RunError, match=words):
        Votes.read(path)
    path.unlink()
    with pytest.raises(RunError, match="did not get as far as its test"):
        Votes.read(path)
