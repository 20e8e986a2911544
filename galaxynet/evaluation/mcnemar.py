"""Whether two networks that were tested on the same samples differ by more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from galaxynet.errors import RunError
from galaxynet.runs import Predictions


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test, which counts the samples that only one of two networks predicted correctly.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947); the exact form is the sign test on those samples.

    Attributes:
        both: Samples that both predicted correctly.
        first: Samples that only the first predicted correctly.
        second: Samples that only the second predicted correctly.
        neither: Samples that neither predicted correctly.
        p: Probability of a split at least as uneven if the two were equally good, 0 to 1 (two-sided).
    """

    both: int
    first: int
    second: int
    neither: int
    p: float


def mcnemar(first: Predictions, second: Predictions) -> McNemar:
    """Compare two sets of predictions, paired by the ids of the samples.

    Raises:
        RunError: If an id occurs twice, or the samples or their labels differ.
    """
    ones, others = _by_id(first), _by_id(second)
    if ones.keys() != others.keys():
        lone = len(ones.keys() ^ others.keys())
        raise RunError(
            f"The two runs were not tested on the same samples: {lone:,} are in one test set only."
        )
    relabelled = sum(ones[id_][0] != others[id_][0] for id_ in ones)
    if relabelled:
        raise RunError(f"The two runs were tested on other labels: {relabelled:,} samples have two.")
    pairs = [(ones[id_][1], others[id_][1]) for id_ in ones]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    return McNemar(
        both=pairs.count((True, True)),
        first=only_first,
        second=only_second,
        neither=pairs.count((False, False)),
        p=sign_test(only_first, only_second),
    )


def sign_test(first: int, second: int) -> float:
    """Two-sided probability of a split at least as uneven as `first` to `second` when both are as likely.

    In whole numbers throughout, so that it is exact for any count.
    """
    trials, fewer = first + second, min(first, second)
    if first == second:
        return 1.0
    term = tail = 1
    for k in range(1, fewer + 1):
        term = term * (trials - k + 1) // k
        tail += term
    return min(1.0, tail / (1 << (trials - 1)))


def difference_interval(result: McNemar, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the difference between the accuracies of two networks with the same test samples.

    Source: D. G. Bonett and R. M. Price, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data", Journal of Educational and Behavioral Statistics 37 (2012).

    Args:
        result: The counts of McNemar's test.
        confidence: Share of such intervals that hold the true difference, between 0 and 1.

    Returns:
        The lower and the upper end of the difference of the accuracies, as shares of 1.
    """
    samples = result.both + result.first + result.second + result.neither + 2
    first, second = (result.first + 1) / samples, (result.second + 1) / samples
    centre = first - second
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    half = z * math.sqrt((first + second - centre**2) / samples)
    return max(-1.0, centre - half), min(1.0, centre + half)


def _by_id(predictions: Predictions) -> dict[str, tuple[str, bool]]:
    by_id = {
        id_: (label, right)
        for id_, label, right in zip(predictions.ids, predictions.labels, predictions.correct, strict=True)
    }
    if len(by_id) < len(predictions):
        raise RunError("A sample occurs twice in the predictions, so they cannot be paired.")
    return by_id
