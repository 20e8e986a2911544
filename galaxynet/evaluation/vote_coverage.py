"""Whether intervals of vote fractions hold what the volunteers said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from galaxynet.evaluation.bootstrap import bootstrap_mean
from galaxynet.evaluation.vote_shares import LEAST_ASKED, fraction_asked, shares_of_asked
from galaxynet.evaluation.votes import Fractions
from galaxynet.vote_tree import VoteTree

Ends = tuple[Fractions, Fractions]
"""Lower and upper ends of intervals of the shares of those who are asked; NaN where there are none."""


DOUBT = 0.05
"""Answers that are predicted below this share, or above its complement, do not count for a coverage: their
intervals nearly always hold the votes, and would hide that others do so too rarely."""


@dataclass(frozen=True)
class IntervalScore:
    """Intervals of answers in doubt, on samples whose votes are known.

    Attributes:
        coverage: Intervals that hold what the volunteers said: the mean over samples of their share.
        low: Lower end of its 95 % interval (bootstrap over samples).
        high: Upper end.
        width: Mean width of the intervals, a share of those who were asked.
        samples: Samples with an interval.
    """

    coverage: float
    low: float
    high: float
    width: float
    samples: int


def in_doubt(
    tree: VoteTree, observed: Fractions, predicted: Fractions, least: float
) -> npt.NDArray[np.bool_]:
    """Which answers count for a coverage: known, and predicted neither near 0 nor near 1.

    Args:
        tree: The questions.
        observed: The volunteers' fractions, shape (n, columns).
        predicted: The network's.
        least: The fraction of the volunteers of whom the network has to say that they are asked.
    """
    shares = shares_of_asked(tree, predicted)
    led = np.repeat(fraction_asked(tree, predicted), tree.sizes, axis=1)
    known = np.isfinite(shares_of_asked(tree, observed))
    counted: npt.NDArray[np.bool_] = known & (led >= least) & (shares >= DOUBT) & (shares <= 1 - DOUBT)
    return counted


def held(tree: VoteTree, observed: Fractions, predicted: Fractions, ends: Ends) -> Fractions:
    """1 where the interval of an answer in doubt holds the volunteers' share, 0 where not, else NaN."""
    shares = shares_of_asked(tree, observed)
    given = in_doubt(tree, observed, predicted, LEAST_ASKED) & np.isfinite(ends[0])
    return np.where(given, (shares >= ends[0]) & (shares <= ends[1]), np.nan)


def mean_held(flags: Fractions) -> Fractions:
    """The share of each sample's intervals that hold the volunteers' share; samples without any left out."""
    given = np.isfinite(flags)
    rows = given.any(axis=1)
    shares: Fractions = np.nansum(flags[rows], axis=1) / given[rows].sum(axis=1)
    return shares


def interval_score(flags: Fractions, ends: Ends) -> IntervalScore | None:
    """The score of some columns.

    Args:
        flags: Of `held`, shape (n, columns).
        ends: Of the same columns.

    Returns:
        None if there are no intervals.
    """
    values = mean_held(flags)
    if not len(values):
        return None
    low, high = bootstrap_mean(values)
    widths = (ends[1] - ends[0])[np.isfinite(flags)]
    return IntervalScore(float(values.mean()), low, high, float(widths.mean()), len(values))
