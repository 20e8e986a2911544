"""Intervals and tests say how sure a figure is, by the published formulas."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxynet.errors import RunError
from galaxynet.evaluation.intervals import accuracy_interval, student, student_quantile, wilson
from galaxynet.evaluation.mcnemar import McNemar, difference_interval, mcnemar, sign_test
from galaxynet.runs import Predictions


@pytest.mark.promise("Measurements")
@pytest.mark.parametrize(
    ("correct", "samples", "low", "high"),
    [
        # scipy 1.x: binomtest(x, n).proportion_ci(method="wilson")
        (690, 1000, 0.6606535, 0.7178924),
        (15, 148, 0.0623864, 0.1604872),
        (1, 29, 0.0061132, 0.1717552),
        (0, 20, 0.0, 0.1611252),
        (20, 20, 0.8388748, 1.0),
    ],
)
def test_the_interval_is_the_published_one(correct: int, samples: int, low: float, high: float) -> None:
    """Wilson's interval agrees with other programs to six digits, at the ends too."""
    assert wilson(correct, samples) == pytest.approx((low, high), abs=1e-7)


@settings(deadline=None)
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(pair: tuple[int, int]) -> None:
    """No accuracy is said to be possibly over 100 %, and more confidence makes it wider."""
    correct, samples = pair
    low, high = wilson(correct, samples)
    assert 0 <= low <= correct / samples <= high <= 1
    wide = wilson(correct, samples, 0.99)
    assert wide[0] <= low
    assert high <= wide[1]


def test_an_impossible_share_has_no_interval() -> None:
    """More right than there are is a mistake of the caller, and no samples say nothing."""
    for correct, samples in ((3, 2), (-1, 2), (0, 0)):
        with pytest.raises(ValueError, match="no share"):
            wilson(correct, samples)
    assert accuracy_interval(1.0000001, 10) == wilson(10, 10)
    assert accuracy_interval(-0.0000001, 10) == wilson(0, 10)


@pytest.mark.promise("Measurements")
@pytest.mark.parametrize(
    ("first", "second", "p"),
    # scipy 1.x: binomtest(x, n).pvalue
    [
        (10, 2, 0.03857421875),
        (5, 5, 1.0),
        (0, 0, 1.0),
        (1, 0, 1.0),
        (0, 6, 0.03125),
        (101, 59, 0.0011229051962),
    ],
)
def test_the_sign_test_is_the_exact_binomial_test(first: int, second: int, p: float) -> None:
    """The p-value of two networks agrees with other programs."""
    assert sign_test(first, second) == pytest.approx(p, rel=1e-9)
    assert sign_test(second, first) == sign_test(first, second)


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_sums_the_tails(first: int, second: int) -> None:
    """It equals the plain sum over all splits that are at least as uneven."""
    trials = first + second
    uneven = abs(first - second)
    total = sum(math.comb(trials, k) for k in range(trials + 1) if abs(2 * k - trials) >= uneven)
    assert sign_test(first, second) == pytest.approx(total / 2**trials)


def test_the_sign_test_takes_a_test_set_of_any_size() -> None:
    """Twenty thousand samples neither overflow nor give a p-value below 0."""
    assert sign_test(20_000, 0) == 0.0
    assert 0 < sign_test(10_100, 9_900) < 1


def _predictions(right: str, ids: str = "abcdefgh") -> Predictions:
    return Predictions(list(ids), ["x"] * len(ids), ["x" if mark == "+" else "y" for mark in right])


@pytest.mark.promise("Measurements")
def test_runs_are_paired_by_id_and_not_by_row() -> None:
    """Two runs are compared sample by sample, by id and not by row."""
    first = _predictions("++++++++---", "abcdefghijk")
    second = _predictions("--++-+-+-++", "kjihgfedcba")
    result = mcnemar(first, second)
    assert (result.both, result.first, result.second, result.neither) == (5, 3, 1, 2)
    assert result.p == sign_test(3, 1) == 0.625


@pytest.mark.promise("Measurements")
def test_other_samples_or_other_labels_are_not_compared() -> None:
    """A difference between test sets is not passed off as one between networks."""
    first = _predictions("++++++++")
    with pytest.raises(RunError, match="same samples: 2"):
        mcnemar(first, _predictions("++++++++", "abcdefgz"))
    with pytest.raises(RunError, match="other labels: 8"):
        mcnemar(first, Predictions(list("abcdefgh"), ["z"] * 8, ["z"] * 8))
    with pytest.raises(RunError, match=r"^A sample occurs twice .* cannot be paired\.$"):
        mcnemar(_predictions("++", "aa"), _predictions("++", "aa"))


@pytest.mark.parametrize(
    ("freedom", "t"),
    # scipy 1.x: t.ppf(0.975, freedom)
    [
        (1, 12.706204736),
        (2, 4.302652730),
        (3, 3.182446305),
        (4, 2.776445105),
        (11, 2.200985160),
        (30, 2.042272456),
    ],
)
def test_students_quantile_is_the_published_one(freedom: int, t: float) -> None:
    """Student's t agrees with other programs, for odd and even degrees of freedom."""
    assert student_quantile(0.95, freedom) == pytest.approx(t, rel=1e-8)


def test_students_interval() -> None:
    """The interval of a few seeds is their mean and t times its standard error, and one seed has none."""
    assert student([1.0, 2.0, 3.0]) == pytest.approx((2 - 4.30265273 / 3**0.5, 2 + 4.30265273 / 3**0.5))
    assert student([0.5, 0.5, 0.5]) == (0.5, 0.5)
    assert student([1.0, 2.0]) == pytest.approx((1.5 - 12.706204736 / 2, 1.5 + 12.706204736 / 2))
    with pytest.raises(ValueError, match=r"^the interval of a mean needs at least two values"):
        student([0.5])


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 200)] * 4).filter(any))
def test_the_interval_of_a_difference_turns_with_it(counts: tuple[int, int, int, int]) -> None:
    """It stays within -1 and 1, and is turned around when the two networks are."""
    both, first, second, neither = counts
    low, high = difference_interval(McNemar(both, first, second, neither, 1.0))
    assert -1 <= low <= high <= 1
    assert difference_interval(McNemar(both, second, first, neither, 1.0)) == pytest.approx((-high, -low))


def test_the_interval_of_a_difference_is_the_published_one() -> None:
    """By hand, after Bonett and Price: 39 and 4 of 60 discordant samples."""
    low, high = difference_interval(McNemar(10, 39, 4, 7, 0.0))
    assert (low, high) == pytest.approx((0.4056915, 0.7233407), abs=1e-6)
