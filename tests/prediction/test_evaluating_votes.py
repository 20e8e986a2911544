"""A network for vote fractions from its training on: intervals, evaluation on other images, figures."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from in_process import run_here
from made_galaxies import encoded, galaxy
from zoo_files import write_votes

import galaxynet
from galaxynet.errors import DataError, UsageError
from galaxynet.evaluation.vote_coverage import held
from galaxynet.evaluation.vote_intervals import VoteIntervals
from galaxynet.evaluation.votes import rmse
from galaxynet.report.evaluation_tables import evaluation_tables
from galaxynet.runs import Run
from galaxynet.runs.votes import VOTES, Votes
from galaxynet_galaxy_zoo.tree import TREE
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX, COLUMNS

pytestmark = pytest.mark.xdist_group("evaluating_votes")  # one run for all of them


def votes_of(seed: int) -> dict[str, float]:
    """Votes of 40 volunteers: on a round galaxy most say smooth, on a flat one most say edge-on disk."""
    generator = np.random.default_rng(seed)
    smooth = generator.binomial(40, 0.2 if seed % 2 else 0.85)
    odd = generator.binomial(40, 0.1)
    whole = {"Class1.1": smooth, "Class1.2": 40 - smooth, "Class2.1": 40 - smooth, "Class9.1": 40 - smooth}
    whole |= {"Class7.1": smooth, "Class6.1": odd, "Class6.2": 40 - odd, "Class8.1": odd}
    return {name: count / 40 for name, count in whole.items()}


@pytest.fixture(scope="module")
def voted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small galaxy_votes, trained for two epochs on 110 made galaxies."""
    folder = tmp_path_factory.mktemp("voted")
    data = folder / "data" / "galaxy-zoo"
    data.mkdir(parents=True)
    with zipfile.ZipFile(data / "images_training_rev1.zip", "w") as archive:
        for seed in range(110):
            archive.writestr(f"images_training_rev1/{100_000 + seed}.jpg", encoded(galaxy(seed)))
    write_votes(data / "training_solutions_rev1.zip", {100_000 + seed: votes_of(seed) for seed in range(110)})
    return galaxynet.train(
        "galaxy_votes",
        width=8,
        size=32,
        crop=212,
        epochs=2,
        batch_size=16,
        validation=0.5,
        threads=1,
        precision="float32",
        name="voted",
        runs_dir=folder / "runs",
        data_dir=folder / "data",
    )


@pytest.fixture
def cutouts(tmp_path: Path) -> Path:
    """A folder of twelve new galaxies."""
    folder = tmp_path / "new"
    folder.mkdir()
    for seed in range(3000, 3012):
        (folder / f"G{seed}.jpg").write_bytes(encoded(galaxy(seed)))
    return folder


def write_table(
    path: Path, rows: dict[str, dict[str, float | str]], columns: tuple[str, ...] = COLUMNS
) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["name", *columns])
        for name, votes in rows.items():
            writer.writerow([name, *(votes.get(column, 0.0) for column in columns)])
    return path


def test_a_run_keeps_intervals_and_their_coverage(voted: Run) -> None:
    """run.json has the concentrations of questions with enough votes, and the coverage on the test part."""
    record = voted.record
    intervals = VoteIntervals.from_calibration(record.calibration)
    assert intervals is not None
    assert intervals.concentrations.keys() >= {"smooth_or_features", "odd"}
    assert "bar" not in intervals.concentrations  # no one is asked
    assert intervals.samples["bar"] == 0
    votes = Votes.read(voted.path / VOTES)
    observed, predicted = np.array(votes.observed), np.array(votes.predicted)
    flags = held(TREE, observed, predicted, intervals.ends(TREE, predicted))
    assert record.metrics["test/coverage_odd"] == pytest.approx(np.nanmean(flags[:, 13:15]), abs=1e-6)
    assert "test/coverage_bar" not in record.metrics
    parts = record.agreement["agreement"]
    assert isinstance(parts, dict)
    assert isinstance(parts["odd"], list)
    assert parts["odd"][0][::2] == [0.5, record.splits["test"]]  # type: ignore[index]
    samples = sum(part[2] for part in record.agreement["margin"])  # type: ignore[index, misc, union-attr]
    assert samples == record.splits["test"]


