"""Rows keep runs apart that cannot be compared, and find those that are asked for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import START, made_record

from galaxynet.errors import UsageError
from galaxynet.report.rows import Row, group_rows, sort_rows
from galaxynet.report.selection import available_values, filter_rows
from galaxynet.report.wording import natural_key
from galaxynet.runs import PluginId, Run


def row(**changes: Any) -> Row:
    return Row(Run(Path("runs/x"), made_record(**changes)))


@pytest.mark.promise("Measurements")
@settings(deadline=None)
@given(st.permutations(range(6)))
def test_runs_on_other_data_never_share_a_table(order: list[int]) -> None:
    """A table holds one task, one dataset, one metric and one test set."""
    rows = [
        row(started=START + timedelta(days=9)),
        row(test_set="ffff"),
        row(dataset=PluginId(name="mnist")),
        row(task="reconstruction", metric="test/loss"),
        row(metric="test/loss"),
        row(act="tanh"),
    ]
    groups = group_rows([rows[number] for number in order])
    assert sorted(len(group.rows) for group in groups) == [1, 1, 1, 1, 2]
    whys = [group.reason for group in groups]
    assert whys[0] == ""  # the newest run's table
    assert sorted(why.split(":")[0].split(" (")[0] for why in whys[1:]) == [
        "another dataset",
        "another metric",
        "another task",
        "the same dataset, but other test samples",
    ]


def test_only_options_that_differ_become_columns() -> None:
    """Two runs that differ in activation and seed show these, and nothing that is the same for both."""
    (group,) = group_rows([row(seed=1), row(seed=2, act="tanh"), row(seed=2)])
    assert group.differing() == ["act", "seed"]
    (alone,) = group_rows([row()])
    assert alone.differing() == []


def test_an_option_that_one_model_lacks_differs() -> None:
    """Runs of two networks show what only one of them can set."""
    other = row()
    del other.run.record.options.model["extra_convs"]
    (group,) = group_rows([row(), other])
    assert group.differing() == ["extra_convs"]


def test_an_option_named_like_a_field_is_not_lost() -> None:
    """A plugin may call its option `samples` or `name`."""
    first, second = row(), row()
    first.run.record.options.model["samples"] = 3
    second.run.record.options.model["samples"] = 4
    (group,) = group_rows([first, second])
    assert group.differing() == ["option.samples"]
    assert first.get("option.samples") == 3
    assert first.get("samples") == 1000


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("act=tanh", ["b"]),
        ("act!=tanh", ["a", "c"]),
        ("ACT = TANH", None),
        ("act = TANH", ["b"]),
        ("lr<0.001", ["c"]),
        ("lr<=0.001", ["a", "b", "c"]),
        ("lr>0.0005", ["a", "b"]),
        ("lr=1e-3", ["a", "b"]),
        ("extra-convs=0", ["a", "b", "c"]),
        ("crop=none", ["a", "b"]),
        ("crop=212", ["c"]),
        ("crop>100", ["c"]),
        ("accuracy>=0.7", ["a"]),
        ("val/accuracy>0.5", ["a", "b", "c"]),
        ("status=finished", ["a", "b", "c"]),
        ("name!=a", ["b", "c"]),
        ("act<tanh", []),
        ("act", None),
        ("atc=tanh", None),
        ("=tanh", None),
    ],
)
def test_conditions_choose_runs(condition: str, expected: list[str] | None) -> None:
    """Words compare without case, numbers as numbers; a condition that makes no sense is refused."""
    rows = [
        row(name="a", accuracy=0.71),
        row(name="b", act="tanh", accuracy=0.69),
        row(name="c", lr=5e-4, crop=212, accuracy=0.6),
    ]
    if expected is None:
        with pytest.raises(UsageError, match="--where"):
            filter_rows(rows, [condition])
    else:
        assert [item.run.record.name for item in filter_rows(rows, [condition])] == expected


@pytest.mark.promise("Measurements")
@settings(deadline=None)
@given(st.lists(st.none() | st.floats(0, 1), max_size=8), st.booleans())
def test_the_best_comes_first_and_the_undefined_last(values: list[float | None], higher: bool) -> None:
    """Best means highest or lowest by the metric; a diverged run is never best."""
    rows = [row(metrics={"test/accuracy": value}, higher_is_better=higher) for value in values]
    in_order = [item.value for item in sort_rows(rows)]
    known = sorted((value for value in values if value is not None), reverse=higher)
    assert in_order == known + [None] * values.count(None)


def test_rows_are_sorted_by_any_column_in_both_directions() -> None:
    """Numbers by size, words by letters, with a minus from the largest down."""
    rows = [row(name="b", lr=0.01), row(name="c", lr=1e-5), row(name="a", lr=0.3)]
    assert [item.run.label for item in sort_rows(rows, "lr")] == ["c", "b", "a"]
    assert [item.run.label for item in sort_rows(rows, "-lr")] == ["a", "b", "c"]
    assert [item.run.label for item in sort_rows(rows, "name")] == ["a", "b", "c"]


def test_the_metric_is_sorted_best_first_and_its_minus_turns_that_round() -> None:
    """Asked for by name or not, the metric goes from the best down; for a loss that is the lowest."""
    rows = [row(name=name, accuracy=value) for name, value in (("a", 0.5), ("b", 0.7), ("c", 0.6))]
    for name in ("accuracy", "test/accuracy", "value", "interval"):
        assert [item.run.label for item in sort_rows(rows, f"-{name}" if name == "interval" else name)] == [
            "b", "c", "a"
        ]  # fmt: skip
    assert [item.run.label for item in sort_rows(rows, "-accuracy")] == ["a", "c", "b"]
    for item, mean in zip(rows, (3, 2, 1), strict=True):  # an option of a plugin
        item.run.record.options.model["mean"] = mean
        vars(item).pop("options", None)
    assert [item.run.label for item in sort_rows(rows, "mean")] == ["c", "b", "a"]


def test_what_there_is_of_a_condition_is_told() -> None:
    """Few values are listed, many numbers are a range, and many words are cut short."""
    rows = [row(name=f"n{n:02}", act=("tanh", "relu")[n % 2], lr=n / 100) for n in range(1, 21)]
    assert available_values(rows, ["act=foo", "lr>5"]) == "There are: act relu, tanh; lr 0.01 to 0.2."
    assert available_values(rows, ["name=x"]).endswith("n11, n12 and 8 more.")
    assert available_values(rows, ["crop=3"]) == "There are: crop no values."


def test_names_are_in_the_order_of_the_numbers_in_them() -> None:
    """Legends have 9 before 10 and 1e-05 before 0.001; a minus belongs to a number, a hyphen to a word."""
    for names in (["lr 10", "lr 9", "act"], ["none", "0.001", "1e-05", "-2"], ["run-10", "run-2"]):
        assert sorted(names, key=natural_key) == names[::-1]


def test_an_undefined_loss_keeps_its_row() -> None:
    """A run that diverged has no value and no interval, but is there."""
    diverged = row(status="diverged", metrics={"test/accuracy": float("nan")})
    assert diverged.fields["value"] is None
    assert diverged.fields["low"] is None
    assert diverged.fields["status"] == "diverged"
