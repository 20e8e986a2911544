"""The command `evaluate`: a run's own test set again, and other images with labels."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest
from in_process import run_here
from made_galaxies import encoded, galaxy

import galaxynet
from galaxynet.errors import DataError, RunError, UsageError
from galaxynet.runs import Run


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A folder of 24 new galaxies and a table with their true labels."""
    folder = tmp_path / "new"
    folder.mkdir()
    rows = ["name,label"]
    for seed in range(3000, 3024):
        (folder / f"G{seed}.jpg").write_bytes(encoded(galaxy(seed)))
        rows.append(f"G{seed},{'flat' if seed % 2 else 'round'}")
    (tmp_path / "new.csv").write_text("\n".join(rows) + "\n")
    return folder


def data_of(run: Run) -> Path:
    return run.path.parents[1] / "data"


def test_the_own_test_set_gives_the_same_numbers(trained: Run) -> None:
    """Every recorded test metric is repeated to the digit, and predictions to the last written one."""
    evaluation = galaxynet.evaluate(trained, data_dir=data_of(trained))
    assert {name: trained.record.metrics[name] for name in evaluation.metrics} == evaluation.metrics
    assert evaluation.repeats
    classification = evaluation.classification
    assert classification is not None
    assert classification.accuracy.value == pytest.approx(trained.record.metrics["test/accuracy"], abs=1e-6)
    assert classification.predictions.predictions == trained.predictions().predictions
    assert classification.predictions.ids == trained.predictions().ids
    assert classification.temperature == trained.record.calibration.get("temperature")
    baseline = trained.record.baseline
    assert baseline is not None
    assert classification.majority is not None
    assert classification.majority[1].value == pytest.approx(baseline.accuracy)
    assert classification.uncalibrated.nll == pytest.approx(trained.record.metrics["test/loss"], abs=1e-5)


def test_a_record_that_differs_is_named(trained: Run, tmp_path: Path) -> None:
    """Where run.json says something else, the evaluation says so."""
    shutil.copytree(trained.path, tmp_path / "copied")
    record = json.loads((tmp_path / "copied" / "run.json").read_text())
    record["metrics"]["test/accuracy"] = 0.123
    (tmp_path / "copied" / "run.json").write_text(json.dumps(record))
    evaluation = galaxynet.evaluate(tmp_path / "copied", data_dir=data_of(trained))
    assert not evaluation.repeats
    assert "run.json has test/accuracy 0.123, and it is" in evaluation.notes[0]


def test_a_dataset_that_is_gone(trained: Run, tmp_path: Path) -> None:
    """One sentence says what is missing and where."""
    done = run_here("evaluate", str(trained.path), "--data-dir", str(tmp_path / "nothing"))
    assert done.returncode == 1
    assert "galaxy-zoo" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_other_images(trained: Run, labelled: Path) -> None:
    """Counts are the labels'; missing, unlabelled, unusable and unknown ones are named, and left out."""
    table = labelled.parent / "new.csv"
    rows = table.read_text().splitlines()
    table.write_text("\n".join([*rows[:-3], "G3021,comet", "G9999,flat", ""]))
    (labelled / "G3001.jpg").write_bytes(b"nothing")
    done = run_here("evaluate", str(trained.path), "--images", str(labelled), "--labels", str(table))
    assert done.returncode == 0, done.stderr
    message = " ".join(done.stdout.split())
    assert "1 labelled ids have no image: G9999" in message
    assert "2 images have no label" in message
    assert "1 images cannot be used" in message
    assert "do not count: comet (1)" in message
    evaluation = galaxynet.evaluate(trained, images=labelled, labels=table)
    assert evaluation.samples == 20
    classification = evaluation.classification
    assert classification is not None
    catalogue = galaxynet.load(trained.path).predict(str(labelled))
    guesses = dict(zip(catalogue["id"].tolist(), catalogue["label"].tolist(), strict=True))
    for identifier, label, guess in zip(
        classification.predictions.ids,
        classification.predictions.labels,
        classification.predictions.predictions,
        strict=True,
    ):
        assert label == ("flat" if int(identifier[1:]) % 2 else "round")
        assert guess == guesses[identifier]
    assert evaluation.novel is not None
    assert evaluation.novel.samples == 20


def test_against_another_run(trained: Run, labelled: Path) -> None:
    """A run does not differ from itself, on its own test set and on other images."""
    own = galaxynet.evaluate(trained, against=trained, data_dir=data_of(trained))
    table = labelled.parent / "new.csv"
    other = galaxynet.evaluate(trained, images=labelled, labels=table, against=trained)
    for evaluation in (own, other):
        assert evaluation.comparison is not None
        test = evaluation.comparison.test
        assert (test.first, test.second, test.p) == (0, 0, 1.0)
        assert test.both + test.neither == evaluation.samples


