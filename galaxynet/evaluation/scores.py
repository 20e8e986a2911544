"""Scores of a classifier's probabilities: per class, by confidence, by likelihood and by Brier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from galaxynet.evaluation.calibration import Probabilities, negative_log_likelihood
from galaxynet.evaluation.calibration_error import CalibrationError, calibration_error
from galaxynet.evaluation.intervals import wilson

RELIABILITY_BINS = 10
_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Share:
    """A share of samples.

    Attributes:
        count: Samples that are counted.
        samples: All samples.
    """

    count: int
    samples: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None of no samples."""
        return self.count / self.samples if self.samples else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval (Wilson)."""
        return wilson(self.count, self.samples) if self.samples else None


@dataclass(frozen=True)
class ClassScores:
    """How well a class is recognised.

    Attributes:
        name: The class.
        precision: Of the samples that are predicted to be of it, those that are.
        recall: Of the samples that are of it, those that are predicted to be.
    """

    name: str
    precision: Share
    recall: Share


@dataclass(frozen=True)
class ReliabilityBin:
    """Samples of similar confidence.

    Attributes:
        low: Lower end of the bin, a probability.
        high: Upper end.
        confidence: Mean probability of their likeliest class.
        accuracy: Those whose likeliest class is the true one.
    """

    low: float
    high: float
    confidence: float
    accuracy: Share


@dataclass(frozen=True)
class ProbabilityScores:
    """How good probabilities are.

    Attributes:
        nll: Mean negative log likelihood of the true classes in nats.
        brier: Brier score, 0 to 2: mean squared distance to the true class, summed over the classes.
        error: Expected calibration error with its interval.
        reliability: Accuracy by confidence in bins of equal width, without empty ones.
    """

    nll: float
    brier: float
    error: CalibrationError
    reliability: tuple[ReliabilityBin, ...]


def at_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """The softmax of logits that are divided by a temperature, from the softmax of the logits."""
    logs = np.log(np.maximum(probabilities.astype(np.float64), _TINY)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    result: Probabilities = powers / powers.sum(axis=1, keepdims=True)
    return result


def probability_scores(probabilities: Probabilities, targets: npt.NDArray[np.int64]) -> ProbabilityScores:
    """All scores of probabilities of shape (n, classes), n at least 1, and the true classes."""
    return ProbabilityScores(
        negative_log_likelihood(probabilities, targets),
        brier_score(probabilities, targets),
        calibration_error(probabilities, targets),
        reliability(probabilities, targets),
    )


def brier_score(probabilities: Probabilities, targets: npt.NDArray[np.int64]) -> float:
    """Mean squared distance between probabilities and the true class, summed over classes, 0 to 2.

    Source: G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
    Review 78 (1950).
    """
    distance = probabilities.astype(np.float64)
    distance[np.arange(len(targets)), targets] -= 1
    return float(np.mean(np.square(distance).sum(axis=1)))


def reliability(probabilities: Probabilities, targets: npt.NDArray[np.int64]) -> tuple[ReliabilityBin, ...]:
    """Confidence and accuracy in bins of equal width from 0 to 1, without empty ones."""
    guesses = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(guesses)), guesses].astype(np.float64)
    right = guesses == targets
    bins = RELIABILITY_BINS
    number = np.clip((confidence * bins).astype(int), 0, bins - 1)
    return tuple(
        ReliabilityBin(
            index / bins,
            (index + 1) / bins,
            float(confidence[number == index].mean()),
            Share(int(right[number == index].sum()), int((number == index).sum())),
        )
        for index in range(bins)
        if (number == index).any()
    )


def confusion(
    targets: npt.NDArray[np.int64], guesses: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.int64]:
    """Samples of each true class (row) and each predicted class (column)."""
    counts = np.bincount(targets * classes + guesses, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def class_scores(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> tuple[ClassScores, ...]:
    """Precision and recall of each class, from a confusion matrix."""
    return tuple(
        ClassScores(
            name,
            Share(int(counts[index, index]), int(counts[:, index].sum())),
            Share(int(counts[index, index]), int(counts[index].sum())),
        )
        for index, name in enumerate(classes)
    )
