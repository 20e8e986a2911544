"""`galaxynet compare` and `galaxynet figures`, from the command line to the output."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from made_runs import add_curves, add_predictions, made_run

from galaxynet.cli.main import main
from galaxynet.runs import PluginId, Run


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path / "runs"  # where GALAXYNET_RUNS points in every test


@pytest.fixture
def pair(runs_dir: Path) -> list[Run]:
    runs = [
        made_run(runs_dir, name="one", accuracy=0.70),
        made_run(runs_dir, name="two", act="tanh", accuracy=0.60),
    ]
    for run, right in zip(runs, (0.7, 0.6), strict=True):
        add_curves(run)
        add_predictions(run, right, seed=int(right * 10))
    return runs


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


def test_compare_sets_runs_side_by_side(pair: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    """The best is first, the differing option is a column, and the majority class is below."""
    assert call("compare") == 0
    lines = capsys.readouterr().out.splitlines()
    first_line, second_line, always = (
        next(n for n, line in enumerate(lines) if line.startswith(word)) for word in ("one", "two", "always")
    )
    assert first_line < second_line < always
    assert "act" in lines[first_line - 2]
    assert "extra convs" not in lines[first_line - 2]
    assert "67.1 to 72.8%" in lines[first_line]
    assert "59.6%" in lines[always]
    assert "McNemar" in lines[-1]
    assert "they differ by more than chance" in lines[-1]


def test_runs_on_other_test_sets_are_separated_and_it_is_said_why(
    pair: list[Run], runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two runs that cannot be compared are not tested against each other either."""
    made_run(runs_dir, name="other", test_set="ffffffff")
    assert call("compare", "one", "other") == 0
    text = capsys.readouterr().out
    assert "in a separate table: the same dataset, but other test samples" in text
    assert "McNemar" not in text
    assert text.count("always not_odd") == 2


