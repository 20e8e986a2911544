"""Vote fractions of samples, and as shares of the volunteers who were asked a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxynet.evaluation.votes import Fractions
from galaxynet.vote_tree import VoteTree

LEAST_ASKED = 0.5
"""A share of those who were asked says little where a smaller fraction of the volunteers was asked."""


@dataclass(frozen=True)
class VotedTest:
    """What the volunteers and a network say of the same samples.

    Attributes:
        tree: The questions.
        ids: Ids of the samples.
        observed: The volunteers' fractions, shape (samples, columns), at least one known; NaN where unknown.
        predicted: The network's.
    """

    tree: VoteTree
    ids: Sequence[str]
    observed: Fractions
    predicted: Fractions


def fraction_asked(tree: VoteTree, fractions: Fractions) -> Fractions:
    """The fraction of all volunteers who were asked each question, shape (samples, questions)."""
    everyone = np.ones(len(fractions))
    return np.stack([everyone if at is None else fractions[:, at] for at in tree.parents], axis=1)


def shares_of_asked(tree: VoteTree, fractions: Fractions) -> Fractions:
    """The shares of those who were asked, shape (samples, columns); NaN for no one, or unknown fractions."""
    led = np.repeat(fraction_asked(tree, fractions), tree.sizes, axis=1)
    shares = np.full(fractions.shape, np.nan)
    np.divide(fractions, led, out=shares, where=led > 0)
    return shares
