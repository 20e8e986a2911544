"""A training keeps what its network is applied with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import galaxynet
from galaxynet.evaluation.conformal import CONFORMAL, ConformalSets
from galaxynet.evaluation.fitting import Fitted
from galaxynet.evaluation.novelty import NOVELTY, NoveltyModel

pytestmark = pytest.mark.usefixtures("toys")

OTHER_NETWORKS = """
import torch
from torch import nn
from galaxynet.catalogue.columns import Column
from galaxynet.tasks import Classifier, Reconstructor, Task

class Flat(Classifier):
    def __init__(self, options, data_info):
        network = nn.Sequential(nn.Conv2d(1, 3, 8), nn.Flatten())
        super().__init__(network, options, data_info)

class Auto(Reconstructor):
    def __init__(self, options, data_info):
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Linear(4, 64), nn.Unflatten(1, (1, 8, 8)))
        super().__init__(network, options, data_info)

class Broken(Auto):
    def features(self, inputs):
        raise ValueError("no features today")
"""

OTHER_SPECS = """
from galaxynet.plugin import ModelSpec, OptimizerOptions
FLAT, AUTO, BROKEN = (
    ModelSpec(name=name, summary="x", options=OptimizerOptions, module=f"other_networks:{name.capitalize()}",
              dataset="blobs", training={"epochs": 1, "batch_size": 16})
    for name in ("flat", "auto", "broken")
)
"""


@pytest.fixture
def others(distribution: Any) -> None:
    distribution(
        "others",
        {"other_networks": OTHER_NETWORKS, "other_specs": OTHER_SPECS},
        {"galaxynet.models": {name: f"other_specs:{name.upper()}" for name in ("flat", "auto", "broken")}},
    )


def test_a_classifier_keeps_scores_and_references() -> None:
    """There is a score for each validation sample, and a reference for each of few training samples."""
    run = galaxynet.train("toynet", epochs=2, lr=0.01, samples=400)
    assert len(ConformalSets.read(run.path / CONFORMAL).scores) == run.record.splits["validation"]
    novelty = NoveltyModel.read(run.path / NOVELTY)
    assert novelty.references.shape == (run.record.splits["train"], 8)
    assert 0 < novelty.unit < np.inf


@pytest.mark.parametrize("options", [{"samples": 60}, {"validation": 0.0}])
def test_without_enough_samples_nothing_is_kept(options: dict[str, Any]) -> None:
    """Fewer than 30 validation samples, or none, leave no file, and the training ends well."""
    run = galaxynet.train("toynet", epochs=1, **options)
    assert run.record.status == "finished"
    assert not (run.path / CONFORMAL).exists()
    assert not (run.path / NOVELTY).exists()


@pytest.mark.usefixtures("others")
def test_each_network_keeps_what_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a linear layer no novelty, without classes no sets, and a failure costs a note."""
    expected = {"flat": {CONFORMAL}, "auto": {NOVELTY}, "broken": set()}
    for name, files in expected.items():
        run = galaxynet.train(name, epochs=1, samples=400)
        assert run.record.status == "finished"
        assert {file for file in (CONFORMAL, NOVELTY) if (run.path / file).exists()} == files
    assert "no features today" in capsys.readouterr().err


def test_files_of_other_weights_do_not_stay() -> None:
    """Where a continued run has nothing to keep, the files of its earlier weights go."""
    run = galaxynet.train("toynet", epochs=1, samples=400)
    assert (run.path / NOVELTY).exists()
    Fitted().keep(run)
    assert run.record.calibration == {}
    assert not (run.path / CONFORMAL).exists()
    assert not (run.path / NOVELTY).exists()
