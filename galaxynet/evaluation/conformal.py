"""Conformal sets: classes that hold the true one in a given share of cases, whatever the network is like."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from galaxynet import untrusted
from galaxynet.errors import RunError
from galaxynet.evaluation.array_file import read_arrays, write_arrays
from galaxynet.evaluation.calibration import Probabilities

CONFORMAL = "conformal.npz"
_LARGEST = 16 * untrusted.MIB
_MOST_SCORES = 1_000_000


@dataclass(frozen=True)
class ConformalSets:
    """Split conformal prediction with the score 1 - p(true class): the smallest sets on average.

    Over new samples of the validation part's population, a set holds the true class with at least the
    probability asked for. That is an average over all classes: a rare one may be covered less. The likeliest
    class is always in the set, which only adds to the coverage. The temperature was fitted to the same
    samples; with one number for all of them that does not show in measured coverage.

    Source: M. Sadinle, J. Lei and L. Wasserman, "Least ambiguous set-valued classifiers with bounded error
    levels", Journal of the American Statistical Association 114 (2019).

    Attributes:
        scores: Scores of the validation samples in ascending order, float32, shape (n,).
    """

    scores: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, probabilities: Probabilities, targets: npt.NDArray[np.int64]) -> ConformalSets:
        """Keep the scores of calibrated probabilities of shape (n, classes) and their classes."""
        scores = 1 - probabilities[np.arange(len(targets)), targets].astype(np.float64)
        scores = scores[np.isfinite(scores)]
        return cls(np.sort(scores[:_MOST_SCORES]).astype(np.float32))

    def supports(self, coverage: float) -> bool:
        """Whether there are enough samples: 9 for 0.9, 99 for 0.99; with fewer, sets hold every class."""
        return self._rank(coverage) <= len(self.scores)

    def threshold(self, coverage: float) -> float:
        """The least probability of a class in a set; 0 (every class) with too few samples.

        Args:
            coverage: Between 0 and 1.

        Raises:
            ValueError: If it is not between 0 and 1.
        """
        if not self.supports(coverage):
            return 0.0
        # A float32's rounding must not leave out the sample that defines the threshold.
        return max(0.0, 1 - float(np.nextafter(self.scores[self._rank(coverage) - 1], np.float32(2))))

    def _rank(self, coverage: float) -> int:
        if not 0 < coverage < 1:
            raise ValueError(f"a coverage is between 0 and 1, and not {coverage:g}")
        # Rounded, as 0.9 * 10 is a little more than 9 in binary.
        return math.ceil(round((len(self.scores) + 1) * coverage, 9))

    def sets(self, probabilities: Probabilities, coverage: float) -> npt.NDArray[np.bool_]:
        """Which classes are in each sample's set, shape (n, classes).

        Args:
            probabilities: Calibrated, shape (n, classes). A row with NaN has an empty set.
            coverage: The share of sets that hold the true class, between 0 and 1.
        """
        members = probabilities >= self.threshold(coverage)
        finite = np.isfinite(probabilities).all(axis=1)
        members[finite, probabilities[finite].argmax(axis=1)] = True
        members[~finite] = False
        return members

    def write(self, path: Path) -> None:
        """Write the file in one step."""
        write_arrays(path, scores=self.scores)

    @classmethod
    def read(cls, path: Path) -> ConformalSets:
        """Read the file.

        Raises:
            RunError: If it is missing or damaged.
        """
        (scores,) = read_arrays(path, ("scores",), _LARGEST)
        fits = scores.dtype == np.float32 and scores.ndim == 1 and len(scores) <= _MOST_SCORES
        if not fits or not (np.isfinite(scores).all() and (np.diff(scores) >= 0).all()):
            raise RunError(f"{path} is damaged: it has no scores in order.")
        return cls(scores)
