"""What stands in the way of a comparison is called by its name, before anything else is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import add_curves, add_predictions, made_run

from galaxynet.cli.main import main
from galaxynet.errors import RunError
from galaxynet.paths import SWEEPS
from galaxynet.report.significance import sentence
from galaxynet.runs import PluginId, Run
from galaxynet.sweeps.sweep_record import Sweep, SweepRecord


@pytest.fixture
def pair(tmp_path: Path) -> list[Run]:
    runs = [made_run(tmp_path / "runs", name=name, seed=n) for n, name in enumerate(("one", "two"))]
    for run in runs:
        add_predictions(run, 0.7)
        add_curves(run)
    return runs


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


def test_runs_that_are_right_on_the_same_samples_do_not_differ(pair: list[Run]) -> None:
    """Two runs with equally many correct samples are not said to differ by chance."""
    text = sentence(*pair)
    assert "are right on the same 7" in text
    assert "no difference" in text
    assert "p =" not in text
    for run, (wrong, right) in zip(pair, ((0, 1), (1, 0)), strict=True):
        path = run.path / "predictions.csv"
        head, *rows = path.read_text().splitlines()
        ids = [row.split(",") for row in rows]
        for at, good in ((wrong, False), (right, True)):
            ids[at][2] = ids[at][1] if good else "disk" if ids[at][1] != "disk" else "odd"
        path.write_text("\n".join([head, *(",".join(cells) for cells in ids)]) + "\n")
    text = sentence(*pair)
    assert "only one is right on 1 samples, only two on 1" in text
    assert "right equally often" in text


@pytest.mark.promise("Measurements")
def test_a_file_of_predictions_that_was_cut_is_damaged(pair: list[Run]) -> None:
    """A truncated file of predictions is called damaged, not another test set."""
    path = pair[1].path / "predictions.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:5]) + "\n")
    with pytest.raises(RunError, match=r"predictions\.csv is damaged: it has 4 of the 1,000 samples"):
        sentence(*pair)


def test_a_removed_file_of_predictions_is_not_a_run_without_a_test(pair: list[Run], tmp_path: Path) -> None:
    """Of a finished run it was removed; one that failed did not get as far."""
    (pair[1].path / "predictions.csv").unlink()
    with pytest.raises(RunError, match="although the run is finished: it was removed"):
        sentence(*pair)
    failed = made_run(tmp_path / "runs", name="three", status="failed", metrics={})
    with pytest.raises(RunError, match="did not get as far as its test"):
        sentence(pair[0], failed)


def test_the_name_of_a_sweep_is_answered_with_its_option(
    pair: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No run of a similar name is proposed, but the command for the sweep."""
    model, dataset = (PluginId(name=name) for name in ("galaxy_alexnet", "galaxy-zoo"))
    Sweep(
        tmp_path / "runs" / SWEEPS / "my ones", SweepRecord(name="my ones", model=model, dataset=dataset)
    ).save()
    assert call("compare", "my ones") == 1
    message = " ".join(capsys.readouterr().err.split())
    assert "There is no run 'my ones'" in message
    assert "galaxynet compare --sweep 'my ones'" in message
    assert "Did you mean" not in message


def test_what_cannot_be_drawn_is_said_before_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is on standard output when the plot is refused, and no folder is made for it."""
    for seed in range(29):
        add_curves(made_run(tmp_path / "runs", seed=seed), epochs=1)
    for words in (
        ("--plot", str(tmp_path / "curves.xyz")),
        ("--plot", str(tmp_path / "nowhere" / "curves.svg")),
        ("--by", "val/accuracy", "--plot", str(tmp_path / "curves.svg")),
    ):
        assert call("compare", *words) > 0
        out, err = capsys.readouterr()
        assert out == ""
        assert "error" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]
