"""The comparison reads well at any width, and the same rows come out in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from made_runs import made_record
from rich.cells import cell_len
from rich.console import Console

from galaxynet.report.comparison import comparison_table
from galaxynet.report.output import comparison_to_json, row_to_dict, to_csv, to_latex, to_markdown
from galaxynet.report.rows import Group, Row, group_rows, sort_rows
from galaxynet.report.run_panels import result_lines
from galaxynet.report.seeds import seeds_table
from galaxynet.report.table import Column, Line, Table, make_table
from galaxynet.report.table_layout import format_table
from galaxynet.runs import DamagedRun, MajorityClass, PluginId, ReferenceValue, Run


def made_group(**changes: Any) -> Group:
    rows = [
        Row(Run(Path("runs/a"), made_record(name="first", accuracy=0.702, **changes))),
        Row(Run(Path("runs/b"), made_record(name="second", act="tanh", accuracy=0.69, **changes))),
        Row(Run(Path("runs/c"), made_record(name="third", act="exponential", status="diverged", metrics={}))),
    ]
    (group,) = group_rows(rows)
    return Group(sort_rows(group.rows))


def printed(group: Group, width: int, names: tuple[str, ...] = ()) -> str:
    console = Console(width=width, file=io.StringIO(), highlight=False)
    console.print(format_table(comparison_table(group, width, names), width), soft_wrap=True)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_the_table_fits_and_keeps_what_matters(width: int) -> None:
    """At every width there are run, option, accuracy, interval and majority class, unbroken."""
    text = printed(made_group(), width)
    assert max(map(cell_len, text.splitlines())) <= width
    for needed in (
        "first",
        "exponential",
        "70.2%",
        "67.3 to 73.0%",
        "undefined loss",
        "always not_odd",
        "59.6%",
    ):
        assert needed in text, needed
    assert "1,000 samples" in text


def test_baselines_that_look_the_same_are_shown_once() -> None:
    """Runs with other training parts have other baselines; two rows with the same text would tell nothing."""
    baselines = [MajorityClass(label="not_odd", accuracy=value, samples=1000) for value in (0.596, 0.59601)]
    rows = [
        Row(Run(Path(f"runs/{name}"), made_record(name=name, baseline=baseline)))
        for name, baseline in zip("ab", baselines, strict=True)
    ]
    (group,) = group_rows(rows)
    assert printed(group, 100).count("always not_odd") == 1


def test_nearly_perfect_accuracies_are_distinguishable() -> None:
    """Accuracies near 100 % and their intervals are shown in hundredths of a per cent."""
    group = Group([
        Row(Run(Path("runs/a"), made_record(name="first", accuracy=accuracy, splits={"test": 10_000})))
        for accuracy in (0.9911, 0.9878, 0.702)
    ])  # fmt: skip
    text = printed(group, 180)
    assert "99.11%" in text
    assert "98.91 to 99.28%" in text
    assert "98.78%" in text
    assert " 70.2%" in text


def test_hidden_columns_are_named_below_the_table() -> None:
    """A hidden column is named below the table, with its value if all runs share it."""
    narrow, wide = printed(made_group(), 80), printed(made_group(), 180)
    assert "device AMD EPYC" in narrow
    assert "parameters 2,261,806" in narrow
    assert "all runs:" not in wide
    assert "report, section 2.4" in wide


@pytest.mark.parametrize("width", [50, 180])
def test_runs_of_different_lengths_are_distinguishable(width: int) -> None:
    """Differing epochs are shown once; the requested epochs are added if a run stopped early."""
    group = Group([Row(Run(Path("runs/a"), made_record(epochs=epochs))) for epochs in (3, 30)])
    text = printed(group, width)
    assert text.count("epochs") == 1
    assert "epochs" in text.split("─")[0]
    group.rows[1].run.record.epochs = 7
    stopped = Group([Row(row.run) for row in group.rows])
    assert "epochs requested" in printed(stopped, width)


def made_autoencoders() -> Group:
    source = ReferenceValue(metric="train/epoch_sum", value=190_000.0, source="a report")
    metrics = {"test/mse": 812.4, "train/epoch_sum": 187_300.0}
    record = {
        "task": "reconstruction",
        "metric": "test/mse",
        "higher_is_better": False,
        "baseline": None,
        "metrics": metrics,
    }
    first = made_record(**record, reference=source)
    return Group([Row(Run(Path("runs/a"), first)), Row(Run(Path("runs/b"), made_record(**record)))])


def test_a_published_figure_is_next_to_its_own_metric() -> None:
    """A figure published for another metric is shown next to the run's own value of that metric."""
    group = made_autoencoders()
    group.rows[1].run.record.reference = None
    table = comparison_table(group)
    header, (first, second) = table.titles, [line.cells for line in table.lines]
    assert "published" not in header
    at = header.index("train epoch_sum")
    assert header[at + 1] == "published train epoch_sum"
    assert first[at : at + 2] == ["187,300", "190,000"]
    assert second[at + 1] == "–"
    assert "| published train epoch_sum |" in to_markdown([comparison_table(group)])
    assert "published: a report" in printed(group, 180)
    assert group.rows[0].get("published") is None
    assert group.rows[0].get("published/train/epoch_sum") == 190_000.0


