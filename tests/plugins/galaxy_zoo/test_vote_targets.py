"""Vote fractions as what is learnt of galaxies: whole and partial tables, parts, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from zoo_files import make_zoo, write_csv, write_votes

from galaxynet.errors import DataError, OptionError
from galaxynet.images.votes import check_votes
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData
from galaxynet_galaxy_zoo.options import GalaxyZooOptions
from galaxynet_galaxy_zoo.tables import read_votes
from galaxynet_galaxy_zoo.tree import TREE
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX, COLUMNS, QUESTIONS

SPIRAL = {
    **{"Class1.1": 0.2, "Class1.2": 0.8, "Class2.1": 0.1, "Class2.2": 0.7, "Class3.1": 0.3, "Class3.2": 0.4},
    **{"Class4.1": 0.6, "Class4.2": 0.1, "Class5.2": 0.7, "Class6.1": 0.1, "Class6.2": 0.9, "Class7.1": 0.2},
    **{"Class8.1": 0.1, "Class9.1": 0.1, "Class10.1": 0.6, "Class11.2": 0.6},
}
SMOOTH = {"Class1.1": 1.0, "Class6.1": 0.4, "Class6.2": 0.6, "Class7.2": 1.0, "Class8.6": 0.4}
GALAXIES = range(100, 130)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty galaxies by turns of both kinds, with votes that add up."""
    folder = tmp_path_factory.mktemp("data")
    make_zoo(folder / "galaxy-zoo", GALAXIES, width=32)
    (folder / "galaxy-zoo" / "training_solutions_rev1.zip").unlink()
    write_votes(
        folder / "galaxy-zoo" / "training_solutions_rev1.zip",
        {galaxy: (SPIRAL, SMOOTH)[galaxy % 2] for galaxy in GALAXIES},
    )
    return folder


def opened(data_dir: Path, **options: Any) -> GalaxyZooData:
    values = {"size": 16, "labels": "votes", **options}
    module = GalaxyZooData(
        GalaxyZooOptions(**values), data_dir=data_dir, batch_size=8, validation=0.2, seed=1
    )
    module.prepare_data()
    module.setup("fit")
    return module


def table(path: Path, rows: Sequence[tuple[int, dict[str, float]]], columns: Sequence[str] = COLUMNS) -> Path:
    """A table with blank cells where a row has no entry."""
    lines = [",".join([str(id_), *(str(row.get(c, "")) for c in columns)]) for id_, row in rows]
    return write_csv(path, ",".join(["GalaxyID", *columns]), lines)


def full(row: dict[str, float]) -> dict[str, float]:
    return {column: row.get(column, 0.0) for column in COLUMNS}


def test_votes_become_targets(data_dir: Path) -> None:
    """A batch has the 37 fractions of its galaxies, and the network is given the questions."""
    module = opened(data_dir)
    batch = next(iter(module.test_dataloader()))
    assert batch.targets.dtype == torch.float32
    for row, target in zip(batch.indices.tolist(), batch.targets, strict=True):
        expected = full((SPIRAL, SMOOTH)[int(module.ids[row]) % 2])
        assert dict(zip(COLUMNS, target.tolist(), strict=True)) == pytest.approx(expected)
    assert module.info.vote_tree == TREE
    assert module.info.classes == ()


def test_the_tree_is_that_of_the_columns() -> None:
    """The questions that networks are given lead where the published columns say."""
    assert TREE.columns == COLUMNS
    assert [q.asked_of for q in TREE.questions] == [q.asked_of for q in QUESTIONS]
    assert [COLUMNS[index] for index in TREE.plurality_columns] == [
        *("Class1.1", "Class1.2", "Class1.3", "Class6.1", "Class6.2")
    ]


def test_votes_and_plurality_classes_have_the_same_parts(data_dir: Path) -> None:
    """A network for votes and one for classes are trained and tested on the same galaxies."""
    votes, classes = opened(data_dir), opened(data_dir, labels="plurality")
    for rows, other in zip(votes.data.split, classes.data.split, strict=True):
        assert rows.tolist() == other.tolist()


