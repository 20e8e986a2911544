"""The genuine archives of the challenge: votes, rules, the published test set."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from galaxynet.images.votes import check_votes
from galaxynet_galaxy_zoo.check import check
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData
from galaxynet_galaxy_zoo.labels import morphology5, plurality, read_labels
from galaxynet_galaxy_zoo.options import GalaxyZooOptions
from galaxynet_galaxy_zoo.tables import read_votes
from galaxynet_galaxy_zoo.tree import TREE
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX


@pytest.fixture(scope="module")
def prepared(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the real archives."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "galaxy-zoo").mkdir()
    for archive in (real_data / "galaxy-zoo").glob("*_rev1.zip"):
        (folder / "galaxy-zoo" / archive.name).symlink_to(archive.resolve())
    return folder


@pytest.mark.real
def test_the_golden_row(real_data: Path) -> None:
    """The votes of galaxy 100008 are the published ones."""
    votes = read_votes(real_data / "galaxy-zoo" / "training_solutions_rev1.zip")
    row = votes.fractions[votes.ids.index(100008)]
    golden = {
        "Class1.1": 0.383147,
        "Class1.2": 0.616853,
        "Class1.3": 0,
        "Class2.2": 0.616853,
        "Class4.1": 0.418397819,
        "Class6.1": 0.054453,
        "Class6.2": 0.945547,
    }
    assert {name: row[COLUMN_INDEX[name]] for name in golden} == pytest.approx(golden, abs=1e-9)
    check_votes(TREE, votes.fractions)
    assert not np.isnan(votes.fractions).any()


@pytest.mark.real
def test_the_rules_give_the_published_labels(real_data: Path) -> None:
    """On the genuine votes both rules agree with the label tables: 1,100 of 1,100 and 516 of 516."""
    folder = real_data / "galaxy-zoo"
    votes = read_votes(folder / "training_solutions_rev1.zip")
    for rule, table, count in ((plurality, "plurality", 1100), (morphology5, "morphology5", 516)):
        mine, theirs = rule(votes), read_labels(folder / f"labels_{table}.csv")
        agree = [
            mine.of.get(id_) is not None and mine.classes[mine.of[id_]] == theirs.classes[theirs.of[id_]]
            for id_ in votes.ids
            if id_ in theirs.of
        ]
        assert (len(agree), sum(agree)) == (count, count)


@pytest.mark.real
@pytest.mark.slow
def test_the_published_test_set_is_exactly_one_thousand(real_data: Path, prepared: Path) -> None:
    """With the fair test ids the test part is these 1,000 galaxies, the one star among them included."""
    folder = real_data / "galaxy-zoo"
    options = GalaxyZooOptions(
        size=16, labels=str(folder / "labels_plurality.csv"), test_ids=folder / "fair_test_ids.csv"
    )
    module = GalaxyZooData(options, data_dir=prepared)
    module.prepare_data()
    module.setup("fit")
    with (folder / "fair_test_ids.csv").open() as stream:
        assert set(module.test_ids) == {int(row["GalaxyID"]) for row in csv.DictReader(stream)}
    assert sum(module.sizes.values()) == 6237
    assert module.sizes["test"] == 1000
    assert module.summary["test_ids_missing"] == module.summary["images_left_out"] == 0
    assert module.info.classes == ("Class1.1", "Class1.2", "Class1.3", "Class6.1", "Class6.2")
    assert module.baseline is not None
    assert (module.baseline.label, module.baseline.accuracy) == ("Class6.2", 0.57)


@pytest.mark.real
def test_the_check_of_the_real_archives(prepared: Path) -> None:
    """The real archives are described as they are."""
    lines = check(prepared / "galaxy-zoo")
    assert "6,237 images, 1,100 rows of votes: 802 galaxies have both" in lines[0]
    assert "add up as the questions demand, in every row" in lines[1]
    assert "1,197 images" in lines[-1]