def test_a_hidden_published_figure_is_named_below_the_table() -> None:
    """In a narrow terminal it is hidden before the metric by which the runs are compared."""
    text = printed(made_autoencoders(), 60)
    assert "published train epoch_sum" not in text.split("─")[0]
    assert "published train epoch_sum" in text.split("─")[-1]


def test_a_run_is_shown_with_the_metric_of_its_published_figure() -> None:
    """`runs show` names the metric of the figure unless it is the run's own."""
    lines = dict(result_lines(made_autoencoders().rows[0].run))
    assert lines["published train epoch_sum"] == "190,000"
    assert lines["train epoch_sum"] == "187,300"
    assert "published" not in lines
    assert dict(result_lines(made_group().rows[0].run))["published"] == "69.0%"


def test_requested_columns_are_never_hidden() -> None:
    """Requested columns are all printed, whatever the width."""
    text = printed(
        made_group(), 40, ("run", "model", "test_set", "started", "precision", "parameters", "accuracy")
    )
    assert text.count("2,261,806") == 3
    assert "70.2%" in text


def test_the_best_is_not_marked_where_there_is_nothing_to_beat() -> None:
    """One run alone is not called best; of several the best one is."""
    lone = Console(width=120, file=io.StringIO(), force_terminal=True, color_system="standard")
    lone.print(format_table(comparison_table(Group(made_group().rows[:1]), 120), 120))
    both = Console(width=120, file=io.StringIO(), force_terminal=True, color_system="standard")
    both.print(format_table(comparison_table(made_group(), 120), 120))
    assert "\x1b[1;32mfirst" not in lone.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[1;32mfirst" in both.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[1;32msecond" not in both.file.getvalue()  # type: ignore[attr-defined]


def test_a_loss_has_no_interval_and_no_percent() -> None:
    """Only shares of samples are shown as per cent with an interval."""
    record = made_record(task="reconstruction", metric="test/loss", metrics={"test/loss": 131_204.7})
    record.baseline = record.reference = None
    text = printed(Group([Row(Run(Path("runs/a"), record))]), 160)
    assert "131,205" in text
    assert "%" not in text


@pytest.mark.promise("Strangers' files")
def test_names_with_markup_and_newlines_are_printed_as_they_are() -> None:
    """A run named like markup neither colours nor breaks the table."""
    text = printed(Group([Row(Run(Path("runs/a"), made_record(name="[red]a\nb")))]), 160)
    assert "[red]a b" in text


def test_long_words_are_shortened_before_the_table_breaks() -> None:
    """The widest words are shortened; numbers and ids stay whole."""
    columns = [Column[str]("id", overflow="keep"), Column[str]("path"), Column[str]("n", right_aligned=True)]
    text = format_table(Table(columns, [Line(["abc", "x" * 90, "123"])]), 40).plain
    assert {cell_len(line) for line in text.splitlines()} == {40}
    assert "abc" in text
    assert "…" in text
    assert "123" in text


def test_a_column_colours_its_cells() -> None:
    """One style for all, or one by what the item is."""
    columns = [
        Column[str]("name", style="cyan"),
        Column[str]("state", str.upper, style=lambda item: "red" if item == "bad" else ""),
    ]
    spans = format_table(make_table(columns, ["good", "bad"]), 40).spans
    text = format_table(make_table(columns, ["good", "bad"]), 40).plain
    coloured = [(text[span.start : span.end].strip(), span.style) for span in spans]
    assert {("good", "cyan"), ("bad", "cyan"), ("BAD", "red")} <= set(coloured)
    assert ("GOOD", "red") not in coloured


def test_csv_has_every_run_and_every_value() -> None:
    """A spreadsheet gets one row a run, with full precision and all options and metrics."""
    other = Group([Row(Run(Path("runs/m"), made_record(dataset=PluginId(name="mnist"))))], "another dataset")
    values = [row_to_dict(row) for group in (made_group(), other) for row in group.rows]
    rows = list(csv.DictReader(io.StringIO(to_csv(values))))
    assert [row["dataset"] for row in rows] == ["galaxy-zoo"] * 3 + ["mnist"]
    assert rows[0]["value"] == "0.702"
    assert rows[0]["test/loss"] == "0.8"
    assert rows[1]["act"] == "tanh"
    assert rows[2]["value"] == ""
    assert rows[2]["status"] == "diverged"


def test_json_is_strict_and_complete() -> None:
    """Programs get numbers as numbers, null for what is undefined, and the damaged folders."""
    damaged = [DamagedRun(Path("runs/d"), "it has no run.json.")]
    text = comparison_to_json([made_group()], lambda group: list(map(row_to_dict, group.rows)), damaged)
    values = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    (table,) = values["tables"]
    assert table["differing"] == ["act"]
    assert table["majority"] == [{"label": "not_odd", "accuracy": 0.596}]
    assert [row["value"] for row in table["rows"]] == [0.702, 0.69, None]
    assert values["damaged"] == [{"folder": "runs/d", "reason": "it has no run.json."}]


@pytest.mark.promise("Strangers' files")
def test_markdown_and_latex_escape_what_they_must() -> None:
    """An underscore or a bar in a name does not break a Markdown or LaTeX table."""
    group = Group([Row(Run(Path("runs/a"), made_record(name="a_b|c&d")))])
    assert r"| a_b\|c&d |" in to_markdown([comparison_table(group)])
    latex = to_latex([comparison_table(group)])
    assert r"a\_b|c\&d & galaxy\_alexnet" in latex
    assert r"70.0\%" in latex
    assert latex.count(r"\midrule") == 2
    header = next(line for line in latex.splitlines() if line.startswith("run"))
    assert header.count("&") == latex.partition("tabular}{")[2].partition("}")[0].__len__() - 1


@pytest.mark.parametrize("width", [24, 30, 40, 60, 61, 80])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    """In any width, columns are hidden until the rest fits, except the value."""
    text = printed(made_group(), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "70.2%" in text
    assert ("training" in text.split("─")[-1]) == (width < 80)  # it is named if hidden


def test_notes_end_where_their_words_do() -> None:
    """Piped into a file, no line ends in blanks."""
    text = printed(made_autoencoders(), 60)
    assert "published: a report" in text
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("over_seeds", [False, True])
def test_papers_get_the_table_with_title_reason_rules_best_and_notes(over_seeds: bool) -> None:
    """Markdown and LaTeX have everything that the terminal shows, for runs and for configurations."""
    group = Group(made_group().rows, reason="another task: a, not b", n_hidden=2)

    table = seeds_table(group, top=2) if over_seeds else comparison_table(group)
    markdown = to_markdown([table], "The test says so.")
    title = "galaxy_alexnet on galaxy-zoo: test accuracy on 1,000 samples"
    assert f"**{title}** (in a separate table: another task" in markdown
    assert "| **70.2%** |" in markdown
    assert "**69.0%**" not in markdown
    latex = to_latex([table], "The test says so.")
    assert latex.startswith("% needs \\usepackage{booktabs}\n")
    assert f"% {title} (in a separate table: another task" in latex
    assert r"\textbf{70.2\%}" in latex
    assert "\\midrule\nalways not\\_odd" in latex
    for text in (markdown, latex):
        assert "--top hides" in text
        assert "The test says so." in text
