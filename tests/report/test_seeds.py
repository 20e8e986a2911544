"""Runs that differ in their seed alone are one configuration, with a mean and a deviation."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_runs import add_curves, made_record, made_run

from galaxynet.errors import RunError
from galaxynet.report.figures.curves import learning_curves
from galaxynet.report.figures.tradeoff import metric_over_time
from galaxynet.report.rows import Group, Row, group_rows
from galaxynet.report.seeds import configurations, run_labels, seeds_table
from galaxynet.report.table import STATUS_STYLE
from galaxynet.report.table_layout import format_table
from galaxynet.runs import Run


def row(**changes: Any) -> Row:
    return Row(Run(Path("runs/x"), made_record(**changes)))


def column(group: Group, title: str, **how: Any) -> list[str]:
    """The cells of a column of the table of configurations."""
    table = seeds_table(group, **how)
    return [line.cells[table.titles.index(title)] for line in (*table.lines, *table.summary)]


def made_group() -> Group:
    accuracies = {"relu": (0.68, 0.70, 0.69), "tanh": (0.70, 0.71, 0.72)}
    rows = [
        row(act=act, seed=n, accuracy=value)
        for act, all_ in accuracies.items()
        for n, value in enumerate(all_)
    ]
    rows += [row(act="exponential", seed=n, status="diverged", metrics={}) for n in range(3)]
    (group,) = group_rows(rows)
    return group


def test_seeds_are_averaged_and_configurations_are_not() -> None:
    """Three seeds of an activation give its mean and sample deviation; the best mean comes first."""
    tanh, relu, lost = configurations(made_group())
    assert (tanh.label, relu.label, lost.label) == ("tanh", "relu", "exponential")
    assert tanh.mean == pytest.approx(0.71)
    assert relu.deviation == pytest.approx(statistics.stdev((0.68, 0.70, 0.69)))
    assert (lost.mean, lost.deviation, lost.diverged) == (None, None, 3)
    assert tanh.to_dict()["runs"] == 3


def trials(*statuses: str) -> Group:
    """Runs of one configuration; those that finished have an accuracy."""
    return Group([
        row(seed=n, status=status, metrics={"test/accuracy": 0.55} if status == "finished" else {})
        for n, status in enumerate(statuses)
    ])  # fmt: skip


@pytest.mark.promise("Measurements")
def test_a_mean_says_of_how_many_runs_it_is() -> None:
    """Failed, interrupted and diverged trials are not hidden behind the one that has a value."""
    for status, name in (("failed", "failed"), ("interrupted", "unfinished"), ("diverged", "diverged")):
        group = trials("finished", status)
        assert column(group, "runs")[0] == "1 of 2"
        assert column(group, name)[0] == "1"
        (config,) = configurations(group)
        assert {key: config.to_dict()[key] for key in ("failed", "unfinished", "diverged")} == {
            **dict.fromkeys(("failed", "unfinished", "diverged"), 0), name: 1
        }  # fmt: skip
    assert not {"failed", "unfinished", "diverged"} & set(seeds_table(trials("finished")).titles)


@pytest.mark.parametrize(
    ("status", "word"),
    [("failed", "failed"), ("interrupted", "interrupted"), ("diverged", "undefined loss")],
)
def test_where_no_run_has_a_value_the_reason_stands_in_its_place(status: str, word: str) -> None:
    """A dash would not say that both failed."""
    group = trials(status, status)
    assert column(group, "mean accuracy")[0] == word
    assert column(group, "runs")[0] == "2"
    table = seeds_table(group)
    assert table.lines[0].styles[list(table.titles).index("mean accuracy")] == STATUS_STYLE[status]


def test_configurations_are_sorted_by_what_is_shown_of_them() -> None:
    """Mean time, mean, deviation and options of the configuration count, not those of its quickest run."""
    rows = [
        row(act=act, seed=seed, accuracy=accuracy, seconds={"train": seconds})
        for act, values in {
            "relu": ((0.9, 1.0), (0.1, 9.0)),  # quickest and best run, slowest and worst on average
            "tanh": ((0.6, 2.0), (0.6, 2.0)),
            "elu": ((0.7, 3.0), (0.72, 3.0)),
        }.items()
        for seed, (accuracy, seconds) in enumerate(values)
    ]
    # A run without a value ended early or late, so its time is not comparable.
    rows.append(row(act="tanh", seed=9, status="failed", metrics={}, seconds={"train": 99.0}))
    for order, expected in {
        "train_seconds": "tanh elu relu",
        "train-seconds": "tanh elu relu",
        "-train_seconds": "relu elu tanh",
        "accuracy": "elu tanh relu",
        "mean": "elu tanh relu",
        "-accuracy": "relu tanh elu",
        "deviation": "tanh elu relu",
        "act": "elu relu tanh",
    }.items():
        group = Group(rows, order=order)
        assert [config.options["act"] for config in configurations(group)] == expected.split(), order
    kept = seeds_table(Group(rows, order="train_seconds"), top=2)
    assert [line.cells[0] for line in kept.lines[:2]] == ["tanh", "elu"]
    assert kept.footer == ["--top hides 1 more configuration"]


@pytest.mark.parametrize("width", [50, 60, 80, 100, 120])
def test_the_table_of_means_fits_with_its_options_whole(width: int) -> None:
    """Range, times and counts are hidden first and named in the footer; option values are never cut."""
    rows = [
        row(act=act, lr=lr, seed=seed, accuracy=0.5 + seed / 10)
        for act in ("exponential", "relu")
        for lr in (0.0004, 0.5)
        for seed in range(2)
    ]
    rows.append(row(act="relu", lr=0.5, seed=9, status="failed", metrics={}))
    group = Group(rows)
    table = seeds_table(group, width)
    assert max(map(len, format_table(replace(table, title="", footer=()), width).plain.splitlines())) <= width
    if width >= 60:
        assert [line.cells[:2] for line in table.lines[:4]].count(["exponential", "0.0004"]) == 1
        text = format_table(replace(table, title="", footer=()), width).plain
        assert "…" not in text
        assert "always not_odd" in text
    gone = [title for title in seeds_table(group).titles if title not in table.titles]
    assert all(title in table.footer[0] for title in gone) if gone else not table.footer
    assert ("range" in gone) == (width < 100)


def test_a_single_run_has_no_deviation() -> None:
    """One seed says nothing about the spread, and no 0 pretends that it does."""
    (config,) = configurations(Group([row()]))
    assert config.mean == 0.7
    assert config.deviation is None


def test_for_a_loss_the_lowest_mean_is_best() -> None:
    """Best follows the metric."""
    rows = [
        row(
            lr=lr,
            task="reconstruction",
            metric="test/loss",
            higher_is_better=False,
            metrics={"test/loss": loss},
        )
        for lr, loss in ((0.1, 5.0), (0.2, 3.0))
    ]
    assert [config.mean for config in configurations(Group(rows))] == [3.0, 5.0]


def test_the_table_of_means_has_the_majority_class_too() -> None:
    """A mean is not shown without what always the same answer would score."""
    group = made_group()
    table = seeds_table(group)
    titles, texts = list(table.titles), [list(line.cells) for line in (*table.lines, *table.summary)]
    assert len(titles) == len(table.right_aligned) == len(texts[0])
    assert texts[0][titles.index("mean accuracy")] == "71.0%"
    assert texts[0][titles.index("± deviation")] == "1.0 points"
    assert texts[2][titles.index("mean accuracy")] == "undefined loss"
    assert texts[3][0] == "always not_odd"
    assert texts[3][titles.index("mean accuracy")] == "59.6%"


def test_seeds_alone_make_one_row() -> None:
    """Runs of one configuration need no option to tell them apart."""
    group = Group([row(seed=1), row(seed=2)])
    table = seeds_table(group)
    assert table.titles[:2] == ["model", "runs"]
    assert list(table.lines[0].cells[:2]) == ["galaxy_alexnet", "2"]


def test_runs_of_other_lengths_or_precisions_are_not_averaged() -> None:
    """Three epochs and thirty are two configurations, and so are full and half precision, CPU and GPU."""

    def short(**changes: Any) -> Row:
        return row(epochs=3, **changes)

    others = [
        row(epochs=30, seed=2, accuracy=0.9),
        short(seed=2, precision="bf16"),
        short(seed=2, devices=2),
        short(seed=2, accelerator="cuda"),
    ]
    for other in others:
        configs = configurations(Group([short(seed=1), other]))
        assert [len(configuration.rows) for configuration in configs] == [1, 1]
    assert run_labels([short(name="").run, others[0].run]) == ["epochs 3, seed 1", "epochs 30, seed 2"]
    table = seeds_table(Group([short(), others[0]]))
    assert [(table.titles[0], line.cells[0]) for line in table.lines[:2]] == [
        ("epochs requested", "30"),
        ("epochs requested", "3"),
    ]


def test_an_early_stop_makes_no_other_configuration() -> None:
    """What counts is how long a run was to train; how long it did is a matter of its seed."""
    stopped = row(seed=2)
    stopped.run.record.epochs = 5
    assert [len(config.rows) for config in configurations(Group([row(seed=1), stopped]))] == [2]


def test_a_seed_that_was_run_twice_counts_once() -> None:
    """Two runs of one seed have no deviation over seeds, and the table says how many seeds there are."""
    twice = Group([row(seed=1, accuracy=0.6), row(seed=1, accuracy=0.6)])
    (config,) = configurations(twice)
    assert (config.mean, config.deviation, config.to_dict()["runs"], config.to_dict()["seeds"]) == (
        0.6,
        None,
        2,
        1,
    )
    assert column(twice, "runs") == ["2 (1 seed)", ""]
    (mixed,) = configurations(Group([*twice.rows, row(seed=2, accuracy=0.8)]))
    assert mixed.mean == pytest.approx(0.7)
    assert mixed.deviation == pytest.approx(statistics.stdev((0.6, 0.8)))
    assert mixed.to_dict()["ids"].count(" ") == 2


def test_runs_are_called_by_what_tells_them_apart() -> None:
    """Their names, or their options where they have none, or their ids where these are the same."""
    named = [row(name="a").run, row(name="b").run]
    assert run_labels(named) == ["a", "b"]
    assert run_labels([row(act="relu").run, row(act="tanh", extra_convs=3).run]) == [
        "relu, extra convs 0",
        "tanh, extra convs 3",
    ]
    same = [row().run, row().run]
    assert run_labels(same) == [run.record.id for run in same]
    twice = [row(name="a").run, row(name="a").run]
    assert run_labels(twice) == [f"a {run.record.id}" for run in twice]


def test_the_plot_has_a_point_for_each_configuration_and_names_the_lost_ones() -> None:
    """Mean over mean time with the deviation as a bar; diverged configurations are named below."""
    figure = metric_over_time(made_group())
    (axes,) = figure.axes
    points = sorted((round(line.get_ydata()[0], 6)) for line in axes.lines if line.get_marker() == "o")
    assert points == [0.69, 0.71]
    assert {"tanh", "relu"} <= {text.get_text() for text in axes.texts}
    assert "undefined loss: exponential" in figure.get_supxlabel()
    assert any("always not_odd 59.6%" in text.get_text() for text in axes.texts)


def test_names_in_the_plot_do_not_lie_on_one_another() -> None:
    """Ten configurations of nearly the same time and accuracy can all be read."""
    rows = [row(lr=0.001 * n, accuracy=0.7 + n / 500, seconds={"train": 120.0 + n % 3}) for n in range(1, 8)]
    figure = metric_over_time(Group(rows))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if text.get_text().startswith("lr")]
    assert len(boxes) == 7
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_nothing_to_plot_is_a_sentence() -> None:
    """Runs that all diverged have no point."""
    with pytest.raises(RunError, match="Nothing to plot"):
        metric_over_time(Group([row(status="diverged", metrics={})]))


def test_any_logged_metric_can_be_plotted_over_the_epochs(tmp_path: Path) -> None:
    """A name that was not logged is refused with those that were."""
    runs = [made_run(tmp_path, act=act) for act in ("relu", "tanh")]
    for run in runs:
        add_curves(run)
    figure = learning_curves(runs, ["val/accuracy"])
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines[:2]] == ["relu", "tanh"]
    with pytest.raises(RunError, match=r"val/f1.*They logged: train/accuracy"):
        learning_curves(runs, ["val/f1"])
