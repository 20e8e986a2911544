"""CSV that a spreadsheet does not execute, and that is read back unchanged."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxynet import csv_text

pytestmark = pytest.mark.promise("Strangers' files")

TEXTS = st.text(st.sampled_from("=+-@'\t\r\n,\";0a.eＥ"), max_size=6) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=8
)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4), st.tuples(TEXTS, TEXTS))
def test_every_table_is_read_back_as_it_was_written(
    rows: list[tuple[str, str]], header: tuple[str, str]
) -> None:
    """A table is read back unchanged, whatever its texts begin with."""
    assert csv_text.read(csv_text.write(header, rows)) == [list(row) for row in (header, *rows)]


@given(TEXTS)
def test_no_cell_of_text_is_a_formula(text: str) -> None:
    """No text begins a cell with what a spreadsheet takes for a formula, unless it is a plain number."""
    ((cell,),) = csv.reader(io.StringIO(csv_text.write([text], []), newline=""))
    try:
        float(cell)
    except ValueError:
        assert not cell.startswith(tuple("=+-@\t\r\n"))
    assert csv_text.unguard(cell) == text


@pytest.mark.parametrize("number", ["-12.5", "+3", "-1e-05", "-.5", "-7."])
def test_numbers_stay_numbers(number: str) -> None:
    """A negative declination stays the number that it is, also where it is kept as text."""
    assert csv_text.write(["dec"], [[number], [float(number)]]).splitlines()[1:] == [
        number,
        str(float(number)),
    ]


@pytest.mark.parametrize("formula", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_guarded(formula: str) -> None:
    """What begins with = + - @, a tab or a line end gets an apostrophe; one that is there gets another."""
    assert csv_text.guard(formula) == f"'{formula}"
    assert csv_text.guard(f"'{formula}") == f"''{formula}"
    assert csv_text.guard("'quoted'") == "'quoted'"


@pytest.mark.parametrize("text", ["a\n" * 6, "\n" * 11, "a," * 11])
def test_a_table_is_read_within_bounds(text: str) -> None:
    """A table of more rows and cells than memory may hold is refused while it is read."""
    with pytest.raises(csv.Error, match="too many"):
        csv_text.read(text, max_items=10)
    assert csv_text.read("a\n" * 5, max_items=10) == [["a"]] * 5
