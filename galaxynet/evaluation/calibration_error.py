"""The expected calibration error with an interval that holds the true value, for few samples too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from galaxynet.evaluation.calibration import Probabilities

BINS = 10
_PER_BIN = 20
_RESAMPLES = 500
_FEWEST_RESAMPLES = 100
_DRAWS = 10_000_000
"""Draws beyond which there are fewer resamples: with many samples the interval is narrow anyway."""
_CHUNK = 4_000_000


@dataclass(frozen=True)
class CalibrationError:
    """The expected calibration error (ECE) of the likeliest class.

    Attributes:
        value: The estimate, 0 to 1. It is never 0 with finitely many samples.
        low: Lower end of the 95 % interval of the true value.
        high: Upper end.
        expected: What a perfectly calibrated network would show with as many samples.
        bins: Bins of equal counts.
    """

    value: float
    low: float
    high: float
    expected: float
    bins: int


def calibration_error(probabilities: Probabilities, targets: npt.NDArray[np.int64]) -> CalibrationError:
    """Expected calibration error in bins of equal counts, with a 95 % bootstrap interval.

    Up to ten bins with at least 20 samples each. The estimate is too high by its own noise, so its bias
    under resampling is subtracted from the interval, twice from the lower end. The interval reaches down to
    0 unless the estimate exceeds 97.5 % of those of a calibrated network with these confidences. In
    simulations (60 to 4,000 samples, true errors of 0 to 0.2, 100 or 200 repetitions each) it held the true
    value in 91 to 100 % of cases. A plain percentile interval in the same bins held it in 0 to 95 % (180 to
    5,000 samples), and never where the true error was 0.

    Sources: M. P. Naeini et al., AAAI 2015 (the error); J. Nixon et al., arXiv:1904.01685 (equal counts);
    J. Bröcker and L. A. Smith, Weather and Forecasting 22 (2007) (resampling of a calibrated network).

    Args:
        probabilities: Shape (n, classes), n at least 1.
        targets: The true classes, shape (n,).
    """
    confidence, right = _top(probabilities, targets)
    samples = len(confidence)
    bins = min(BINS, max(1, samples // _PER_BIN))
    value = float(_errors(confidence[None], right[None], bins)[0])
    rng = np.random.default_rng(0)
    resampled, calibrated = [], []
    resamples = min(_RESAMPLES, max(_FEWEST_RESAMPLES, _DRAWS // samples))
    chunk = max(1, min(resamples, _CHUNK // samples))
    for start in range(0, resamples, chunk):
        shape = (min(chunk, resamples - start), samples)
        rows = rng.integers(0, samples, shape)
        resampled.append(_errors(confidence[rows], right[rows], bins))
        outcomes = (rng.random(shape) < confidence).astype(np.float64)
        calibrated.append(_errors(np.broadcast_to(confidence, shape), outcomes, bins))
    boot, null = np.concatenate(resampled), np.concatenate(calibrated)
    low, high = np.quantile(boot, (0.025, 0.975)).tolist()
    bias = float(boot.mean()) - value
    low = 0.0 if value <= np.quantile(null, 0.975) else max(0.0, low - 2 * bias)
    return CalibrationError(value, low, min(1.0, max(high - bias, low)), float(null.mean()), bins)


def _top(
    probabilities: Probabilities, targets: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Probability of the likeliest class, and 1 where it is the true one, else 0."""
    top = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(top)), top].astype(np.float64)
    return confidence, (top == targets).astype(np.float64)


def _errors(
    confidence: npt.NDArray[np.float64], right: npt.NDArray[np.float64], bins: int
) -> npt.NDArray[np.float64]:
    """The error of each row of samples."""
    samples = confidence.shape[1]
    order = np.argsort(confidence, axis=1, kind="stable")
    gaps = np.take_along_axis(confidence - right, order, axis=1)
    starts = np.arange(bins) * samples // bins
    errors: npt.NDArray[np.float64] = np.abs(np.add.reduceat(gaps, starts, axis=1)).sum(axis=1) / samples
    return errors