def test_a_catalogue_has_them_on_request(voted: Run, cutouts: Path, tmp_path: Path) -> None:
    """With `--intervals`, the ends are beside each fraction of those asked, and around it."""
    done = run_here("predict", str(voted.path), str(cutouts), "-o", str(tmp_path / "c.csv"), "--intervals")
    assert done.returncode == 0, done.stderr
    assert "no intervals for" in done.stderr
    assert "bar" in done.stderr
    table = galaxynet.load(voted).predict(cutouts, intervals=True)
    names = table.names
    at = names.index("t01_smooth_or_features_a01_smooth_fraction")
    assert names[at + 1 : at + 3] == (f"{names[at]}_low", f"{names[at]}_high")
    assert (table[f"{names[at]}_low"] <= table[names[at]]).all()
    assert (table[names[at]] <= table[f"{names[at]}_high"]).all()
    rounded = "t07_rounded_a16_completely_round_fraction"
    assert np.isnan(table[f"{rounded}_low"]).tolist() == np.isnan(table[rounded]).tolist()
    assert np.isnan(table["t03_bar_a06_bar_fraction_high"]).all()
    assert (table["flag"] == 0).all()
    column = next(column for column in table.columns if column.name == f"{names[at]}_low")
    assert column.ucd == "stat.probability;src.morph;stat.min"
    assert "40 volunteers" in column.description
    assert not any(name.endswith("_low") for name in galaxynet.load(voted).predict(cutouts).names)
    with (tmp_path / "c.csv").open() as stream:
        assert next(csv.reader(stream)) == list(names)


def test_the_own_test_set_repeats_the_record(voted: Run) -> None:
    """Every recorded figure is the same to the digit, and the tables have its error and the mean row."""
    evaluation = galaxynet.evaluate(voted, data_dir=voted.path.parents[1] / "data")
    assert evaluation.repeats
    assert evaluation.metrics == {n: v for n, v in voted.record.metrics.items() if n.startswith("test/")}
    votes = evaluation.votes
    assert votes is not None
    assert voted.record.baseline is not None
    assert votes.mean_row == voted.record.baseline.accuracy
    assert len(voted.record.baseline.row) == 37
    assert votes.rmse == pytest.approx(voted.record.metrics["test/rmse"], abs=1e-6)
    assert votes.intervals is not None
    assert votes.intervals.coverage == pytest.approx(voted.record.metrics["test/coverage"])


def test_an_export_measures_the_test_again(voted: Run, tmp_path: Path) -> None:
    """The record of 16-bit weights has every test metric of the run, the coverage of intervals among them."""
    data = voted.path.parent.parent / "data"
    exported = galaxynet.export_weights(voted, tmp_path / "weights", data_dir=data).record.exported
    assert exported is not None
    tested = {name: value for name, value in voted.record.metrics.items() if name.startswith("test/")}
    assert exported.metrics.keys() == tested.keys()
    assert exported.metrics["test/rmse"] == pytest.approx(tested["test/rmse"], abs=1e-3)
    assert exported.metrics["test/coverage"] == pytest.approx(tested["test/coverage"], abs=0.05)
    assert exported.set_coverage == {}


def test_other_images_with_votes(voted: Run, cutouts: Path, tmp_path: Path) -> None:
    """Errors are those of the catalogue's fractions; blank cells and columns that lack are counted."""
    kept = tuple(column for column in COLUMNS if not column.startswith("Class8."))
    rows: dict[str, dict[str, float | str]] = {f"G{s}": dict(votes_of(s)) for s in range(3000, 3010)}
    rows["G3000"] |= {"Class6.1": "", "Class6.2": ""}
    rows["G9999"] = dict(votes_of(1))
    table = write_table(tmp_path / "votes.csv", rows, kept)
    (cutouts / "G3001.jpg").write_bytes(b"nothing")
    done = run_here("evaluate", str(voted.path), "--images", str(cutouts), "--votes", str(table))
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert "1 ids with votes have no image: G9999" in shown
    assert "2 images have no votes" in shown
    assert "1 images cannot be used" in shown
    assert "has no columns Class8.1" in shown
    assert f"{9 * 7 + 2:,} of {9 * 37:,} vote fractions are unknown" in shown
    assert "always the mean row of the training" in shown
    evaluation = galaxynet.evaluate(voted, images=cutouts, votes=table)
    assert evaluation.samples == 9
    assert evaluation.votes is not None
    catalogue = galaxynet.load(voted).predict(cutouts)
    guesses = {name: row for row, name in enumerate(catalogue["id"].tolist())}
    test = evaluation.votes.test
    expected = np.stack([catalogue[c][[guesses[i] for i in test.ids]] for c in COLUMNS], axis=1)
    assert np.allclose(test.predicted, expected, atol=1e-5)
    assert evaluation.metrics["test/rmse"] == evaluation.votes.rmse == rmse(test.observed, test.predicted)
    assert voted.record.baseline is not None
    mean = np.broadcast_to(np.array(voted.record.baseline.row), test.observed.shape)
    assert evaluation.votes.mean_row == pytest.approx(rmse(test.observed, mean))
    questions = {question.name: question for question in evaluation.votes.questions}
    assert (questions["odd"].samples, questions["odd_feature"].samples) == (8, 0)
    assert questions["odd_feature"].rmse is None
    assert all(table.width() <= 80 for table in evaluation_tables(evaluation, 80))


