"""Intervals of vote fractions: what the volunteers may say of a sample, given what a network predicts.

The votes of a question are taken for a Dirichlet-multinomial sample. Its mean are the network's shares, its
concentration says how far the truth is from them, and the number of volunteers adds their own noise. Then the
votes of an answer have a beta-binomial distribution, of which an interval holds the central 90 %. Published
fractions come without counts, so `VOLUNTEERS` is an assumption.

The concentration of each question is the largest for which the intervals of the validation part hold its
votes in 90 % of the cases. So they have this coverage for samples like those, also where the distribution or
the number of volunteers is not quite right. The test part measures it.

Sources: Walmsley et al. 2022, MNRAS 509, 3966, section 4.2 (the distribution; their networks predict the
concentrations), and Angelopoulos et al. 2022, arXiv:2208.02814 (the choice by coverage).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from galaxynet.errors import RunError
from galaxynet.evaluation.calibration import FEWEST
from galaxynet.evaluation.vote_coverage import in_doubt
from galaxynet.evaluation.vote_shares import LEAST_ASKED, fraction_asked, shares_of_asked
from galaxynet.evaluation.votes import Fractions
from galaxynet.vote_tree import VoteTree

KEY = "vote_intervals"
"""Where the calibration in a record has them."""

CONFIDENCE = 0.9
"""The share of intervals that should hold what the volunteers said."""

VOLUNTEERS = 40
"""Volunteers of a sample, assumed: of Galaxy Zoo 2, half of the galaxies have more than 44."""

ASKED_IN_FIT = 0.3
"""Fraction of the volunteers above which a sample takes part in the fit of a question.

