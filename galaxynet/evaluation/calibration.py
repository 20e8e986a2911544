"""Calibration of class probabilities: a temperature fitted by likelihood.

Source: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks" (ICML).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float64]
"""Shape (samples, classes); each row adds up to 1."""

FEWEST = 30
"""Validation samples below which no temperature is fitted: a few lucky ones would make it extreme."""

_COLDEST, _HOTTEST = 0.05, 20.0
_STEPS = 40
_GOLDEN = (math.sqrt(5) - 1) / 2
"""The part of an interval that a step of the golden-section search keeps, at one evaluation a step."""
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Calibration:
    """A fitted temperature.

    Attributes:
        temperature: What logits are divided by.
        samples: Validation samples that it was fitted to.
        nll: Mean negative log likelihood of these in nats, before.
        calibrated_nll: The same after; never larger.
    """

    temperature: float
    samples: int
    nll: float
    calibrated_nll: float

    def to_dict(self) -> dict[str, float | int]:
        """For the record of a run."""
        return {
            "temperature": self.temperature,
            "samples": self.samples,
            "nll": self.nll,
            "calibrated_nll": self.calibrated_nll,
        }


def fit_temperature(
    probabilities: Callable[[float], Probabilities], targets: npt.NDArray[np.int64]
) -> Calibration | None:
    """The temperature under which the labels are likeliest.

    Args:
        probabilities: Those of the samples at a temperature.
        targets: The classes of the samples, shape (samples,).

    Returns:
        None if there are too few samples, or the likelihood has no maximum between 0.05 and 20.
    """
    if len(targets) < FEWEST:
        return None

    def loss(logarithm: float) -> float:
        return negative_log_likelihood(probabilities(math.exp(logarithm)), targets)

    low, high = math.log(_COLDEST), math.log(_HOTTEST)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    left_loss, right_loss = loss(left), loss(right)
    for _ in range(_STEPS):  # the loss is convex in 1 / T, so it has one minimum
        if left_loss < right_loss:
            high, right, right_loss = right, left, left_loss
            left = high - _GOLDEN * (high - low)
            left_loss = loss(left)
        else:
            low, left, left_loss = left, right, right_loss
            right = low + _GOLDEN * (high - low)
            right_loss = loss(right)
    best = (low + high) / 2
    at_border = min(best - math.log(_COLDEST), math.log(_HOTTEST) - best) < 1e-3
    before, after = loss(0.0), loss(best)
    if at_border or not math.isfinite(after) or after > before:
        return None
    return Calibration(math.exp(best), len(targets), before, after)


def negative_log_likelihood(probabilities: Probabilities, targets: npt.NDArray[np.int64]) -> float:
    """Mean of -log p of the true classes, in nats."""
    likelihood = probabilities[np.arange(len(targets)), targets]
    return float(-np.log(np.maximum(likelihood, _SMALLEST)).mean())
