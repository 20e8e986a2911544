"""Interval of a mean by resampling, for values of any distribution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_RESAMPLES = 1000
_CHUNK = 4_000_000


def bootstrap_mean(values: npt.NDArray[np.float64], seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of a mean.

    Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979).

    Args:
        values: One value for each sample, shape (n,), n at least 1.
        seed: Determines the resampling.
    """
    rng = np.random.default_rng(seed)
    means: list[npt.NDArray[np.float64]] = []
    chunk = max(1, _CHUNK // len(values))
    for start in range(0, _RESAMPLES, chunk):
        rows = rng.integers(0, len(values), (min(chunk, _RESAMPLES - start), len(values)))
        means.append(values[rows].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975)).tolist()
    return low, high