Intervals are given from half on, but of rare questions there would be too few.
"""

_WIDEST, _NARROWEST, _STEPS = 0.5, 5000.0, 20
_SMALLEST = 1e-4
"""The smallest mean of a beta distribution: softmax comes near to 0, and volunteers err."""
_ROWS = 4096


@dataclass(frozen=True)
class VoteIntervals:
    """What intervals of a network's vote fractions are computed with.

    Attributes:
        concentrations: By the name of a question: the larger, the nearer the votes are to the prediction.
            Questions with fewer than 30 validation samples are missing.
        samples: Validation samples that each question's was chosen by, of the missing ones too.
    """

    concentrations: Mapping[str, float]
    samples: Mapping[str, int]

    @classmethod
    def fit(cls, tree: VoteTree, observed: Fractions, predicted: Fractions) -> VoteIntervals:
        """Choose the concentrations by the votes of validation samples.

        Args:
            tree: The questions.
            observed: The volunteers' fractions; NaN where they are unknown.
            predicted: The network's.
        """
        led, expected = fraction_asked(tree, predicted), shares_of_asked(tree, predicted)
        counted = in_doubt(tree, observed, predicted, ASKED_IN_FIT)
        shares = shares_of_asked(tree, observed)
        concentrations, samples = {}, {}
        for number, (question, part) in enumerate(zip(tree.questions, tree.slices, strict=True)):
            rows = counted[:, part].any(axis=1)
            samples[question.name] = int(rows.sum())
            if samples[question.name] < FEWEST:
                continue
            concentration = _concentration(
                shares[rows, part], expected[rows, part], led[rows, number], counted[rows, part]
            )
            if concentration is not None:
                concentrations[question.name] = concentration
        return cls(concentrations, samples)

    def ends(self, tree: VoteTree, predicted: Fractions) -> tuple[Fractions, Fractions]:
        """The ends of the intervals of the shares of those who are asked.

        An end lies half a vote outside the count that bounds 90 %: published fractions are weighted, so they
        lie between the counts. The prediction itself is never outside.

        Args:
            tree: The questions.
            predicted: The network's fractions of all volunteers, shape (n, columns).

        Returns:
            Lower and upper ends, float64 of the same shape; NaN where fewer than half of the volunteers are
            asked, and for questions without a concentration.
        """
        shares, led = shares_of_asked(tree, predicted), fraction_asked(tree, predicted)
        low, high = np.full(predicted.shape, np.nan), np.full(predicted.shape, np.nan)
        for number, (question, part) in enumerate(zip(tree.questions, tree.slices, strict=True)):
            concentration = self.concentrations.get(question.name)
            if concentration is None:
                continue
            (rows,) = np.nonzero(led[:, number] >= LEAST_ASKED)
            for start in range(0, len(rows), _ROWS):
                block = rows[start : start + _ROWS]
                ends = _beta_binomial(shares[block, part], concentration, led[block, number])
                low[block, part], high[block, part] = ends
        return low, high

    def missing(self, tree: VoteTree) -> list[str]:
        """Names of the questions without intervals."""
        return [q.name for q in tree.questions if q.name not in self.concentrations]

    def to_dict(self) -> dict[str, Any]:
        """For the calibration of a record."""
        return {
            KEY: {
                "concentrations": dict(self.concentrations),
                "samples": dict(self.samples),
                "confidence": CONFIDENCE,
                "volunteers": VOLUNTEERS,
            }
        }

    @classmethod
    def from_calibration(cls, calibration: Mapping[str, Any]) -> VoteIntervals | None:
        """Those of a record's calibration; None if it has none.

        Raises:
            RunError: If they are not concentrations and counts.
        """
        values = calibration.get(KEY)
        if values is None:
            return None
        try:
            concentrations = {str(k): float(v) for k, v in values["concentrations"].items()}
            samples = {str(k): int(v) for k, v in values["samples"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RunError(f"The intervals in the record cannot be read: {error!r}.") from None
        if not all(0 < value < math.inf for value in concentrations.values()):
            raise RunError("The intervals in the record have a concentration that is not a positive number.")
        return cls(concentrations, samples)


def _concentration(
    observed: Fractions, predicted: Fractions, led: Fractions, counted: npt.NDArray[np.bool_]
) -> float | None:
    """The largest concentration of a question with the coverage; None if the smallest does not have it.

    Args:
        observed: Shares of those who were asked, shape (n, answers).
        predicted: The network's.
        led: The fraction that the network says is asked, shape (n,).
        counted: The answers that count, at least one of each sample.
    """
    # That of n + 1 samples of which the last one is not covered.
    needed = math.ceil(round((len(observed) + 1) * CONFIDENCE, 9)) / len(observed)

    def has_coverage(logarithm: float) -> bool:
        low, high = _beta_binomial(predicted, math.exp(logarithm), led)
        held = (observed >= low) & (observed <= high) & counted
        return float(np.mean(held.sum(axis=1) / counted.sum(axis=1))) >= min(needed, 1.0)

    low, high = math.log(_WIDEST), math.log(_NARROWEST)
    if not has_coverage(low):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if has_coverage(middle) else (low, middle)
    return math.exp(low)


def _beta_binomial(means: Fractions, concentration: float, led: Fractions) -> tuple[Fractions, Fractions]:
    """The ends for one question: `means` of shape (n, answers), `led` of shape (n,)."""
    mean = torch.from_numpy(means)[..., None]
    total = torch.from_numpy(np.maximum(np.round(VOLUNTEERS * led), 1.0))[:, None, None]
    votes = torch.arange(VOLUNTEERS + 1, dtype=torch.float64)
    possible = votes <= total
    others = (total - votes).clamp(min=0)
    a = concentration * mean.clamp(_SMALLEST, 1 - _SMALLEST)
    b = concentration - a
    logarithm = (
        torch.lgamma(total + 1) - torch.lgamma(votes + 1) - torch.lgamma(others + 1)
        + torch.lgamma(votes + a) + torch.lgamma(others + b) - torch.lgamma(total + concentration)
        + math.lgamma(concentration) - torch.lgamma(a) - torch.lgamma(b)
    )  # fmt: skip
    cumulative = torch.where(possible, logarithm.exp(), 0.0).cumsum(dim=-1)
    tail = (1 - CONFIDENCE) / 2
    counts = [(cumulative < level).sum(dim=-1).double() for level in (tail, 1 - tail)]
    low = ((counts[0] - 0.5) / total[..., 0]).clamp(0, 1).numpy()
    high = ((counts[1] + 0.5) / total[..., 0]).clamp(0, 1).numpy()
    return np.minimum(low, means), np.maximum(high, means)