def test_formats_figures_and_predictions(voted: Run, tmp_path: Path) -> None:
    """JSON, CSV, Markdown and a page have the same figures; the files of single votes are those of a run."""
    words = ("evaluate", str(voted.path), "--data-dir", str(voted.path.parents[1] / "data"))
    shown = json.loads(run_here(*words, "--format", "json").stdout)
    rows = list(csv.DictReader(run_here(*words, "--format", "csv").stdout.splitlines()))
    assert "test" not in shown["votes"]
    (error,) = [row for row in rows if (row["figure"], row["of"]) == ("rmse", "odd")]
    (odd,) = [q for q in shown["votes"]["questions"] if q["name"] == "odd"]
    assert float(error["value"]) == odd["rmse"]
    page, single = tmp_path / "page.html", tmp_path / "votes.csv"
    out = run_here(
        *words, "--format", "html", "-o", str(page), "--predictions", str(single), "--figures",
        str(tmp_path / "drawn"),
    )  # fmt: skip
    assert out.returncode == 0, out.stderr
    assert {path.name for path in (tmp_path / "drawn").glob("*.png")} == {
        "votes.png",
        "vote-tree.png",
        "vote-agreement.png",
    }
    assert page.read_text().count("<svg") == 3
    assert Votes.read(single) == Votes.read(voted.path / VOTES)
    markdown = run_here(*words, "--format", "markdown").stdout
    assert f"{odd['rmse']:.4f}" in markdown
    assert "| rounded" in markdown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Class1.1": 0.1}, "the answers of smooth_or_features add up to"),
        ({"Class1.1": 1.7}, "Class1.1 is 1.7, not a fraction from 0 to 1"),
        ({"Class1.1": "many"}, "Class1.1 has 'many', which is not a number"),
    ],
)
def test_votes_that_cannot_be(
    voted: Run, cutouts: Path, tmp_path: Path, change: dict[str, float | str], message: str
) -> None:
    """Votes that do not fit the questions are refused, with the galaxy and the column."""
    table = write_table(
        tmp_path / "votes.csv", {"G3000": dict(votes_of(3000)), "G3001": votes_of(3001) | change}
    )
    with pytest.raises(DataError, match=message):
        galaxynet.evaluate(voted, images=cutouts, votes=table)


def test_tables_that_are_of_something_else(voted: Run, trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """Percentages, an id twice, no columns, another kind of network: each message says what to do."""
    percent = {name: 100 * value for name, value in votes_of(3000).items()}
    table = write_table(tmp_path / "votes.csv", {"G3000": dict(percent)})
    with pytest.raises(DataError, match="divide them by 100"):
        galaxynet.evaluate(voted, images=cutouts, votes=table)
    table = write_table(
        tmp_path / "twice.csv", {"G3000": dict(votes_of(0)), "new/G3000.jpg": dict(votes_of(0))}
    )
    with pytest.raises(DataError, match=r"two rows of votes for .*G3000\.jpg"):
        galaxynet.evaluate(voted, images=cutouts, votes=table)
    table.write_text("name,label\nG3000,odd\n")
    with pytest.raises(DataError, match=r"none of the columns of votes, Class1\.1"):
        galaxynet.evaluate(voted, images=cutouts, votes=table)
    with pytest.raises(UsageError, match="so its images need votes"):
        galaxynet.evaluate(voted, images=cutouts)
    with pytest.raises(UsageError, match="has no use for labels"):
        galaxynet.evaluate(voted, images=cutouts, labels=table)
    with pytest.raises(UsageError, match="has no use for votes"):
        galaxynet.evaluate(trained, images=cutouts, votes=table)
    with pytest.raises(UsageError, match="not of a network for vote fractions"):
        galaxynet.load(trained).predict(cutouts, intervals=True)


def test_figures_of_the_run(voted: Run) -> None:
    """The tree has a box for each question, and the agreement a curve for each with enough votes."""
    from galaxynet.report.figures import draw, names

    assert {"votes", "vote-tree", "vote-agreement"} <= set(names(voted))
    texts = [text.get_text() for text in draw(voted, "vote-tree").axes[0].texts]
    assert {question.name.replace("_", " ") for question in TREE.questions} <= set(texts)
    votes = Votes.read(voted.path / VOTES)
    mean = 100 * np.array(votes.observed)[:, COLUMN_INDEX["Class1.1"]].mean()
    assert f"{mean:.1f}" in texts
    left, right = draw(voted, "vote-agreement").axes
    curves = {line.get_label().split(" (")[0] for line in left.lines}  # type: ignore[attr-defined, union-attr]
    assert {"smooth or features", "odd"} <= curves
    assert "bar" not in curves
    assert len(right.patches) == len(voted.record.agreement["margin"])  # type: ignore[arg-type]
