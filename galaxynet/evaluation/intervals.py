"""Confidence intervals of accuracies and of means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev


def wilson(correct: int, samples: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a proportion, which stays within 0 and 1 and is valid for few samples.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927).

    Args:
        correct: Number of correct samples, 0 to `samples`.
        samples: Number of samples, at least 1.
        confidence: Share of such intervals that hold the true value, between 0 and 1.

    Returns:
        The lower and the upper end, as shares of 1.

    Raises:
        ValueError: If `correct` is not between 0 and `samples`, or there are no samples.
    """
    if samples < 1 or not 0 <= correct <= samples:
        raise ValueError(f"there is no share of {correct} in {samples}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = correct / samples
    scale = 1 + z**2 / samples
    centre = (share + z**2 / (2 * samples)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / samples + z**2 / (4 * samples**2))
    # At both ends the formula is exact, and only rounding misses 0 or 1.
    low = 0.0 if correct == 0 else max(0.0, centre - half)
    high = 1.0 if correct == samples else min(1.0, centre + half)
    return low, high


def accuracy_interval(accuracy: float, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of an accuracy measured on that many samples."""
    return wilson(min(max(round(accuracy * samples), 0), samples), samples)


def student(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Student's interval for the mean of a few values that differ only by chance.

    Source: Student (W. S. Gosset), "The probable error of a mean", Biometrika 6 (1908).

    Args:
        values: At least two values, for example the accuracies of trainings with different seeds.
        confidence: Share of such intervals that hold the true mean, between 0 and 1.

    Returns:
        The lower and the upper end.

    Raises:
        ValueError: If there are fewer than two values.
    """
    if len(values) < 2:
        raise ValueError("the interval of a mean needs at least two values")
    centre = fmean(values)
    half = student_quantile(confidence, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return centre - half, centre + half


def student_quantile(confidence: float, freedom: int) -> float:
    """The t for which |T| < t has that probability, T having `freedom` degrees of freedom.

    The probability has a closed form for whole degrees of freedom: M. Abramowitz and I. A.
    Stegun, "Handbook of mathematical functions" (1964), 26.7.3 and 26.7.4.
    """

    def within(angle: float) -> float:
        odd = freedom % 2
        cosine, term, total = math.cos(angle), 1.0, 0.0
        if odd:
            term = math.cos(angle)
        for k in range(1 + odd, freedom, 2):
            total += term
            term *= cosine**2 * k / (k + 1)
        return (angle + math.sin(angle) * total) * 2 / math.pi if odd else math.sin(angle) * total

    low, high = 0.0, math.pi / 2
    for _ in range(100):  # the angle whose tangent is t over the root of the degrees of freedom
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) < confidence else (low, middle)
    return math.tan(low) * math.sqrt(freedom)
