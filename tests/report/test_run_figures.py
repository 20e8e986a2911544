"""Figures are drawn from the files of a run alone, and show what those say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_runs import CLASSES, add_curves, add_predictions, made_run

from galaxynet import registry
from galaxynet.errors import PluginError, RunError, UsageError
from galaxynet.report.figures import draw, names, save, write_figures
from galaxynet.report.figures.confusion import count
from galaxynet.runs import MajorityClass, PluginId, Predictions, Run, write_predictions


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = made_run(tmp_path, name="first")
    add_curves(run)
    add_predictions(run)
    return run


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An installed package whose model brings a figure that can be drawn and one that cannot."""
    site = tmp_path / "site"
    info = site / "strange_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[galaxynet.models]\nstrange = strange_plugin:SPEC\n")
    (site / "strange_plugin.py").write_text(
        "from galaxynet.plugin import ModelSpec, Options\n"
        "SPEC = ModelSpec(name='strange', summary='', options=Options, module='strange_plugin:Net',\n"
        "    dataset='galaxy-zoo', figures={'dots': 'strange_plugin:dots', 'gone': 'strange_plugin:gone'})\n"
        "def dots(runs):\n"
        "    from matplotlib.figure import Figure\n"
        "    figure = Figure(figsize=(2, 2))\n"
        "    figure.subplots().plot(range(len(runs)), 'o')\n"
        "    return figure\n"
    )
    monkeypatch.syspath_prepend(str(site))
    registry.clear_cache()
    yield "strange"
    registry.clear_cache()
    sys.modules.pop("strange_plugin", None)


def test_a_finished_run_gets_every_figure_in_both_formats(run: Run) -> None:
    """Learning curves and confusion matrix lie in its figures folder, and nothing else does."""
    written = write_figures(run)
    assert {path.name for path in written} == {path.name for path in run.figures.iterdir()}
    assert {path.name for path in written} == {
        f"{name}.{kind}" for name in ("learning-curves", "confusion") for kind in ("png", "svg")
    }
    assert (run.figures / "confusion.png").read_bytes().startswith(b"\x89PNG")
    text = (run.figures / "confusion.svg").read_text()
    for shown in (*CLASSES, "67.1 to 72.8%", "always answering not_odd scores 59.6%"):
        assert shown in text, shown


def test_the_same_run_gives_the_same_svg(run: Run) -> None:
    """A figure that did not change does not show up as changed in a repository."""
    first = save(draw(run, "confusion"), run.figures / "a.svg").read_bytes()
    assert save(draw(run, "confusion"), run.figures / "b.svg").read_bytes() == first


def test_learning_curves_show_training_and_validation(run: Run) -> None:
    """Each panel has the values of metrics.csv, counted from epoch 1, and the majority class for accuracy."""
    figure = draw(run, "learning-curves")
    loss, accuracy = figure.axes
    assert (loss.get_title(loc="left"), accuracy.get_title(loc="left")) == ("loss", "accuracy")
    lines = {line.get_label(): line for line in loss.lines}
    assert list(lines["training"].get_xdata()) == list(range(1, 13))
    assert list(lines["validation"].get_ydata()) == [row["val/loss"] for row in run.metrics()]
    assert any("majority class 59.6%" in text.get_text() for text in accuracy.texts)
    assert [0.596, 0.596] in [list(line.get_ydata()) for line in accuracy.lines]


def test_a_majority_class_far_below_does_not_flatten_the_curves(tmp_path: Path) -> None:
    """Between 96 and 99 % the curves fill the panel, though one answer would score 11 %; that is said."""
    base = MajorityClass(label="1", accuracy=0.1135, samples=10_000)
    run = made_run(tmp_path, baseline=base)
    (run.path / "metrics.csv").write_text("epoch,val/loss,val/accuracy\n0,0.2,0.96\n1,0.1,0.98\n2,0.1,0.99\n")
    accuracy = draw(run, "learning-curves").axes[1]
    assert accuracy.get_ylim()[0] > 0.9
    (note,) = [text.get_text() for text in accuracy.texts]
    assert note == "majority class 11.3% of the test part: far below this panel"


def test_a_loss_that_is_the_metric_is_drawn_once(tmp_path: Path) -> None:
    """Where loss and mean squared error are the same numbers, there is one panel."""
    run = made_run(tmp_path, task="reconstruction", metric="test/mse", baseline=None)
    for factor, panels in ((1, ["mse"]), (2, ["loss", "mse"])):
        rows = "".join(f"{epoch},{factor * epoch},{epoch}\n" for epoch in range(1, 4))
        (run.path / "metrics.csv").write_text("epoch,train/loss,train/mse\n" + rows)
        assert [axes.get_title(loc="left") for axes in draw(run, "learning-curves").axes] == panels


def test_several_runs_share_one_figure(run: Run, tmp_path: Path) -> None:
    """Every run has its own line, with a distinct colour or dashes, and a name in the legend."""
    others = [made_run(tmp_path, name=f"run {number}", seed=number) for number in range(10)]
    for other in others:
        add_curves(other)
    figure = draw([run, *others], "learning-curves")
    thick = [line for line in figure.axes[0].lines if not str(line.get_label()).startswith("_")]
    assert len({(line.get_color(), line.get_linestyle()) for line in thick}) == 11
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [r.label for r in (run, *others)]


def test_a_figure_of_one_run_is_not_drawn_for_two(run: Run, tmp_path: Path) -> None:
    """A confusion matrix of two runs is refused, and not that of the first."""
    other = made_run(tmp_path)
    add_predictions(other)
    with pytest.raises(RunError, match="confusion shows one run"):
        draw([run, other], "confusion")


