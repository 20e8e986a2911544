"""Accuracy of the answers with the most votes, by how far the volunteers agree."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.evaluation.scores import Share
from galaxynet.evaluation.vote_shares import LEAST_ASKED, fraction_asked, shares_of_asked
from galaxynet.evaluation.votes import Fractions, pluralities
from galaxynet.vote_tree import VoteTree

AGREEMENTS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Accuracies are measured where at least this share of those who were asked gave one answer."""

MARGINS = (0.0, 0.05, 0.1, 0.2, 0.4, 1.0)
"""Borders of the bins of the margin between the two answers with the most votes."""


@dataclass(frozen=True)
class AgreementScore:
    """Samples on which the volunteers agree.

    Attributes:
        least: The smallest share of one answer, of those who were asked.
        accuracy: Those whose answer with the most votes is predicted.
    """

    least: float
    accuracy: Share


@dataclass(frozen=True)
class MarginScore:
    """Samples by the margin between the two answers with the most votes of all.

    Attributes:
        low: Lower end, a fraction of all volunteers.
        high: Upper end.
        accuracy: Those whose answer with the most votes is predicted.
    """

    low: float
    high: float
    accuracy: Share


def agreement_scores(
    tree: VoteTree, observed: Fractions, predicted: Fractions
) -> Mapping[str, tuple[AgreementScore, ...]]:
    """Accuracy of each question's most frequent answer, where the volunteers agree.

    Only samples of which at least half of the volunteers were asked count. Thresholds that no sample reaches
    are missing.
    """
    led, shares = fraction_asked(tree, observed), shares_of_asked(tree, observed)
    scores = {}
    for number, (question, part) in enumerate(zip(tree.questions, tree.slices, strict=True)):
        truth = shares[:, part]
        rows = np.isfinite(truth).all(axis=1) & (led[:, number] >= LEAST_ASKED)
        truth = truth[rows]
        right = truth.argmax(axis=1) == predicted[rows, part].argmax(axis=1)
        largest = truth.max(axis=1, initial=0.0)
        parts = [(least, right[largest >= least]) for least in AGREEMENTS]
        scores[question.name] = tuple(
            AgreementScore(least, _share(flags)) for least, flags in parts if len(flags)
        )
    return scores


def margin_scores(tree: VoteTree, observed: Fractions, predicted: Fractions) -> tuple[MarginScore, ...]:
    """Accuracy of the answer with the most votes of all, by its margin to the second; no empty bins."""
    truth, guess = pluralities(tree, observed), pluralities(tree, predicted)
    rows = truth >= 0
    votes = np.sort(observed[rows][:, list(tree.plurality_columns)], axis=1)
    margin, right = votes[:, -1] - votes[:, -2], (truth == guess)[rows]
    scores = []
    for low, high in itertools.pairwise(MARGINS):
        inside = (margin >= low) & ((margin < high) | (high == MARGINS[-1]))
        if inside.any():
            scores.append(MarginScore(low, high, _share(right[inside])))
    return tuple(scores)


def agreement_record(tree: VoteTree, observed: Fractions, predicted: Fractions) -> dict[str, Any]:
    """Both as lists of `[border, right, samples]`, for the record of a run."""
    return {
        "agreement": {
            name: [[part.least, part.accuracy.count, part.accuracy.samples] for part in parts]
            for name, parts in agreement_scores(tree, observed, predicted).items()
            if parts
        },
        "margin": [
            [part.low, part.accuracy.count, part.accuracy.samples]
            for part in margin_scores(tree, observed, predicted)
        ],
    }


def _share(flags: npt.NDArray[np.bool_]) -> Share:
    return Share(int(flags.sum()), len(flags))
