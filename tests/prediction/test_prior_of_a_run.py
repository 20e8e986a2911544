"""`--prior` of predict and evaluate: the probabilities of a run for other shares of its classes."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from in_process import run_here

import galaxynet
from galaxynet.catalogue.reading import read_table
from galaxynet.errors import UsageError
from galaxynet.evaluation.classification import Classification
from galaxynet.evaluation.result import Evaluation
from galaxynet.prediction import job
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.runs import Run

SHARES = {"flat": 0.9, "round": 0.1}


@pytest.fixture
def shares(tmp_path: Path) -> Path:
    """A table of shares."""
    table = tmp_path / "shares.csv"
    table.write_text("class,share\n" + "".join(f"{name},{share}\n" for name, share in SHARES.items()))
    return table


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def data_of(run: Run) -> Path:
    return run.path.parents[1] / "data"


def trained_shares(run: Run) -> dict[str, float]:
    counts = run.record.class_counts
    return {name: count / sum(counts) for name, count in zip(run.record.classes, counts, strict=True)}


def classification_of(evaluation: Evaluation) -> Classification:
    assert evaluation.classification is not None
    return evaluation.classification


def test_a_run_keeps_the_class_counts_of_its_training_part(trained: Run) -> None:
    """Without validation and test part, so that they add up to the samples that were trained on."""
    labels = (trained.path.parents[1] / "labels.csv").read_text()
    assert sum(trained.record.class_counts) == trained.record.splits["train"] < labels.count("\n") - 1
    predictions = trained.predictions()
    for name, count in zip(trained.record.classes, trained.record.class_counts, strict=True):
        assert count <= labels.count(name) - predictions.labels.count(name)


def test_a_catalogue_for_a_prior(trained: Run, cutouts: Path, shares: Path, tmp_path: Path) -> None:
    """Probabilities are multiplied by new over old share; label and entropy follow, and the file says so."""
    output = tmp_path / "c.ecsv"
    done = run_here("predict", str(trained.path), str(cutouts), "-o", str(output), "--prior", str(shares))
    assert done.returncode == 0, done.stderr
    assert "the shares of shares.csv" in " ".join(done.stderr.split())
    before, after = galaxynet.load(trained.path).predict(str(cutouts)), read_table(output)
    old = trained_shares(trained)
    products = {name: before[f"p_{name}"] * SHARES[name] / old[name] for name in SHARES}
    total = products["flat"] + products["round"]
    for name in SHARES:
        np.testing.assert_allclose(after[f"p_{name}"], products[name] / total, rtol=1e-4)
    assert list(after["label"]) == [
        "flat" if flat > other else "round"
        for flat, other in zip(products["flat"], products["round"], strict=True)
    ]
    assert list(after["label"]) != list(before["label"])
    facts = after.parameters
    assert json.loads(str(facts["prior"])) == pytest.approx(SHARES)
    assert json.loads(str(facts["training_prior"])) == pytest.approx(old)
    assert "prior" not in before.parameters
    python = galaxynet.load(trained.path).predict(str(cutouts), prior=SHARES)
    np.testing.assert_allclose(python["p_flat"], after["p_flat"], rtol=1e-5)


def test_parts_of_another_prior_are_not_continued(
    trained: Run, cutouts: Path, shares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unfinished catalogue, and a shard, for another prior are refused by name."""
    words = ("predict", str(trained.path), str(cutouts), "-q")
    parts = []
    for number, prior in (("1/2", "uniform"), ("2/2", str(shares))):
        parts.append(tmp_path / f"part-{number[0]}.csv")
        done = run_here(*words, "-o", str(parts[-1]), "--shard", number, "--prior", prior)
        assert done.returncode == 0, done.stderr
    merged = run_here("predict", "--merge", *map(str, parts), "-o", str(tmp_path / "all.csv"))
    assert merged.returncode == 1
    assert "prior differs" in merged.stderr
    output = tmp_path / "c.csv"
    with monkeypatch.context() as patch:
        patch.setattr(job, "write_table", _interrupted)
        assert run_here(*words, "-o", str(output), "--prior", "uniform").returncode == 130
    for prior in (("--prior", str(shares)), ()):
        other = run_here(*words, "-o", str(output), *prior)
        assert other.returncode == 1
        assert "unfinished prediction with other prior" in " ".join(other.stderr.split())
    same = run_here(*words[:-1], "-o", str(output), "--prior", "uniform")
    assert same.returncode == 0, same.stderr
    assert "continuing after 30 of 30 rows" in same.stderr


