"""Novelty: how unlike the training samples an input is, by its distance to the nearest in feature space."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import untrusted
from galaxynet.errors import RunError
from galaxynet.evaluation.array_file import read_arrays, write_arrays

NOVELTY = "novelty.npz"
MOST_REFERENCES = 2000
_REFERENCE_BYTES = 4 * untrusted.MIB
_LARGEST = 16 * untrusted.MIB
_PERCENTILE = 0.99
_CHUNK = 256


@dataclass(frozen=True)
class NoveltyModel:
    """Euclidean distance to the nearest of up to 2,000 training samples, in units of the usual distance.

    The unit is the 99th percentile of the validation part, so 1 % of samples like those score above 1. It
    has no upper bound.

    Chosen on one network (galaxy_alexnet, 7,500 training images) from Mahalanobis distances with shrinkage,
    with and without classes, and nearest neighbours, Euclidean and cosine. All but the cosine ones find
    uniform noise, text, digits and clothes. Neighbours among a quarter of the training part also find dark
    noise and shuffled pixels; among all of it they miss these, so that lead depends on the references.

    Source: Y. Sun et al., "Out-of-distribution detection with deep nearest neighbors", ICML 2022
    (arXiv:2204.06507); not normalised here, as the length of the features tells noise and digits best.

    Attributes:
        references: Features of training samples, float32, shape (k, features).
        unit: The distance that scores 1.
    """

    references: npt.NDArray[np.float32]
    unit: float

    @classmethod
    def fit(
        cls, training: npt.NDArray[np.floating[Any]], validation: npt.NDArray[np.floating[Any]]
    ) -> NoveltyModel | None:
        """Keep references and measure the unit; None where all features are alike.

        Args:
            training: Features of training samples, shape (n, features); evenly spaced ones are kept.
            validation: Features of the validation part, shape (m, features).
        """
        training = training[np.isfinite(training).all(axis=1)]
        validation = validation[np.isfinite(validation).all(axis=1)]
        if not len(training) or not len(validation) or not training.shape[1]:
            return None
        most = min(MOST_REFERENCES, max(1, _REFERENCE_BYTES // (4 * training.shape[1])))
        step = -(-len(training) // most)
        references = training[::step].astype(np.float32)
        distances = _distances(references, validation)
        # Rank and not interpolation: at most 1 % of the validation part itself is above 1.
        unit = float(np.quantile(distances, _PERCENTILE, method="higher"))
        return cls(references, unit) if unit > 0 and np.isfinite(unit) else None

    def score(self, features: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """The novelty of each row, shape (n,); NaN where a feature is not finite. Rows do not mix.

        Args:
            features: Shape (n, features).
        """
        return _distances(self.references, features) / self.unit

    def write(self, path: Path, *, half: bool = False) -> None:
        """Write the file in one step.

        Args:
            path: The file.
            half: Store the features as 16-bit floats, if they fit: that changes a distance by about 0.1 %.
        """
        references: npt.NDArray[np.floating[Any]] = self.references
        if half and np.abs(references).max() < np.finfo(np.float16).max:
            references = references.astype(np.float16)
        write_arrays(path, references=references, unit=np.float64(self.unit))

    @classmethod
    def read(cls, path: Path) -> NoveltyModel:
        """Read the file.

        Raises:
            RunError: If it is missing or damaged.
        """
        references, unit = read_arrays(path, ("references", "unit"), _LARGEST)
        # Exported runs keep them in 16 bits.
        is_known = references.dtype in (np.float32, np.float16)
        has_references = references.ndim == 2 and references.size > 0 and is_known
        has_unit = unit.shape == () and unit.dtype == np.float64 and 0 < unit < np.inf
        if not (has_references and has_unit and np.isfinite(references).all()):
            raise RunError(f"{path} is damaged: its parts do not fit together.")
        return cls(references.astype(np.float32), float(unit))


def _distances(
    references: npt.NDArray[np.float32], features: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.float64]:
    """Distance of each row of features to the nearest reference."""
    known = references.astype(np.float64)
    squares = np.square(known).sum(axis=1)
    nearest = np.full(len(features), np.nan)
    finite = np.flatnonzero(np.isfinite(features).all(axis=1))
    for start in range(0, len(finite), _CHUNK):
        rows = finite[start : start + _CHUNK]
        block = features[rows].astype(np.float64)
        index = (squares - 2 * block @ known.T).argmin(axis=1)
        # The expansion finds the neighbour; the difference gives its distance without cancellation.
        nearest[rows] = np.sqrt(np.square(block - known[index]).sum(axis=1))
    return nearest