def test_runs_with_other_votes_are_not_compared(data_dir: Path, tmp_path: Path) -> None:
    """The same galaxies with other votes are another test set."""
    rows = [(g, full((SPIRAL, SMOOTH)[g % 2])) for g in GALAXIES]
    same = opened(data_dir, votes=table(tmp_path / "same.csv", rows))
    other = opened(data_dir, votes=table(tmp_path / "other.csv", [(g, full(SPIRAL)) for g in GALAXIES]))
    assert list(same.test_labels) == list(opened(data_dir).test_labels)
    assert set(same.test_labels).isdisjoint(set(other.test_labels) - set(same.test_labels))
    assert list(same.test_labels) != list(other.test_labels)


def test_the_mean_row_stands_beside_a_network(data_dir: Path) -> None:
    """The baseline is the error of the training part's mean fractions on the test part."""
    module = opened(data_dir)
    targets, split = module.data.targets, module.data.split
    error = targets[split.test] - targets[split.train].mean(axis=0)
    assert module.baseline is not None
    assert (module.baseline.label, module.baseline.metric) == ("the mean row", "rmse")
    assert module.baseline.accuracy == pytest.approx(float(np.sqrt(np.mean(error**2))), rel=1e-5)


def test_blank_cells_and_missing_columns_are_unknown(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are counted, said and NaN; a row without any vote is no row."""
    columns = [column for column in COLUMNS if not column.startswith("Class3.")]
    rows = [(g, full(SMOOTH)) for g in range(100, 118)]
    rows += [(g, {c: v for c, v in full(SPIRAL).items() if not c.startswith("Class9.")}) for g in (118, 119)]
    rows += [(120, {})]
    module = opened(data_dir, votes=table(tmp_path / "votes.csv", rows, columns))
    targets = module.data.targets
    by_id = {id_: targets[row] for row, id_ in enumerate(module.ids)}
    unknown = [COLUMN_INDEX[c] for c in ("Class3.1", "Class3.2")]
    assert np.flatnonzero(np.isnan(by_id[100])).tolist() == unknown
    assert np.isnan(by_id[118]).sum() == 5
    assert (module.sizes["train"], sum(module.sizes.values())) == (module.sizes["train"], 20)
    assert module.summary["unknown_fractions"] == 20 * 2 + 2 * 3
    shown = " ".join(capsys.readouterr().err.split())
    assert "20 of them lack answers: 46 of 740 vote fractions are unknown" in shown


def test_labels_can_be_made_of_a_partial_table(data_dir: Path, tmp_path: Path) -> None:
    """Classes come from a table of votes, too; a galaxy whose class its blank cells leave open has none."""
    rows = [(g, full((SPIRAL, SMOOTH)[g % 2])) for g in range(100, 120)]
    rows += [(120, {"Class1.1": 0.9}), (121, {"Class1.1": 0.9})]
    votes = table(tmp_path / "votes.csv", rows)
    assert sum(opened(data_dir, labels="plurality", votes=votes).sizes.values()) == 20


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(100, full({**SMOOTH, "Class7.2": 0.4}))], "Galaxy 100: the answers of rounded add up to 0.4"),
        ([(100, {})], "no votes in any of its 1 rows"),
        ([(100, {**full(SMOOTH), "Class1.1": 107.0})], r"not a fraction from 0 to 1\.$"),
        ([(100, {name: 100 * v for name, v in full(SMOOTH).items()})], "1. They look like percentages"),
        ([(5, full(SMOOTH))], "None of the 1 galaxies of .* has an image"),
    ],
)
def test_votes_that_cannot_be_are_refused(
    data_dir: Path, tmp_path: Path, rows: list[tuple[int, dict[str, float]]], words: str
) -> None:
    """One sentence with the galaxy: sums that do not hold, no votes, no fraction, no image."""
    with pytest.raises(DataError, match=words):
        opened(data_dir, votes=table(tmp_path / "votes.csv", rows))


def test_a_table_of_votes_and_one_of_labels_exclude_each_other(tmp_path: Path) -> None:
    """It would be unclear what is learnt."""
    with pytest.raises(OptionError, match="--votes is of no use"):
        GalaxyZooOptions(labels="mine.csv", votes=tmp_path / "votes.csv")


@pytest.mark.real
def test_the_real_partial_table_adds_up(real_data: Path) -> None:
    """4,097 rows, of which 3,074 lack 20 cells; all known sums hold."""
    votes = read_votes(real_data / "galaxy-zoo" / "votes_partial.csv", partial=True)
    unknown = np.isnan(votes.fractions).sum(axis=1)
    assert np.bincount(unknown)[[0, 20]].tolist() == [1023, 3074]
    check_votes(TREE, votes.fractions)