def test_two_runs_without_predictions_say_why_they_are_not_tested(
    runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing p-value has its reason."""
    made_run(runs_dir, name="a")
    made_run(runs_dir, name="b")
    assert call("compare", "a", "b") == 0
    assert "Not tested for significance" in capsys.readouterr().out


def test_conditions_sorting_and_columns_work_together(
    pair: list[Run], runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is asked for is what a program gets, and nothing else goes to standard output."""
    made_run(runs_dir, name="three", act="tanh", lr=0.1, accuracy=0.65)
    (runs_dir / "20260101-000000-x-abcdef").mkdir()
    assert (
        call(
            "compare",
            "--where",
            "act=tanh",
            "--sort",
            "-lr",
            "--columns",
            "run,lr,accuracy",
            "--format",
            "csv",
        )
        == 0
    )
    out, err = capsys.readouterr()
    assert list(csv.reader(io.StringIO(out))) == [
        ["run", "lr", "accuracy"],
        ["three", "0.1", "0.65"],
        ["two", "0.001", "0.6"],
    ]
    assert "damaged" in err
    assert "20260101-000000-x-abcdef: it has no run.json." in err


def test_top_limits_each_table_and_says_so(pair: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    """Only the best are shown, and how many are not."""
    assert call("compare", "--top", "1") == 0
    text = capsys.readouterr().out
    assert "one" in text
    assert "tanh" not in text
    assert "--top hides 1 more run" in text


def test_json_tells_everything(pair: list[Run], runs_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program sees tables, damaged folders and the test."""
    (runs_dir / "20260101-000000-x-abcdef").mkdir()
    assert call("compare", "--format", "json") == 0
    values = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in values["tables"][0]["rows"]] == ["one", "two"]
    assert len(values["damaged"]) == 1
    assert values["significance"].startswith("McNemar")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["compare"], 1, "galaxynet train"),
        (["compare", "nothing"], 1, "There are no runs"),
        (["runs", "show", "x"], 1, "There are no runs"),
        (["figures", "x"], 1, "There are no runs"),
    ],
)
def test_without_runs_it_says_how_to_get_one(
    words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new user gets a command, not an empty table."""
    assert call(*words) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--where", "atc=tanh"], "Did you mean 'act'?"),
        (["--where", "tanh"], "not a condition"),
        (["--sort", "accurcy"], "Did you mean 'accuracy'?"),
        (["--columns", "run,nme"], "Did you mean 'name'?"),
        (["--plot", "x.xyz"], "ends in .png, .svg or .pdf"),
        (["--plot", "nowhere/x.svg"], "nowhere is not a directory"),
        (["--sort", "mean"], "--sort: no run has 'mean'"),
    ],
)
def test_a_wrong_call_is_one_sentence_with_the_nearest_name(
    pair: list[Run], words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and nothing on standard output."""
    assert call("compare", *words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_a_condition_that_no_run_meets_says_so(pair: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table is explained."""
    assert call("compare", "--where", "act=gelu") == 0
    assert "No run meets --where. There are: act relu, tanh." in capsys.readouterr().err


def test_figures_are_written_and_their_paths_printed(
    pair: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every printed path is a file, in the run's own folder."""
    assert call("figures", "one", "--format", "svg") == 0
    paths = [Path(line) for line in capsys.readouterr().out.split()]
    assert paths == [pair[0].figures / "learning-curves.svg", pair[0].figures / "confusion.svg"]
    assert all(path.is_file() for path in paths)


def test_several_runs_go_into_one_file(
    pair: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --out the runs share a figure, which --kind has to name."""
    out = tmp_path / "curves.svg"
    assert call("figures", "one", "two", "--kind", "learning-curves", "--out", str(out)) == 0
    assert "two" in out.read_text()
    assert call("figures", "one", "--out", str(out)) == 2
    assert "--kind" in capsys.readouterr().err


def test_several_runs_are_also_drawn_together(
    pair: list[Run],
    runs_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Named without --out, each run gets its own, and the runs of one network share files where one is."""
    other = made_run(runs_dir, name="other", model=PluginId(name="gone", distribution="removed-package"))
    add_curves(other)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    assert call("figures", "one", "other", "two", "--format", "svg") == 0

    out, err = capsys.readouterr()
    own = [run.figures / f"{kind}.svg" for run in pair for kind in ("learning-curves", "confusion")]
    together = Path("galaxy_alexnet-learning-curves.svg")
    assert {Path(line) for line in out.split()} == {*own, other.figures / "learning-curves.svg", together}
    assert list(here.iterdir()) == [here / together]  # a confusion matrix shows one run
    assert {"one", "two"} <= set(together.read_text().replace("<", ">").split(">"))
    assert "2 runs of galaxy_alexnet in the current directory:" in err
    assert "no figure" not in err


def test_a_folder_takes_what_is_drawn_together(
    pair: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--out FOLDER writes there and not into the folders of the runs; of one run it takes every figure."""
    out = tmp_path / "out"
    assert call("figures", "one", "two", "--out", str(out)) == 2
    assert "there is no such folder" in " ".join(capsys.readouterr().err.split())
    out.mkdir()
    assert call("figures", "one", "two", "--kind", "confusion", "--out", str(out)) == 1
    assert "Nothing was written" in capsys.readouterr().err
    assert call("figures", "one", "two", "--format", "png", "--out", str(out)) == 0
    assert [path.name for path in out.iterdir()] == ["galaxy_alexnet-learning-curves.png"]
    assert call("figures", "one", "--format", "png", "--out", str(out)) == 0
    assert (out / "galaxy_alexnet-confusion.png").is_file()
    assert not any(run.figures.exists() and any(run.figures.iterdir()) for run in pair)


def test_a_figure_that_does_not_exist_is_named_with_those_that_do(
    pair: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    """The error lists what can be drawn."""
    assert call("figures", "one", "--kind", "pie") == 2
    assert "learning-curves, confusion" in capsys.readouterr().err


def test_a_network_that_is_no_longer_installed_does_not_stop_its_runs(
    runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs of a removed plugin can still be compared and drawn."""
    run = made_run(runs_dir, name="old", model=PluginId(name="gone", distribution="removed-package"))
    add_curves(run)
    assert call("compare", "old") == 0
    assert call("figures", "old", "--format", "png") == 0
    assert "learning-curves.png" in capsys.readouterr().out


def test_seeds_are_taken_together_and_plotted(
    runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mean and deviation in the table, and the plot beside it in the file that was named."""
    for seed, accuracy in enumerate((0.68, 0.70)):
        made_run(runs_dir, seed=seed, accuracy=accuracy)
    out = tmp_path / "accuracy-runtime.svg"
    assert call("compare", "--over-seeds", "--plot", str(out)) == 0
    text = capsys.readouterr().out
    assert "69.0%" in text
    assert "1.4 points" in text
    assert "always not_odd" in text
    assert "training time" in out.read_text()
    for format in ("csv", "json", "markdown", "latex"):
        assert call("compare", "--over-seeds", "--format", format) == 0
        text = capsys.readouterr().out
        assert "0.69" in text.replace("69.0", "0.69")
        if format == "json":  # the shape of the other tables
            (table,) = json.loads(text)["tables"]
            assert table["title"].startswith("galaxy_alexnet on galaxy-zoo")
            assert [row["mean"] for row in table["rows"]] == [pytest.approx(0.69)]


def test_learning_curves_side_by_side(
    pair: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--by draws the metric of the compared runs over their epochs; without a file it prints the numbers."""
    out = tmp_path / "curves.svg"
    assert call("compare", "one", "two", "--by", "val/accuracy", "--plot", str(out)) == 0
    assert "epoch" in out.read_text()
    capsys.readouterr()
    assert call("compare", "one", "two", "--by", "val/accuracy") == 0
    heading, _, first, *_ = capsys.readouterr().out.splitlines()
    assert heading.split() == ["epoch", "one", "two"]
    assert first.split()[0] == "1"
    assert call("compare", "one", "two", "--by", "val/accuracy", "--format", "csv") == 0
    assert capsys.readouterr().out.splitlines()[0] == "epoch,one,two"
    assert call("compare", "two", "one", "--by", "val/accuracy", "--format", "csv") == 0
    assert capsys.readouterr().out.splitlines()[0] == "epoch,two,one"  # in the order given
    assert call("compare", "one", "two", "--by", "val/none") == 1
    assert "They logged" in capsys.readouterr().err
