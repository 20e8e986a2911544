"""Tables of classes that are learnt beside the votes: `--also NAME=CSV`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import run_here
from zoo_files import DISK, SMOOTH, make_zoo, write_csv, write_votes

import galaxynet
from galaxynet.errors import GalaxynetError, OptionError
from galaxynet.runs import Run
from galaxynet.runs.votes import VOTES, Votes
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData
from galaxynet_galaxy_zoo.labels import Labels
from galaxynet_galaxy_zoo.options import GalaxyZooOptions
from galaxynet_galaxy_zoo.selection import select_votes
from galaxynet_galaxy_zoo.tables import Votes as Solutions
from galaxynet_galaxy_zoo.votes import COLUMNS

pytestmark = pytest.mark.xdist_group("also_tables")  # one run for all of them

GALAXIES = range(100, 148)
VOTED = range(100, 124)
ROUND = {"Class1.1": 0.9, "Class1.2": 0.1, "Class2.2": 0.1, "Class3.2": 0.1, "Class4.2": 0.1, "Class5.1": 0.1}
ROUND |= {"Class6.2": 0.8, "Class6.1": 0.2, "Class7.1": 0.9, "Class8.1": 0.2}
SPIRAL = {
    "Class1.2": 1.0,
    "Class2.2": 1.0,
    "Class3.2": 1.0,
    "Class4.1": 1.0,
    "Class5.1": 1.0,
    "Class6.2": 1.0,
}
SPIRAL |= {"Class10.1": 1.0, "Class11.2": 1.0}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 images, votes for the first 24, plurality labels for the last 36, five classes for every third."""
    folder = tmp_path_factory.mktemp("zoo")
    data = folder / "data" / "galaxy-zoo"
    make_zoo(data, GALAXIES, width=32)
    (data / "training_solutions_rev1.zip").unlink()
    write_votes(data / "training_solutions_rev1.zip", {g: (ROUND, SPIRAL)[g % 2] for g in VOTED})
    header = "GalaxyID,label"
    write_csv(
        folder / "plurality.csv", header, [f"{g},{('Class1.1', 'Class1.2')[g % 2]}" for g in range(112, 160)]
    )
    write_csv(
        folder / "five.csv",
        header,
        [f"{g},{('completely_round_smooth', 'spiral')[g % 2]}" for g in GALAXIES if g % 3 == 0],
    )
    write_csv(folder / "ids.csv", "GalaxyID", [str(g) for g in range(104, 148, 5)])
    write_csv(folder / "one.csv", header, ["100,a", "101,a"])
    write_csv(folder / "elsewhere.csv", header, ["5,a", "6,b"])
    return folder


@pytest.fixture(scope="module")
def trained(zoo: Path) -> Run:
    """A small galaxy_votes that learns two tables besides."""
    return galaxynet.train(
        "galaxy_votes",
        also=[f"plurality={zoo / 'plurality.csv'}", f"five={zoo / 'five.csv'}"],
        test_ids=zoo / "ids.csv",
        validation=0.3,
        width=8,
        size=32,
        crop=32,
        epochs=1,
        batch_size=8,
        threads=1,
        precision="float32",
        name="also",
        runs_dir=zoo / "runs",
        data_dir=zoo / "data",
    )


def opened(zoo: Path, **options: Any) -> GalaxyZooData:
    values = {"size": 16, "labels": "votes", **options}
    module = GalaxyZooData(GalaxyZooOptions(**values), data_dir=zoo / "data", validation=0.2)
    module.prepare_data()
    return module


