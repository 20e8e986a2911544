"""The values that a sweep tries."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxynet.errors import OptionError
from galaxynet.options import OptionField, Options, format_value, option
from galaxynet.sweeps.dimensions import Dimension, dimension_from, parse_dimension


class Everything(Options):
    """An option of each type."""

    act: Literal["relu", "tanh"] = option("relu", "a choice")
    convs: Literal[0, 1, 3] = option(0, "a choice of numbers")
    width: int = option(8, "a whole number", ge=1)
    lr: float = option(0.1, "a number", gt=0)
    crop: int | None = option(None, "a number or none")
    augment: bool = option(False, "a switch")
    word: str = option("", "a text")
    file: Path | None = option(None, "a file")


FIELDS: dict[str, OptionField] = {field.name: field for field in Everything.fields()}


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("act", "relu,tanh", ("relu", "tanh")),
        ("convs", "3, 0", (3, 0)),
        ("width", "4,8,4", (4, 8)),
        ("width", "2..5", (2, 3, 4, 5)),
        ("width", "16..64:3", (16, 40, 64)),
        ("width", "4..64:5:log", (4, 8, 16, 32, 64)),
        ("lr", "1e-4..1e-2:5:log", (0.0001, 0.000316228, 0.001, 0.00316228, 0.01)),
        ("lr", "0..1:3", (0.0, 0.5, 1.0)),
        ("lr", "-1..1:2:lin", (-1.0, 1.0)),
        ("crop", "212,none", (212, None)),
        ("augment", "yes,no", (True, False)),
        ("word", "a..b,c", ("a..b", "c")),
    ],
)
def test_lists_and_ranges_are_read(name: str, text: str, values: tuple[Any, ...]) -> None:
    """A list is its values, a range the numbers from its lower to its upper end, in their own types."""
    parsed = parse_dimension(FIELDS[name], text).values
    assert parsed == values
    assert [type(value) for value in parsed] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("act", "relu,than", "--act than: no such value. Choose from relu, tanh"),
        ("convs", "2", "--convs 2: no such value"),
        ("width", "2,x", "--width x: not a whole number"),
        ("width", "2,,3", "a value is missing"),
        ("width", "1.5..4", "whole numbers"),
        ("width", "5..2", "from the smaller number to the larger"),
        ("width", "1..3,7", "use either a list or one range"),
        ("width", "1..100000000", "Give a count"),
        ("lr", "1..2:20000000", "20,000,000 values are too many"),
        ("lr", "1e-4..1e-2", "the number of values is missing"),
        ("lr", "1..2:1", "at least 2 values, its two ends. .* or a single value: --lr 1"),
        ("width", "1..5:0", "at least 2 values"),
        ("lr", "0..1:3:log", "starts above 0"),
        ("lr", "1..2:3:exp", "not a range"),
        ("augment", "perhaps", "expected yes or no"),
        ("file", "a.csv,b.csv", "takes one file or folder, not a list"),
    ],
)
def test_what_cannot_be_read_is_explained(name: str, text: str, message: str) -> None:
    """A value, list or range that makes no sense is refused in a sentence that names the flag."""
    with pytest.raises(OptionError, match=message):
        parse_dimension(FIELDS[name], text)


def test_values_of_python_are_taken_as_they_come() -> None:
    """Lists, ranges, sets and NumPy arrays are lists of values; a NumPy number is a number."""
    for values in ([4, 8], (4, 8), range(4, 9, 4), np.array([4, 8]), iter([4, 8])):
        assert dimension_from(FIELDS["width"], values) == Dimension("width", (4, 8))
    assert dimension_from(FIELDS["lr"], np.float64(0.5)) == Dimension("lr", (0.5,))
    assert dimension_from(FIELDS["act"], {"relu"}) == Dimension("act", ("relu",))
    assert dimension_from(FIELDS["word"], "a") == Dimension("word", ("a",))
    with pytest.raises(OptionError, match="cannot be lists themselves"):
        dimension_from(FIELDS["width"], [[1], [2]])
    with pytest.raises(OptionError, match="list is empty"):
        dimension_from(FIELDS["width"], [])


def test_two_values_that_differ_a_little_are_distinguished() -> None:
    """A number is shown with all its digits, so that two sweeps are never confused."""
    assert str(Dimension("lr", (0.1234567, 0.1234568))) == "0.1234567, 0.1234568"


def test_a_file_whose_name_has_a_comma_is_one_file(tmp_path: Path) -> None:
    """A path is never taken apart: a file may have a comma in its name."""
    path = tmp_path / "a,b.csv"
    path.touch()
    assert parse_dimension(FIELDS["file"], str(path)).values == (path,)


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e6), st.integers(2, 30), st.booleans())
def test_a_range_keeps_its_ends_and_its_order(low: float, factor: float, count: int, log: bool) -> None:
    """A range has at most as many numbers as asked for, in order, from one end to the other."""
    high = low * factor
    values = parse_dimension(FIELDS["lr"], f"{low!r}..{high!r}:{count}{':log' * log}").values
    assert len(values) <= count
    assert list(values) == sorted(values)
    assert values[0] == pytest.approx(low, rel=1e-5)
    assert values[-1] == pytest.approx(high, rel=1e-5)


@given(st.integers(0, 2**32), st.booleans())
def test_samples_stay_within_their_interval(seed: int, log: bool) -> None:
    """Samples are in the range, and the same seed gives the same samples."""
    dimension = parse_dimension(FIELDS["lr"], "0.01..10" + ":log" * log, sampled=True)
    assert dimension == Dimension("lr", (), 0.01, 10.0, log)
    value = dimension.sample(random.Random(seed))
    assert 0.0099 <= value <= 10.001
    assert value == dimension.sample(random.Random(seed))


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers())
def test_what_is_shown_can_be_typed(number: float, whole: int) -> None:
    """A value as it is shown is read as that value again (numbers to six digits)."""
    assert parse_dimension(FIELDS["width"], format_value(whole)).values == (whole,)
    assert parse_dimension(FIELDS["lr"], format_value(number)).values == (pytest.approx(number, rel=1e-5),)
    assert parse_dimension(FIELDS["augment"], format_value(True)).values == (True,)
    assert parse_dimension(FIELDS["crop"], format_value(None)).values == (None,)
