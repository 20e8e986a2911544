"""The record of a run survives writing, reading, and whatever else may stand in its file."""

from __future__ import annotations

import contextlib
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import made_record

from galaxynet.errors import RunError
from galaxynet.runs import RunRecord

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from(list(json.loads(made_record().to_json())))


@settings(deadline=None)
@given(
    name=text,
    options=st.dictionaries(text, scalars, max_size=5),
    metrics=st.dictionaries(text, st.floats(), max_size=5),
    data=st.dictionaries(text, garbage, max_size=3),
)
def test_a_record_reads_back_as_it_was_written(
    name: str, options: dict[str, object], metrics: dict[str, float], data: dict[str, object]
) -> None:
    """What is stored is what was given, but that a number that is not finite becomes null."""
    record = made_record(name=name, metrics=metrics, data=data)
    record.options.model = options  # type: ignore[assignment]
    written = record.to_json()
    again = RunRecord.from_json(written)
    assert again == record
    assert again.options.model == options
    assert all(
        again.metrics[key] == value if math.isfinite(value) else again.metrics[key] is None
        for key, value in metrics.items()
    )
    assert again.to_json() == written


def test_a_value_that_became_infinite_in_place_is_written_as_null() -> None:
    """Every JSON reader can open the file, even if a metric was set behind the validation's back."""
    record = made_record()
    record.metrics["test/loss"] = math.inf
    record.data["sizes"] = [1.0, math.nan]
    values = json.loads(record.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in the file"))
    assert values["metrics"]["test/loss"] is None
    assert values["data"]["sizes"] == [1.0, None]


@pytest.mark.promise("Strangers' files")
@settings(deadline=None)
@given(st.dictionaries(keys, garbage, max_size=4) | garbage, st.booleans())
def test_garbage_in_the_file_is_an_error_that_says_so(garbage: object, complete: bool) -> None:
    """Any JSON in run.json is a record or one clear error."""
    if complete and isinstance(garbage, dict):
        garbage = {**json.loads(made_record().to_json()), **garbage}
    with contextlib.suppress(RunError):
        record = RunRecord.from_json(json.dumps(garbage))
        assert RunRecord.from_json(record.to_json()) == record


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"id": NaN}',
        '"\\ud800"',
        '{"epochs": 1' + "0" * 5000 + "}",
        "\x00",
    ],
)
def test_text_that_is_no_record_is_refused(broken: str) -> None:
    """Half a file, deep nesting, NaN, half a character and huge numbers in run.json are each refused."""
    with pytest.raises(RunError):
        RunRecord.from_json(broken)


def test_a_record_with_nan_in_it_is_refused() -> None:
    """Only strict JSON is a record: what other programs could not read is not read here either."""
    text = made_record(accuracy=0.7).to_json()
    with pytest.raises(RunError, match="NaN is not a JSON number"):
        RunRecord.from_json(text.replace('"test/accuracy": 0.7', '"test/accuracy": NaN'))


def test_a_record_of_a_newer_galaxynet_says_to_upgrade() -> None:
    """A record that this version cannot understand is not half understood."""
    values = json.loads(made_record().to_json()) | {"schema": 2, "status": "paused"}
    with pytest.raises(RunError, match=r"layout 2.*pip install --upgrade galaxynet"):
        RunRecord.from_json(json.dumps(values))


def test_a_run_of_an_older_galaxynet_compares_with_a_new_one() -> None:
    """0.1.0 wrote Lightning's names of the precision; they are read as the option's."""
    text = made_record().to_json().replace('"precision": "float32"', '"precision": "bf16-mixed"')
    assert RunRecord.from_json(text).precision == "bf16"


@pytest.mark.promise("Environment")
def test_a_record_without_facts_claims_none() -> None:
    """A record from before processes and steps were counted is read without them."""
    values = json.loads(made_record().to_json())
    del values["world_size"], values["steps"]
    record = RunRecord.from_json(json.dumps(values))
    assert (record.world_size, record.steps) == (None, None)


@pytest.mark.promise("Measurements")
def test_keys_that_are_not_known_are_kept() -> None:
    """A key that a later version added is kept when the record is saved again."""
    values = json.loads(made_record().to_json())
    values["energy"] = {"joule": 12}
    values["model"]["homepage"] = "https://example.org"
    again = json.loads(RunRecord.from_json(json.dumps(values)).to_json())
    assert again == values


def test_a_status_that_does_not_exist_cannot_be_set() -> None:
    """A record in memory is as valid as one that was read."""
    record = made_record()
    with pytest.raises(ValueError, match="status"):
        record.status = "done"  # type: ignore[assignment]


def test_a_wrong_value_is_named_by_its_place() -> None:
    """The sentence says which key is wrong."""
    values = json.loads(made_record().to_json())
    values["model"] = {"distribution": "galaxynet"}
    with pytest.raises(RunError, match=r"model\.name"):
        RunRecord.from_json(json.dumps(values))
