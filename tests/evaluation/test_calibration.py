"""A temperature fitted by likelihood."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxynet.evaluation.calibration import FEWEST, fit_temperature, negative_log_likelihood


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def drawn(
    scale: float, samples: int = 4000, seed: int = 0
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Logits that are `scale` times the true ones, and labels drawn from the true probabilities."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (samples, 4))
    labels = (softmax(logits).cumsum(axis=1) < rng.random((samples, 1))).sum(axis=1)
    return scale * logits, np.minimum(labels, 3)


@settings(max_examples=15)  # 42 likelihoods of 4,000 samples each
@given(st.floats(0.3, 5))
def test_the_temperature_undoes_a_scale(scale: float) -> None:
    """Logits that are too sharp or too flat by a factor get that factor as temperature."""
    logits, labels = drawn(scale)
    calibration = fit_temperature(lambda t: softmax(logits / t), labels)
    assert calibration is not None
    assert abs(calibration.temperature / scale - 1) < 0.08
    assert calibration.calibrated_nll <= calibration.nll


def test_a_grid_finds_no_better_temperature() -> None:
    """The fit is the maximum of the likelihood: no temperature of a fine grid is better."""
    logits, labels = drawn(2.7, 500)
    calibration = fit_temperature(lambda t: softmax(logits / t), labels)
    assert calibration is not None
    grid = [negative_log_likelihood(softmax(logits / t), labels) for t in np.geomspace(0.1, 10, 500)]
    assert calibration.calibrated_nll <= min(grid) + 1e-9


def test_nothing_is_fitted_to_too_little() -> None:
    """Too few samples, or samples that are all right or all wrong, give no temperature."""
    logits, labels = drawn(1.0, FEWEST - 1)
    assert fit_temperature(lambda t: softmax(logits / t), labels) is None
    logits, _ = drawn(1.0, 100)
    assert fit_temperature(lambda t: softmax(logits / t), logits.argmax(axis=1)) is None
    assert fit_temperature(lambda t: softmax(logits / t), logits.argmin(axis=1)) is None


def test_the_likelihood_of_a_known_case() -> None:
    """A quarter of probability for the true class costs log 4 nats."""
    assert negative_log_likelihood(np.array([[0.25, 0.75]]), np.array([0])) == -math.log(0.25)
