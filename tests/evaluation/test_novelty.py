"""Novelty: its unit, its file, and the features that it is measured in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from galaxynet.errors import RunError
from galaxynet.evaluation.features import FeatureRecorder
from galaxynet.evaluation.novelty import MOST_REFERENCES, NoveltyModel
from galaxynet.plugin import DataInfo, OptimizerOptions
from galaxynet.tasks import Classifier


def drawn(samples: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (samples, 16)).astype(np.float32)


def fitted() -> NoveltyModel:
    novelty = NoveltyModel.fit(drawn(3000, 0), drawn(1000, 1))
    assert novelty is not None
    return novelty


def test_one_per_cent_of_known_samples_are_above_one() -> None:
    """The unit is the validation part's 99th percentile; samples from elsewhere are far above 1."""
    novelty = fitted()
    assert np.mean(novelty.score(drawn(1000, 1)) > 1) < 0.0101
    assert np.mean(novelty.score(drawn(5000, 2)) > 1) == pytest.approx(0.01, abs=0.006)
    assert (novelty.score(drawn(100, 3, shift=4)) > 1).all()
    assert novelty.score(drawn(1, 3, shift=1e6)) > 1e4
    assert len(novelty.references) <= MOST_REFERENCES


def test_rows_do_not_mix() -> None:
    """A sample scores the same alone and in any company, NaN included."""
    novelty, samples = fitted(), drawn(600, 4)
    together = novelty.score(samples)
    alone = np.concatenate([novelty.score(samples[row : row + 1]) for row in range(600)])
    np.testing.assert_allclose(alone, together, rtol=1e-9)
    samples[5] = np.nan
    mixed = novelty.score(samples)
    assert np.isnan(mixed[5])
    np.testing.assert_allclose(np.delete(mixed, 5), np.delete(together, 5), rtol=1e-9)


def test_a_training_sample_is_not_new() -> None:
    """A reference scores 0, without a remainder of rounding."""
    novelty = fitted()
    assert (novelty.score(novelty.references) == 0).all()


def test_features_that_say_nothing() -> None:
    """Features that are all alike, empty or undefined give no novelty instead of a division by zero."""
    assert NoveltyModel.fit(np.ones((5, 3)), np.ones((5, 3))) is None
    assert NoveltyModel.fit(np.empty((0, 3)), np.ones((5, 3))) is None
    assert NoveltyModel.fit(np.full((5, 3), np.nan), np.ones((5, 3))) is None


def test_the_file(tmp_path: Path) -> None:
    """It scores as before, is small, and a damaged or hostile one is refused by name."""
    path, novelty = tmp_path / "novelty.npz", fitted()
    novelty.write(path)
    assert path.stat().st_size < 2**22
    assert (NoveltyModel.read(path).score(drawn(9, 5)) == novelty.score(drawn(9, 5))).all()
    for unit in (0.0, np.nan, -1.0):
        np.savez(path, references=novelty.references, unit=np.float64(unit))
        with pytest.raises(RunError, match="damaged"):
            NoveltyModel.read(path)
    np.savez_compressed(path, references=np.zeros((2000, 4096), np.float32), unit=np.float64(1))
    with pytest.raises(RunError, match="unpacks to more"):
        NoveltyModel.read(path)
    path.unlink()
    with pytest.raises(RunError, match=r"novelty\.npz cannot be read"):
        NoveltyModel.read(path)


class Toy(Classifier):
    """A network for the tests."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, OptimizerOptions(), DataInfo("toy", (1, 2, 2), ("a", "b", "c")))


class Own(Toy):
    """A network that says itself what its features are."""

    def features(self, inputs: Tensor) -> Tensor:
        """Twice the pixels."""
        return 2 * inputs


def recorded(network: Classifier, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
    with FeatureRecorder(network) as recorder:
        output = network(inputs)
    return output, recorder.features(inputs)


def test_features_are_what_the_last_linear_layer_reads() -> None:
    """Found by running the network, not by its definition; a task's own `features` come first."""
    hidden, last = nn.Linear(4, 7), nn.Linear(7, 3)
    network = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), last)
    inputs = torch.randn(5, 1, 2, 2)
    output, features = recorded(Toy(network), inputs)
    assert features is not None
    assert torch.equal(features, torch.relu(hidden(inputs.flatten(1))))
    assert torch.equal(output, last(features))
    assert recorded(Toy(nn.Sequential(nn.Conv2d(1, 3, 2), nn.Flatten())), inputs)[1] is None
    _, own = recorded(Own(network), inputs)
    assert own is not None
    assert torch.equal(own, 2 * inputs.flatten(1))
