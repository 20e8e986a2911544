"""Options that are lists: flags, Python, records, sweeps and tables treat them as one value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_process import run_here
from made_runs import made_record
from toy_plugins import DATA, MODEL, SPECS

from galaxynet import paths
from galaxynet.errors import OptionError
from galaxynet.options import Options, format_value, option
from galaxynet.report.rows import Row
from galaxynet.report.selection import available_values, filter_rows
from galaxynet.report.wording import show_value
from galaxynet.runs import Run, RunRecord, find
from galaxynet.sweeps.dimensions import Dimension, dimension_from, parse_dimension
from galaxynet.sweeps.job import train_arguments
from galaxynet.sweeps.trials import plan_trials
from galaxynet.training.config import Components


class Tagged(Options):
    tags: tuple[str, ...] = option((), "words")


TAGS = Tagged.fields()[0]


@pytest.fixture
def tagged(distribution: Any) -> None:
    """A dataset with an option that is a list."""
    specs = SPECS.replace(
        "    pause: float",
        '    tags: tuple[str, ...] = option((), "words to keep", metavar="WORD")\n    pause: float',
    )
    distribution(
        "toys",
        {"toys": specs, "toy_data": DATA, "toy_model": MODEL},
        {"galaxynet.models": {"toynet": "toys:NET"}, "galaxynet.datasets": {"blobs": "toys:BLOBS"}},
    )


@given(st.lists(st.text()))
def test_a_list_survives_the_record(tags: list[str]) -> None:
    """Lists and tuples are the same value; the record has a JSON list that gives the same options back."""
    options = Tagged(tags=tags)
    assert options == Tagged(tags=tuple(tags))
    assert hash(options)
    assert options.to_dict() == {"tags": tags}
    record = made_record()
    record.options.dataset = options.to_dict()
    again = RunRecord.from_json(record.to_json())
    assert Tagged.from_dict(again.options.dataset) == options


@pytest.mark.parametrize(
    ("value", "words"), [("a", "--tags a: expected a list"), ([3], "--tags .*valid string")]
)
def test_what_is_no_list_of_texts_is_refused(value: Any, words: str) -> None:
    """A text is not taken apart into letters, and a number is not text."""
    with pytest.raises(OptionError, match=words):
        Tagged(tags=value)


@pytest.mark.usefixtures("tagged")
def test_a_flag_is_repeated() -> None:
    """`--tags a --tags b` are a list in the record; `--like` keeps it, replaces it whole, or empties it."""
    flags = ["--epochs", "1", "--samples", "24"]
    assert (
        run_here("train", "toynet", "--tags", "a", "--tags", "b,c", "--name", "first", *flags).returncode == 0
    )
    assert run_here("train", "--like", "first", "--name", "second", "--tags", "").returncode == 0
    first, second = (find(paths.runs_dir(), name).record for name in ("first", "second"))
    assert [record.options.dataset["tags"] for record in (first, second)] == [["a", "b,c"], []]
    for given_, expected in (({}, ["a", "b,c"]), ({"tags": ("d",)}, ["d"])):
        again = Components.load("toynet").plan(given_, like=first)
        assert again.dataset_options.to_dict()["tags"] == expected
    shown = " ".join(run_here("runs", "show", "first").stdout.split())
    assert "tags a, b,c" in shown
    for format_ in ("markdown", "csv"):
        assert run_here("compare", "--columns", "run,tags", "--format", format_).stdout.count("a + b,c") == 1


@pytest.mark.usefixtures("tagged")
@pytest.mark.parametrize("command", ["train", "sweep"])
def test_help_says_that_a_flag_repeats(command: str) -> None:
    """A list has the placeholder of an element, no default, and a note."""
    shown = " ".join(run_here(command, "toynet", "--help").stdout.replace("│", " ").split())
    assert "--tags WORD Words to keep (can be repeated) " in shown
    assert "Words to keep (can be repeated) [default" not in shown


@pytest.mark.usefixtures("tagged")
def test_a_sweep_varies_lists_in_python_alone() -> None:
    """A repeated flag is one list for all trials; in Python, a list of lists gives a trial for each."""
    assert parse_dimension(TAGS, ("a", "b,c")) == Dimension("tags", (("a", "b,c"),))
    assert dimension_from(TAGS, ["a", "b"]) == Dimension("tags", (("a", "b"),))
    assert dimension_from(TAGS, []) == Dimension("tags", ((),))
    several = dimension_from(TAGS, [[], ["a"], ("a", "b"), ["a"]])
    assert several == Dimension("tags", ((), ("a",), ("a", "b")))
    assert str(several) == "none, a, a + b"
    trials = plan_trials(Components.load("toynet"), [several])
    assert [trial.plan.dataset_options.to_dict()["tags"] for trial in trials] == [[], ["a"], ["a", "b"]]
    assert train_arguments(trials[2].plan)[2:] == ["--tags", "a", "--tags", "b"]
    done = run_here("sweep", "toynet", "--tags", "a", "--tags", "b", "--lr", "0.1,0.2", "--dry-run")
    assert done.returncode == 0
    assert "2 trials" in done.stderr + done.stdout


@given(st.lists(st.text("ab/=,", min_size=1), min_size=1))
def test_a_condition_takes_what_a_table_shows(tags: list[str]) -> None:
    """Whatever a list holds, the value that a comparison shows selects its runs."""
    record = made_record()
    record.options.dataset["tags"] = tags
    row = Row(Run(Path("runs/x"), record))
    assert filter_rows([row], [f"tags={show_value(tags)}"]) == [row]
    assert filter_rows([row], [f"tags={format_value(tags)}"]) == [row]
    assert filter_rows([row], ["tags=other"]) == []


def test_paths_in_lists_are_shown_short() -> None:
    """A table has the last part of a path, after a name as well."""
    assert show_value(["five=/data/zoo/labels.csv", "/data/a.csv", "x"]) == "five=labels.csv + a.csv + x"
    assert show_value([]) == show_value(None)
    record = made_record()
    record.options.dataset["tags"] = ["a", "b"]
    assert available_values([Row(Run(Path("runs/x"), record))], ["tags=c"]) == "There are: tags a + b."
