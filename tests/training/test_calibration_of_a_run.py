"""A run keeps a temperature that its validation part fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import galaxynet
from galaxynet.evaluation.restore import restore
from galaxynet.runs import Run

pytestmark = pytest.mark.usefixtures("toys")


def losses(run: Run, temperatures: list[float]) -> list[float]:
    """Negative log likelihood of the validation part at some temperatures, computed independently."""
    from toy_data import Blobs
    from toys import BlobOptions

    options = BlobOptions.from_dict(run.record.options.dataset)
    data = Blobs(options, data_dir=Path(), validation=run.record.options.training["validation"])
    data.setup()
    task = restore(run)
    with torch.inference_mode():
        batches = list(data.val_dataloader())
        logits = torch.cat([task(batch.inputs) for batch in batches])
        targets = torch.cat([batch.targets for batch in batches])
        return [float(torch.nn.functional.cross_entropy(logits / t, targets)) for t in temperatures]


def test_the_temperature_is_the_likeliest() -> None:
    """The record keeps the likeliest temperature for the validation labels, and metrics stay unchanged."""
    run = galaxynet.train("toynet", samples=800, epochs=1, lr=1e-3, precision="float32")
    calibration = run.record.calibration
    temperature = calibration["temperature"]
    assert isinstance(temperature, float)
    assert calibration["samples"] == run.record.splits["validation"]
    before, best, *others = losses(run, [1.0, temperature, 0.97 * temperature, 1.03 * temperature])
    assert best == pytest.approx(calibration["calibrated_nll"], abs=1e-5)
    assert before == pytest.approx(calibration["nll"], abs=1e-5)
    assert best <= min(before, *others) + 1e-7
    recorded = run.predictions()
    right = np.array(recorded.probabilities)[
        range(len(recorded)), [recorded.classes.index(c) for c in recorded.labels]
    ]
    assert -np.log(right).mean() == pytest.approx(run.record.metrics["test/loss"], abs=1e-4)


def test_a_small_validation_part_calibrates_nothing() -> None:
    """With fewer than 30 validation samples no temperature is kept."""
    assert galaxynet.train("toynet", samples=60, epochs=1).record.calibration == {}
