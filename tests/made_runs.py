"""Run folders made for tests: whole, small, and without a training."""

from __future__ import annotations

import csv
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from galaxynet.runs import (
    Environment,
    MajorityClass,
    OptionValues,
    PluginId,
    ReferenceValue,
    Run,
    RunRecord,
    create,
    write_predictions,
)

CLASSES = ["smooth", "disk", "star", "odd", "not_odd"]
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def made_record(**changes: Any) -> RunRecord:
    """The record of a finished classification; `act`, `lr` and `epochs` set options, the rest fields."""
    options = {"act": changes.pop("act", "relu"), "extra_convs": changes.pop("extra_convs", 0)}
    options["lr"] = changes.pop("lr", 1e-3)
    accuracy = changes.pop("accuracy", 0.7)
    seed = changes.get("seed", 1)
    values: dict[str, Any] = {
        "status": "finished",
        "task": "classification",
        "metric": "test/accuracy",
        "model": PluginId(name="galaxy_alexnet", distribution="galaxynet", version="0.1.0"),
        "dataset": PluginId(name="galaxy-zoo", distribution="galaxynet", version="0.1.0"),
        "options": OptionValues(
            model=options,
            dataset={"size": 60, "crop": changes.pop("crop", None)},
            training={"epochs": changes.get("epochs", 12), "batch_size": 64, "seed": seed},
        ),
        "command": ["galaxynet", "train", "galaxy_alexnet", "--act", str(options["act"])],
        "seed": seed,
        "parameters": 2_261_806,
        "classes": CLASSES,
        "splits": {"train": 3600, "validation": 400, "test": 1000},
        "test_set": "0123456789abcdef",
        "data": {"images": 5000, "labelled": 4990, "without label": 10},
        "baseline": MajorityClass(label="not_odd", accuracy=0.596, samples=1000),
        "reference": ReferenceValue(metric="test/accuracy", value=0.69, source="report, section 2.4"),
        "metrics": {"test/accuracy": accuracy, "test/loss": 0.8, "val/accuracy": 0.69},
        "epochs": 12,
        "started": START,
        "finished": START + timedelta(seconds=130),
        "seconds": {"prepare": 3.1, "train": 121.4, "test": 1.2},
        "samples_per_second": 356.7,
        "environment": Environment(versions={"galaxynet": "0.1.0"}, host="elsewhere", pid=1, python="3.11.7"),
        "device": "AMD EPYC",
        "accelerator": "cpu",
        "precision": "float32",
    }
    return RunRecord(**{**values, **changes})


def made_run(runs_dir: Path, **changes: Any) -> Run:
    """A run folder with that record."""
    return create(runs_dir, made_record(**changes))


def add_curves(run: Run, epochs: int = 12, diverges_at: int | None = None) -> None:
    """A plausible metrics.csv."""
    noise = random.Random(run.record.seed)
    with (run.path / "metrics.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", "step", "train/accuracy", "train/loss", "val/accuracy", "val/loss"])
        for epoch in range(epochs):
            left = math.exp(-epoch / 5)
            gone = diverges_at is not None and epoch >= diverges_at
            loss = math.nan if gone else 0.6 + left + noise.gauss(0, 0.02)
            val = math.nan if gone else 0.72 + 0.9 * left + noise.gauss(0, 0.04)
            writer.writerow(
                [
                    epoch,
                    57 * epoch + 56,
                    0.76 - 0.2 * left,
                    loss,
                    0.71 - 0.16 * left + noise.gauss(0, 0.01),
                    val,
                ]
            )


def add_predictions(run: Run, right: float = 0.7, seed: int = 0) -> None:
    """A predictions.csv of the run's test set with about that share right."""
    noise = random.Random(seed)
    truths = random.Random(99)
    classes = run.record.classes
    number = run.record.splits["test"]
    labels = truths.choices(classes, weights=[3, 9, 1, 2, 20][: len(classes)] or None, k=number)
    guesses = [label if noise.random() < right else noise.choice(classes) for label in labels]
    write_predictions(run.path / "predictions.csv", range(100_000, 100_000 + number), labels, guesses)