def test_too_many_learning_curves_are_refused(run: Run) -> None:
    """An unreadable figure is not drawn."""
    with pytest.raises(RunError, match="at most 28"):
        draw([run] * 29, "learning-curves")


def test_a_loss_that_became_undefined_is_said(tmp_path: Path) -> None:
    """A diverged run can be drawn, and the figure says where its loss ended."""
    run = made_run(tmp_path, status="diverged", metrics={})
    add_curves(run, diverges_at=4)
    figure = draw(run, "learning-curves")
    assert any("undefined" in text.get_text() for text in figure.axes[0].texts)
    save(figure, tmp_path / "x.png")


def test_a_run_of_one_epoch_shows_points(tmp_path: Path) -> None:
    """A line of one point would be invisible."""
    run = made_run(tmp_path)
    add_curves(run, epochs=1)
    assert all(line.get_marker() == "o" for line in draw(run, "learning-curves").axes[0].lines)


def test_the_confusion_matrix_counts_every_sample(run: Run) -> None:
    """Rows are true classes, columns answers; a class that is never met still has its row."""
    predictions = Predictions(["1", "2", "3"], ["odd", "odd", "disk"], ["odd", "star", "disk"])
    assert count(predictions, ["odd", "disk", "star"]) == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    texts = {text.get_text() for text in draw(run, "confusion").axes[0].texts}
    counts = count(run.predictions(), CLASSES)
    assert sum(map(sum, counts)) == 1000
    assert {f"{cell:,}" for row in counts for cell in row if cell} <= texts


def test_rare_answers_are_counted_and_not_rounded_away(tmp_path: Path) -> None:
    """One wrong answer of a thousand makes neither 0% where it is nor 100% where it is missing."""
    run = made_run(tmp_path, classes=["odd", "disk"])
    labels = ["odd"] * 1000 + ["disk"] * 10
    write_predictions(run.path / "predictions.csv", range(1010), labels, ["disk", *labels[1:]])
    texts = [text.get_text() for text in draw(run, "confusion").axes[0].texts]
    assert sorted(texts) == sorted([">99%", "999", "1", "·", "100%", "10"])


def test_many_classes_and_long_names_can_be_drawn(tmp_path: Path) -> None:
    """Twenty-one classes make a figure too, without numbers in its cells."""
    classes = [f"a class with a long name {number}" for number in range(21)]
    run = made_run(tmp_path, classes=classes)
    write_predictions(run.path / "predictions.csv", range(21), classes, classes[::-1])
    figure = draw(run, "confusion")
    assert not figure.axes[0].texts
    save(figure, tmp_path / "many.png")


def test_a_damaged_run_does_not_take_the_curves_of_others(tmp_path: Path) -> None:
    """Its file is no reason to draw nothing; alone, it is called what it is."""
    runs = [made_run(tmp_path, name=name) for name in ("whole", "damaged")]
    add_curves(runs[0])
    (runs[1].path / "metrics.csv").write_text("rubbish\n")
    assert draw(runs, "learning-curves").axes[0].lines
    with pytest.raises(RunError, match=r"metrics\.csv is damaged"):
        draw(runs[1:], "learning-curves")


def test_a_run_that_is_not_tested_has_no_confusion_matrix(tmp_path: Path) -> None:
    """What cannot be drawn is not offered, and asking for it is a sentence."""
    run = made_run(tmp_path)
    assert names(run) == []
    assert write_figures(run) == []
    with pytest.raises(RunError, match="did not get as far"):
        draw(run, "confusion")
    with pytest.raises(RunError, match="They have logged nothing yet"):
        draw(run, "learning-curves")
    with pytest.raises(UsageError, match="There are: learning-curves, confusion"):
        draw(run, "pie")


def test_a_plugins_figure_is_found_and_a_broken_one_costs_the_others_nothing(
    plugin: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package that is no part of galaxynet brings its own figure by its spec alone."""
    run = made_run(tmp_path, model=PluginId(name=plugin, distribution="strange-plugin"))
    assert names(run) == ["dots", "gone"]
    written = write_figures(run, formats=["png"])
    assert [path.name for path in written] == ["dots.png"]
    assert "strange_plugin has no gone" in " ".join(capsys.readouterr().err.split())
    with pytest.raises(PluginError, match="strange-plugin"):
        draw(run, "gone")


def test_a_figure_that_cannot_be_written_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    """An unknown ending is refused before anything is written; an unwritable place is a sentence."""
    figure = draw(run, "learning-curves")
    with pytest.raises(UsageError, match=r"\.png, \.svg or \.pdf"):
        save(figure, tmp_path / "x.bmp")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        save(figure, tmp_path / "file" / "x.png")
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize("name", ["a\x07\x1b[2Jb", "caf\udce9", "\u6f22\uffff", "n" * 20_000, "a\n" * 300])
def test_any_name_can_be_drawn(tmp_path: Path, name: str) -> None:
    """Figures take any name of a run or class: control characters, foreign letters, any length and lines."""
    run = made_run(tmp_path, name=name)
    add_curves(run)
    write_predictions(run.path / "predictions.csv", ["1", "2"], ["smooth", name], ["smooth", "smooth"])
    for path in write_figures(run, formats=("svg",)):
        ElementTree.parse(path)
    assert {path.name for path in run.figures.iterdir()} == {"learning-curves.svg", "confusion.svg"}


@pytest.mark.promise("Strangers' files")
def test_too_many_classes_are_not_drawn(run: Run) -> None:
    """A confusion matrix of thousands of classes is refused, and does not take the memory of the machine."""
    names = [f"class {number}" for number in range(3000)]
    write_predictions(run.path / "predictions.csv", names, names, names)
    with pytest.raises(RunError, match="3,005 classes"):
        draw(run, "confusion")