def test_a_galaxy_takes_part_by_votes_or_by_a_label(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Targets are the votes, then an index for each table by name; what is lacking is NaN, and counted."""
    module = opened(zoo, also=[f"plurality={zoo / 'plurality.csv'}", f"five={zoo / 'five.csv'}"])
    assert module.info.also == {
        "plurality": ("Class1.1", "Class1.2"),
        "five": ("completely_round_smooth", "spiral"),
    }
    assert module.info.vote_logits == 37 + 4
    assert module.data.targets.dtype == np.float32
    assert module.data.targets.shape == (48, 39)
    assert sum(module.sizes.values()) == 48
    for row, id_ in enumerate(map(int, module.ids)):
        votes, five, plurality = np.split(module.data.targets[row], [37, 38])
        expected = [
            (ROUND, SPIRAL)[id_ % 2].get(column, 0.0) if id_ in VOTED else np.nan for column in COLUMNS
        ]
        np.testing.assert_allclose(votes, expected)
        np.testing.assert_array_equal(plurality, [id_ % 2 if id_ >= 112 else np.nan])
        np.testing.assert_array_equal(five, [id_ % 2 if id_ % 3 == 0 else np.nan])
    assert module.summary["also_plurality"] == {"Class1.1": 18, "Class1.2": 18}
    shown = " ".join(capsys.readouterr().err.split())
    assert "36 galaxies have image and plurality label, 24 of them no votes" in shown
    assert opened(zoo).info.also == {}
    assert sum(opened(zoo).sizes.values()) == 24


def test_the_baselines_are_those_of_votes_and_of_each_table(zoo: Path) -> None:
    """The mean row is of the 37 columns alone; a table has the most frequent class of its training labels."""
    also = [f"plurality={zoo / 'plurality.csv'}", f"five={zoo / 'five.csv'}"]
    module = opened(zoo, also=also, test_ids=zoo / "ids.csv")
    targets, split = module.data.targets, module.data.split
    mean = np.nanmean(targets[split.train][:, :37], axis=0)
    errors = (targets[split.test][:, :37] - mean)[~np.isnan(targets[split.test][:, 0])]
    assert module.baseline is not None
    assert module.baseline.accuracy == pytest.approx(float(np.sqrt(np.mean(errors**2))), rel=1e-5)
    assert module.baseline.samples == 4
    labels = targets[split.train, 38]
    most = int(np.bincount(labels[~np.isnan(labels)].astype(int)).argmax())
    tested = targets[split.test, 38]
    baseline = module.label_baselines["plurality"]
    assert baseline.label == ("Class1.1", "Class1.2")[most]
    assert baseline.samples == np.sum(~np.isnan(tested)) == 7
    assert baseline.accuracy == pytest.approx(np.nanmean(tested[~np.isnan(tested)] == most))


@settings(max_examples=30, deadline=None)
@given(
    voted=st.sets(st.integers(0, 59), min_size=20),
    first=st.sets(st.integers(0, 59), min_size=5),
    second=st.sets(st.integers(0, 70), min_size=15),
    seed=st.integers(0, 100),
)
def test_parts_are_disjoint_and_complete(
    voted: set[int], first: set[int], second: set[int], seed: int
) -> None:
    """Every galaxy with an image and votes or a label is in exactly one part, and no other is in any."""
    fractions = np.array([[(SMOOTH, DISK)[g % 2].get(c, 0.0) for c in COLUMNS] for g in sorted(voted)])
    fractions[:, 9:] = np.nan
    fractions[:, 3:] = np.nan
    tables = {
        name: Labels(("a", "b"), {g: g % 2 for g in ids}, name, fixed=False)
        for name, ids in (("first", first), ("second", second))
    }
    division = select_votes(
        range(60), Solutions(sorted(voted), fractions), "x", test=0.3, validation=0.2, seed=seed, also=tables
    )
    assert sorted(np.concatenate(division.parts).tolist()) == sorted(
        (voted | first | second) & set(range(60))
    )


@pytest.mark.parametrize(
    ("also", "words"),
    [
        (["plurality.csv"], "--also plurality.csv: expected a name and a table. Write for example --also"),
        (["plurality="], "expected a name and a table"),
        (["a=plurality.csv", "a=five.csv"], "two tables of the name a"),
        (["Five=five.csv"], "cannot be named 'Five'"),
        (["my five=five.csv"], "cannot be named 'my five'"),
        (["complete=five.csv"], "cannot be named 'complete'"),
        (["a=missing.csv"], "missing.csv"),
        (["a=one.csv"], "one.csv has one class only, a: there is nothing to learn"),
        (["a=elsewhere.csv"], "None of the 2 galaxies of .*elsewhere.csv has an image"),
    ],
)
def test_a_broken_table_is_one_sentence(
    zoo: Path, monkeypatch: pytest.MonkeyPatch, also: list[str], words: str
) -> None:
    """What is wrong with the flag, the name or the file is said before any training."""
    monkeypatch.chdir(zoo)
    with pytest.raises(GalaxynetError, match=words) as caught:
        opened(zoo, also=also)
    assert "\n" not in str(caught.value)


def test_tables_need_votes(zoo: Path) -> None:
    """A network that learns one table takes it by `--labels`."""
    with pytest.raises(OptionError, match="--also names classes to learn beside votes"):
        GalaxyZooOptions(labels="plurality", also=["a=b.csv"])


def test_a_path_means_the_same_everywhere(zoo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record has absolute paths."""
    monkeypatch.chdir(zoo)
    assert GalaxyZooOptions(labels="votes", also=["a=five.csv"]).also == (f"a={zoo / 'five.csv'}",)


def test_a_part_without_votes_is_refused(zoo: Path, tmp_path: Path) -> None:
    """A test on galaxies that only have labels has no error to compare runs by."""
    ids = write_csv(tmp_path / "ids.csv", "GalaxyID", ["130", "131"])
    with pytest.raises(GalaxynetError, match="None of the 2 galaxies of the test part has votes"):
        opened(zoo, also=[f"a={zoo / 'plurality.csv'}"], test_ids=ids)


def test_a_run_records_each_accuracy(trained: Run) -> None:
    """Of a table's own logits and of the fractions, with interval, samples and majority class."""
    metrics = {name: value for name, value in trained.record.metrics.items() if value is not None}
    assert trained.record.splits["test"] == 9
    assert metrics["test/rmse_samples"] == 4
    assert metrics["test/rmse_low"] <= metrics["test/rmse"] <= metrics["test/rmse_high"]
    for name, samples in (("plurality", 7), ("five", 3)):
        assert 0 <= metrics[f"val/{name}_accuracy"] <= 1
        assert metrics[f"test/{name}/samples"] == trained.record.also[name].samples == samples
        for metric in (f"test/{name}_accuracy", f"test/{name}/accuracy"):
            assert metrics[f"{metric}_low"] <= metrics[metric] <= metrics[f"{metric}_high"]
    votes = Votes.read(trained.path / VOTES)
    pairs = zip(votes.ids, np.array(votes.predicted), strict=True)
    right = [(row[0] < row[1]) == int(id_) % 2 for id_, row in pairs if int(id_) >= 112]
    assert len(right) == 7
    assert metrics["test/plurality/accuracy"] == pytest.approx(np.mean(right))


def test_a_reader_sees_them(trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """`runs show` has them beside the error; `compare` takes them as columns, in per cent."""
    folder = ["--runs-dir", str(trained.path.parent)]
    shown = run_here("runs", "show", "also", *folder).stdout
    assert "plurality, own logits" in shown
    assert "five, from votes" in shown
    table = run_here("compare", "--columns", "run,test/five_accuracy,test/five/accuracy", *folder).stdout
    assert table.count("%") >= 2
    assert "test rmse on 4 samples" in table


def test_a_catalogue_has_no_more_columns(trained: Run, zoo: Path) -> None:
    """What is learnt besides the votes makes them better; the catalogue stays the same."""
    table = galaxynet.load(trained).predict(zoo / "data" / "galaxy-zoo" / "images_training_rev1.zip")
    assert not [name for name in table.values if "plurality" in name or "five" in name]
    assert len([name for name in table.values if name.startswith("Class")]) == 37
