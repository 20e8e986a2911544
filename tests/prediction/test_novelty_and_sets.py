"""The columns `novelty` and `set` of a catalogue."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from made_galaxies import galaxy

import galaxynet
from galaxynet.catalogue.reading import read_table
from galaxynet.cli.main import main
from galaxynet.errors import RunError, UsageError
from galaxynet.evaluation.conformal import CONFORMAL, ConformalSets
from galaxynet.evaluation.novelty import NOVELTY
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.runs import Run


@pytest.fixture
def copied(trained: Run, tmp_path: Path) -> Run:
    """The run again, in a folder to change."""
    shutil.copytree(trained.path, tmp_path / "copied")
    return Run.open(tmp_path / "copied")


def test_noise_is_newer_than_galaxies(trained: Run) -> None:
    """Images like those of the training are mostly below 1 and noise is above; pixels alone decide."""
    chance = np.random.default_rng(0)
    noise = [chance.integers(0, 256, (424, 424, 3), dtype=np.uint8) for _ in range(5)]
    table = galaxynet.load(trained.path).predict([*(galaxy(500 + seed) for seed in range(20)), *noise])
    novelty = table["novelty"]
    assert novelty.dtype == np.float32
    assert np.median(novelty[:20]) < 1
    assert (novelty[20:] > 2 * novelty[:20].max()).all()
    (column,) = [column for column in table.columns if column.name == "novelty"]
    assert column.ucd == "stat.rank"


def test_sets_are_those_of_the_probabilities(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """`--sets 0.8` joins the classes whose probability reaches the threshold, and states what it promises."""
    output = tmp_path / "c.csv"
    with pytest.raises(SystemExit) as end:
        main(["predict", str(trained.path), str(cutouts), "-o", str(output), "--sets", "0.8", "-q"])
    assert not end.value.code
    table = read_table(output)
    (column,) = [column for column in table.columns if column.name == "set"]
    assert "80 %" in column.description
    least = ConformalSets.read(trained.path / CONFORMAL).threshold(0.8)
    for row in range(len(table)):
        shares = {name: table[f"p_{name}"][row] for name in ("flat", "round")}
        expected = [name for name, share in shares.items() if share >= least or share == max(shares.values())]
        assert table["set"][row] == "|".join(expected)
    python = galaxynet.load(trained.path).predict(str(cutouts), sets=0.8)
    assert list(python["set"]) == list(table["set"])


def test_sets_that_cannot_be_made_are_refused(trained: Run, copied: Run) -> None:
    """A coverage out of range or beyond the samples, and a run without scores, end with a way out."""
    for coverage in (0.0, 1.0, -3.0, float("nan")):
        with pytest.raises(UsageError, match="between 0 and 1"):
            applied_network(trained, sets=coverage)
    with pytest.raises(UsageError, match="too few"):
        applied_network(trained, sets=0.999)
    (copied.path / CONFORMAL).unlink()
    with pytest.raises(UsageError, match=r"no conformal\.npz"):
        applied_network(copied, sets=0.9)


def test_a_run_of_an_older_version_predicts_as_before(
    trained: Run, copied: Run, cutouts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the files there is no column `novelty` and a note; everything else is as with them."""
    for name in (NOVELTY, CONFORMAL):
        (copied.path / name).unlink()
    output = tmp_path / "old.csv"
    with pytest.raises(SystemExit) as end:
        main(["predict", str(copied.path), str(cutouts), "-o", str(output)])
    assert not end.value.code
    assert "no column novelty" in capsys.readouterr().err
    old, new = read_table(output), galaxynet.load(trained.path).predict(str(cutouts))
    assert [*old.names] == [name for name in new.names if name != "novelty"]
    np.testing.assert_allclose(old["p_flat"], new["p_flat"], atol=1e-6)


def test_a_reference_of_another_network_is_refused(copied: Run, trained: Run) -> None:
    """Features of another width are not compared, and damaged bytes are named."""
    np.savez(copied.path / NOVELTY, references=np.ones((3, 7), np.float32), unit=np.float64(1))
    with pytest.raises(RunError, match="of another network"):
        galaxynet.load(copied.path).predict([galaxy(1)])
    (copied.path / NOVELTY).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(RunError, match=r"novelty\.npz is damaged"):
        galaxynet.load(copied.path).predict([galaxy(1)])
