from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxynet.errors import OptionError
from galaxynet.plugin import OptimizerOptions, Options, option


class NetOptions(OptimizerOptions):
    hidden: int = option(100, "units", ge=1, le=1000)
    act: Literal["relu", "tanh"] = option("relu", "activation")
    depth: Literal[0, 1, 3] = option(0, "layers")
    table: Path | None = option(None, "a file")
    augment: bool = option(False, "turn")


def test_defaults_and_inherited_options() -> None:
    """An option that is not given has its default; inherited options come first."""
    assert NetOptions().hidden == 100
    assert [field.name for field in NetOptions.fields()][:2] == ["optimizer", "lr"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hidden": 0}, "--hidden 0: .*greater than or equal to 1"),
        ({"hidden": 1001}, "--hidden 1001: .*less than or equal to 1000"),
        ({"hidden": "many"}, "--hidden many"),
        ({"act": "rleu"}, "--act rleu: .*'relu' or 'tanh'"),
        ({"depth": 2}, "--depth 2"),
        ({"lr": float("nan")}, "--lr nan"),
        ({"lr": 0.0}, "--lr 0.0: .*greater than 0"),
    ],
)
def test_a_value_out_of_range_names_the_flag(values: dict[str, object], message: str) -> None:
    """A bad value is one sentence with the flag, the value and what is allowed."""
    with pytest.raises(OptionError, match=message):
        NetOptions.from_dict(values)


def test_an_unknown_option_is_refused() -> None:
    """A misspelt key of a record is an error and not a default."""
    with pytest.raises(OptionError, match="no option 'hiden'"):
        NetOptions.from_dict({"hiden": 3})


def test_options_cannot_be_changed() -> None:
    """What the record says is what was used: options are immutable."""
    with pytest.raises(AttributeError):
        NetOptions().hidden = 3  # type: ignore[misc]


@given(
    hidden=st.integers(1, 1000),
    act=st.sampled_from(["relu", "tanh"]),
    depth=st.sampled_from([0, 1, 3]),
    table=st.none() | st.just(Path("a/b.csv")),
    augment=st.booleans(),
    lr=st.floats(1e-9, 100),
)
def test_a_record_gives_the_same_options_back(**values: object) -> None:
    """Options written to JSON types and read again are equal."""
    options = NetOptions.from_dict(values)
    assert NetOptions.from_dict(options.to_dict()) == options


def test_fields_tell_what_a_flag_needs() -> None:
    """Type, choices, bounds and help of a flag come from the field."""
    fields = {field.name: field for field in NetOptions.fields()}
    assert fields["depth"].choices == (0, 1, 3)
    assert fields["table"].type is Path
    assert fields["table"].optional
    assert fields["hidden"].bounds == {"ge": 1, "le": 1000}
    assert fields["weight_decay"].flag == "--weight-decay"


def test_options_is_an_open_base() -> None:
    """A plugin without options uses the base class as it is."""

    class Nothing(Options):
        pass

    assert Nothing().to_dict() == {}
