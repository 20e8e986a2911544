"""Tests whether two networks with the same test samples differ by more than chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from galaxynet.errors import RunError
from galaxynet.report.rows import Group
from galaxynet.runs import Predictions, Run
from galaxynet.runs.folder import PREDICTIONS


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


def sentence(first: Run, second: Run) -> str:
    """The result of the test of two runs, as a sentence.

    Raises:
        RunError: If one has no predictions, or they cannot be paired.
    """
    result = mcnemar(_predictions(first), _predictions(second))
    if result.first == result.second == 0:
        return (
            f"McNemar, exact: {first.label} and {second.label} are right on the same {result.both:,} "
            "samples; there is no difference to test."
        )
    p = (
        "p < 0.0001"
        if result.p < 1e-4
        else f"p = {result.p:.4f}"
        if result.p < 0.1
        else f"p = {result.p:.2f}"
    )
    verdict = (
        "they differ by more than chance"
        if result.p < 0.05
        else "chance alone explains such a difference"
        if result.first != result.second
        else "they are right equally often"
    )
    return (
        f"McNemar, exact: only {first.label} is right on {result.first:,} samples, only {second.label} on "
        f"{result.second:,}; {p}, {verdict}."
    )


def significance_note(runs: Sequence[Run], groups: Sequence[Group]) -> str:
    """The sentence for two runs of one table, or why they are not tested; empty for other runs."""
    if len(runs) != 2 or len(groups) != 1 or runs[0].record.task != "classification":
        return ""
    first, second = (row.run for row in groups[0].rows) if len(groups[0].rows) == 2 else runs
    try:
        return sentence(first, second)
    except RunError as error:
        return f"Not tested for significance: {error.message}"


def _predictions(run: Run) -> Predictions:
    """The predictions of a run, checked to be complete."""
    path = run.path / PREDICTIONS
    if run.status == "finished" and not path.exists():
        raise RunError(f"{path} is missing, although the run is finished: it was removed.")
    predictions = run.predictions()
    samples = run.record.splits.get("test", len(predictions))
    if len(predictions) != samples:
        raise RunError(
            f"{path} is damaged: it has {len(predictions):,} of the {samples:,} samples of the test."
        )
    return predictions


def _by_id(predictions: Predictions) -> dict[str, tuple[str, bool]]:
    by_id = {
        id_: (label, right)
        for id_, label, right in zip(predictions.ids, predictions.labels, predictions.correct, strict=True)
    }
    if len(by_id) < len(predictions):
        raise RunError("A sample occurs twice in the predictions, so they cannot be paired.")
    return by_id
