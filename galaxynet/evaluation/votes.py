"""How good predicted vote fractions are: errors with their interval, and accuracies of derived classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from galaxynet.vote_tree import VoteClass, VoteTree

Fractions = npt.NDArray[np.float64]
"""Shape (samples, columns); NaN where a fraction is unknown."""

RESAMPLES = 1000
_SEED = 0


def rmse(observed: Fractions, predicted: Fractions) -> float:
    """Root mean square error of the known fractions; NaN if none are known."""
    errors = (predicted - observed)[~np.isnan(observed)]
    return float(np.sqrt(np.mean(errors**2))) if len(errors) else float("nan")


def rmse_interval(observed: Fractions, predicted: Fractions) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of `rmse`, resampling samples.

    Source: B. Efron and R. Tibshirani, "An introduction to the bootstrap" (1993), section 13.3.
    """
    known = ~np.isnan(observed)
    squares = np.where(known, predicted - observed, 0.0) ** 2
    totals, counts = squares.sum(axis=1), known.sum(axis=1)
    generator = np.random.default_rng(_SEED)
    size = len(observed)
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(generator.integers(0, size, size), minlength=size)
        drawn.append(np.sqrt(times @ totals / max(float(times @ counts), 1.0)))
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return low, high


def vote_metrics(tree: VoteTree, observed: Fractions, predicted: Fractions) -> dict[str, float]:
    """All that is said of a test besides its loss and `rmse`. Samples without any votes do not count.

    Args:
        tree: The questions.
        observed: The volunteers' fractions.
        predicted: The network's.

    Returns:
        `rmse_low` and `rmse_high`, the ends of the interval; `rmse_<question>`; where some samples have no
        votes, `rmse_samples`, the number of the others; where some lack fractions, `complete/rmse` of the
        others, and `complete/samples`; `plurality/accuracy`, the share of samples whose answer with the most
        votes is predicted; and for each scheme of classes its `accuracy` and, as `samples`, how many samples
        fit one of the classes. What no sample has is missing.
    """
    metrics: dict[str, float] = {}
    voted = ~np.isnan(observed).all(axis=1)
    if not voted.all():
        metrics["rmse_samples"] = float(voted.sum())
        observed, predicted = observed[voted], predicted[voted]
    if len(observed):
        metrics["rmse_low"], metrics["rmse_high"] = rmse_interval(observed, predicted)
    for question, part in zip(tree.questions, tree.slices, strict=True):
        error = rmse(observed[:, part], predicted[:, part])
        if not np.isnan(error):
            metrics[f"rmse_{question.name}"] = error
    complete = ~np.isnan(observed).any(axis=1)
    if complete.any() and not complete.all():
        metrics["complete/rmse"] = rmse(observed[complete], predicted[complete])
        metrics["complete/samples"] = float(complete.sum())
    schemes = {"plurality": (pluralities(tree, observed), pluralities(tree, predicted))}
    for name, classes in tree.classes.items():
        schemes[name] = (fitting(tree, classes, observed), nearest(tree, classes, predicted))
    for name, (truth, guess) in schemes.items():
        labelled = truth >= 0
        if labelled.any():
            metrics[f"{name}/accuracy"] = float(np.mean(truth[labelled] == guess[labelled]))
            metrics[f"{name}/samples"] = float(labelled.sum())
    return metrics


def pluralities(tree: VoteTree, fractions: Fractions) -> npt.NDArray[np.int64]:
    """The index in `tree.columns` of the highest fraction, the first of equals; -1 where it is unknown."""
    candidates = np.array(tree.plurality_columns)
    part = fractions[:, candidates]
    known = ~np.isnan(part).any(axis=1)
    best = candidates[np.where(np.isnan(part), -1.0, part).argmax(axis=1)]
    return np.where(known, best, -1)


def fitting(tree: VoteTree, classes: Sequence[VoteClass], fractions: Fractions) -> npt.NDArray[np.int64]:
    """The first class whose thresholds all reach; -1 where none is known to."""
    with np.errstate(invalid="ignore"):
        fits = _ratios(tree, classes, fractions) >= 1
    return np.where(fits.any(axis=1), fits.argmax(axis=1), -1)


def nearest(tree: VoteTree, classes: Sequence[VoteClass], fractions: Fractions) -> npt.NDArray[np.int64]:
    """The class whose thresholds are nearest to being reached: the largest of the smallest ratios to them.

    A predicted fraction lies nearer to the mean than what the volunteers said, so predictions often reach no
    threshold where the volunteers did.
    """
    index: npt.NDArray[np.int64] = _ratios(tree, classes, fractions).argmax(axis=1)
    return index


def _ratios(tree: VoteTree, classes: Sequence[VoteClass], fractions: Fractions) -> Fractions:
    """The smallest ratio of a fraction and its threshold, shape (samples, classes)."""
    index = {column: number for number, column in enumerate(tree.columns)}
    ratios = [
        np.min([fractions[:, index[column]] / least for column, least in c.minima.items()], axis=0)
        for c in classes
    ]
    return np.stack(ratios, axis=1)
