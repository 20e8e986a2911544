"""The calibration error's interval, and conformal sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from galaxynet.errors import RunError
from galaxynet.evaluation.calibration_error import calibration_error
from galaxynet.evaluation.conformal import ConformalSets


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def drawn(samples: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a network whose logits are `temperature` times too large, and true classes."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(samples, 5))
    targets = (softmax(logits).cumsum(axis=1) > rng.random((samples, 1))).argmax(axis=1)
    return softmax(temperature * logits).astype(np.float32), targets


def test_the_interval_of_the_calibration_error() -> None:
    """It reaches to 0 for a calibrated network, whose error is what chance makes, and not for another."""
    good = calibration_error(*drawn(1000, 1.0))
    assert good.low == 0
    assert good.value == pytest.approx(good.expected, abs=0.02)
    bad = calibration_error(*drawn(1000, 3.0))
    assert bad.low > 0.1
    assert bad.low < bad.value < bad.high
    large = calibration_error(*drawn(20_000, 3.0, seed=1))
    assert bad.low < large.value < bad.high
    assert calibration_error(*drawn(1, 1.0)).bins == 1


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99])
def test_sets_cover_what_they_promise(coverage: float) -> None:
    """Sets of new samples hold the true class with the coverage asked for, averaged over draws."""
    shares, sizes = [], []
    for seed in range(20):
        conformal = ConformalSets.fit(*drawn(300, 2.0, seed=seed))
        probabilities, targets = drawn(2000, 2.0, seed=100 + seed)
        sets = conformal.sets(probabilities, coverage)
        shares.append(sets[np.arange(2000), targets].mean())
        sizes.append(sets.sum(axis=1).mean())
    assert coverage - 0.01 < np.mean(shares)
    # Never empty, so that low coverages are exceeded; high ones are met.
    assert coverage == 0.5 or np.mean(shares) < coverage + 0.015
    assert 1 <= np.mean(sizes) < 5


def test_sets_without_enough_samples() -> None:
    """Too few validation samples give the set of all classes, and the likeliest class is always in."""
    few = ConformalSets.fit(*drawn(8, 1.0))
    probabilities, _ = drawn(50, 1.0)
    assert few.sets(probabilities, 0.9).all()
    assert not ConformalSets.fit(*drawn(9, 1.0)).sets(probabilities, 0.9).all()
    lowest = ConformalSets.fit(*drawn(500, 1.0)).sets(probabilities, 0.01)
    assert (lowest.sum(axis=1) == 1).all()
    assert lowest[np.arange(50), probabilities.argmax(axis=1)].all()
    with pytest.raises(ValueError, match="between 0 and 1"):
        few.threshold(1.0)


def test_scores_are_kept_in_a_file(tmp_path: Path) -> None:
    """The file gives the same sets; a damaged one is refused by name."""
    path = tmp_path / "conformal.npz"
    conformal = ConformalSets.fit(*drawn(100, 1.0))
    conformal.write(path)
    probabilities, _ = drawn(50, 1.0)
    assert (ConformalSets.read(path).sets(probabilities, 0.9) == conformal.sets(probabilities, 0.9)).all()
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RunError, match=r"conformal\.npz"):
        ConformalSets.read(path)
    np.savez(path, scores=np.array([object()]))
    with pytest.raises(RunError, match="damaged"):
        ConformalSets.read(path)