def test_an_evaluation_for_a_prior(trained: Run, shares: Path, tmp_path: Path) -> None:
    """It has accuracies with and without the shift, the loss of run.json, and predictions as shifted."""
    table = tmp_path / "p.csv"
    words = ("evaluate", str(trained.path), "--data-dir", str(data_of(trained)), "--prior", str(shares))
    done = run_here(*words, "--format", "csv", "--predictions", str(table))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    values = {(row["figure"], row["of"]): float(row["value"]) for row in rows if row["value"]}
    recorded = trained.record.metrics
    assert values["accuracy", "without --prior"] == pytest.approx(recorded["test/accuracy"], abs=1e-6)
    assert values["test/loss", "the test set of galaxy-zoo"] == recorded["test/loss"]
    with table.open() as stream:
        predicted = list(csv.DictReader(stream))
    accuracy = np.mean([row["label"] == row["prediction"] for row in predicted])
    assert values["accuracy", "the test set of galaxy-zoo"] == pytest.approx(accuracy)
    assert values["test/accuracy", "the test set of galaxy-zoo"] == pytest.approx(accuracy, abs=1e-6)
    assert values["prior", "flat"] == pytest.approx(0.9)
    assert [row["prediction"] for row in predicted] == [
        "flat" if float(row["p:flat"]) > float(row["p:round"]) else "round" for row in predicted
    ]
    shown = " ".join(run_here(*words).stdout.split())
    assert "accuracy without --prior" in shown
    assert "the shares of shares.csv" in shown
    page = tmp_path / "page.html"
    assert run_here(*words, "--format", "html", "-o", str(page)).returncode == 0
    assert "with --prior" in page.read_text()


def test_two_runs_for_a_prior(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """With --against, both are shifted, on the own test set and on other images."""
    labels = tmp_path / "labels.csv"
    names = sorted(path.stem for path in cutouts.rglob("*.*"))
    labels.write_text(
        "id,label\n" + "".join(f"{name},{('flat', 'round')[i % 2]}\n" for i, name in enumerate(names))
    )
    own = galaxynet.evaluate(trained, against=trained, prior=SHARES, data_dir=data_of(trained))
    other = galaxynet.evaluate(trained, images=cutouts, labels=labels, against=trained, prior=SHARES)
    for evaluation in (own, other):
        assert evaluation.comparison is not None
        assert (evaluation.comparison.test.first, evaluation.comparison.test.second) == (0, 0)
        assert evaluation.comparison.accuracy == classification_of(evaluation).accuracy
        assert classification_of(evaluation).coverage == ()
    catalogue = galaxynet.load(trained.path).predict(str(cutouts), prior=SHARES)
    guesses = dict(zip(catalogue["id"].tolist(), catalogue["label"].tolist(), strict=True))
    predictions = classification_of(other).predictions
    assert dict(zip(predictions.ids, predictions.predictions, strict=True)) == guesses


def test_a_prior_that_cannot_be_used(trained: Run, shares: Path, cutouts: Path, tmp_path: Path) -> None:
    """Sets, a run of an older version and shards to merge go without it; each is one sentence."""
    with pytest.raises(UsageError, match="--sets and --prior exclude each other"):
        applied_network(trained, sets=0.8, prior=SHARES)
    shutil.copytree(trained.path, tmp_path / "old")
    record = json.loads((tmp_path / "old" / "run.json").read_text())
    del record["class_counts"]
    (tmp_path / "old" / "run.json").write_text(json.dumps(record))
    for words in (("predict", str(cutouts), "-o", str(tmp_path / "c.csv")), ("evaluate",)):
        done = run_here(words[0], str(tmp_path / "old"), *words[1:], "--prior", str(shares))
        assert done.returncode == 2
        assert "how many training samples each class had" in " ".join(done.stderr.split())
        assert "galaxynet train --like" in " ".join(done.stderr.split())
    done = run_here("predict", "--merge", "a.csv", "-o", str(tmp_path / "c.csv"), "--prior", "uniform")
    assert done.returncode == 2
    assert "--prior goes with a prediction" in done.stderr