def test_formats(trained: Run, tmp_path: Path) -> None:
    """JSON, CSV, Markdown and a page have the same accuracy, and files that exist are not replaced."""
    words = ("evaluate", str(trained.path), "--data-dir", str(data_of(trained)))
    shown = json.loads(run_here(*words, "--format", "json").stdout)
    accuracy = shown["classification"]["accuracy"]
    assert accuracy["value"] == pytest.approx(trained.record.metrics["test/accuracy"], abs=1e-6)
    assert accuracy["low"] < accuracy["value"] <= accuracy["high"]
    rows = list(csv.DictReader(io.StringIO(run_here(*words, "--format", "csv").stdout)))
    (row,) = [row for row in rows if row["figure"] == "accuracy"]
    assert float(row["value"]) == accuracy["value"]
    assert int(row["samples"]) == sum(int(row["count"]) for row in rows if row["figure"] == "confusion")
    page, single = tmp_path / "e.html", tmp_path / "p.csv"
    figures = tmp_path / "figures"
    files = ("-o", str(page), "--predictions", str(single), "--figures", str(figures))
    done = run_here(*words, "--format", "html", *files)
    assert done.returncode == 0, done.stderr
    assert f"{accuracy['value']:.1%}" in page.read_text()
    assert page.read_text().count("<svg") == 2
    assert "http" not in page.read_text().replace("http-equiv", "")
    names = sorted(path.name for path in figures.iterdir())
    assert names == ["confusion.png", "confusion.svg", "reliability.png", "reliability.svg"]
    assert single.read_text() == (trained.path / "predictions.csv").read_text()
    again = run_here(*words, "-o", str(page))
    assert again.returncode == 2
    assert "--overwrite" in again.stderr


def test_what_cannot_be_evaluated(trained: Run, labelled: Path, tmp_path: Path) -> None:
    """Each wrong call ends with what to do."""
    table = labelled.parent / "new.csv"
    with pytest.raises(UsageError, match="need labels"):
        galaxynet.evaluate(trained, images=labelled)
    with pytest.raises(UsageError, match="--images, which are missing"):
        galaxynet.evaluate(trained, labels=table)
    table.write_text("id,label\nG1,flat\n")
    with pytest.raises(DataError, match="None of the 1 labelled rows"):
        galaxynet.evaluate(trained, images=labelled, labels=table)
    table.write_text("id,label\nG3000,comet\n")
    with pytest.raises(DataError, match="knows none of the labels comet"):
        galaxynet.evaluate(trained, images=labelled, labels=table)
    table.write_text("id,label\nG3000,round\nG3002,round\n")
    (note,) = galaxynet.evaluate(trained, images=labelled, labels=table).notes
    assert "all images have the label round" in note
    shutil.copytree(trained.path, tmp_path / "light")
    shutil.rmtree(tmp_path / "light" / "checkpoints")
    with pytest.raises(RunError, match="no best checkpoint"):
        galaxynet.evaluate(tmp_path / "light", data_dir=data_of(trained))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images"):
        galaxynet.evaluate(trained, images=tmp_path / "empty", labels=table)


OTHER = """
import torch
from torch import nn
from galaxynet.catalogue.columns import Column
from galaxynet.data.batches import Batch
from galaxynet.tasks import Reconstructor, Task

class Auto(Reconstructor):
    def __init__(self, options, data_info):
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8)))
        super().__init__(network, options, data_info)

class Ranker(Task):
    task, metric, higher_is_better = "ranking", "gap", False

    def __init__(self, options, data_info):
        super().__init__(nn.Sequential(nn.Flatten(), nn.Linear(64, 1)), options, data_info)

    def training_step(self, batch, index):
        loss = (self(batch.inputs)[:, 0] - batch.targets).square().mean()
        self.train_loss.add(loss, len(batch.inputs))
        return loss

    def validation_step(self, batch, index):
        loss = (self(batch.inputs)[:, 0] - batch.targets).abs().mean()
        self.evaluation_loss.add(loss, len(batch.inputs))

    def test_step(self, batch, index):
        self.validation_step(batch, index)

    def on_validation_epoch_end(self):
        self.log("val/gap", self.evaluation_loss.compute(self.device))

    def on_test_epoch_end(self):
        self.log("test/gap", self.evaluation_loss.compute(self.device))
"""

OTHER_SPECS = """
from galaxynet.plugin import ModelSpec, OptimizerOptions
AUTO, RANKER = (
    ModelSpec(name=name, summary="x", options=OptimizerOptions, module=f"other_tasks:{name.capitalize()}",
              dataset="blobs", training={"epochs": 1, "batch_size": 16})
    for name in ("auto", "ranker")
)
"""


@pytest.mark.usefixtures("toys")
def test_other_tasks_report_their_metric(distribution: object) -> None:
    """A reconstruction has its error with an interval, and a stranger's task its own metric, as recorded."""
    entries = {"galaxynet.models": {name: f"other_task_specs:{name.upper()}" for name in ("auto", "ranker")}}
    distribution("other-tasks", {"other_tasks": OTHER, "other_task_specs": OTHER_SPECS}, entries)  # type: ignore[operator]
    auto = galaxynet.train("auto", epochs=1, samples=200, precision="float32")
    evaluation = galaxynet.evaluate(auto)
    assert evaluation.repeats
    assert evaluation.error is not None
    assert evaluation.error.value == pytest.approx(auto.record.metrics["test/mse"], rel=1e-4)
    assert evaluation.error.low < evaluation.error.value < evaluation.error.high
    with pytest.raises(UsageError, match="compares classifiers"):
        galaxynet.evaluate(auto, against=auto)
    ranker = galaxynet.train("ranker", epochs=1, samples=200)
    evaluation = galaxynet.evaluate(ranker)
    assert evaluation.metrics == {"test/gap": ranker.record.metrics["test/gap"]}
    assert evaluation.error is None
    shown = run_here("evaluate", ranker.record.id)
    assert shown.returncode == 0, shown.stderr
    assert "gap" in shown.stdout
