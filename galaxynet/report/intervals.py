"""How sure an accuracy is."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(correct: int, samples: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a share, which stays within 0 and 1 and holds for few samples too.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927).

    Args:
        correct: How many samples were right, 0 to `samples`.
        samples: How many there are, at least 1.
        confidence: Share of such intervals that hold the true value, between 0 and 1.

    Returns:
        The lower and the upper end, as shares of 1.

    Raises:
        ValueError: If `correct` is not within 0 and `samples`, or there are no samples.
    """
    if samples < 1 or not 0 <= correct <= samples:
        raise ValueError(f"there is no share of {correct} in {samples}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = correct / samples
    scale = 1 + z**2 / samples
    centre = (share + z**2 / (2 * samples)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / samples + z**2 / (4 * samples**2))
    # At both ends the formula is exact, and only rounding leaves 0 or 1.
    low = 0.0 if correct == 0 else max(0.0, centre - half)
    high = 1.0 if correct == samples else min(1.0, centre + half)
    return low, high


def accuracy_interval(accuracy: float, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of an accuracy that was measured on so many samples."""
    return wilson(min(max(round(accuracy * samples), 0), samples), samples)
