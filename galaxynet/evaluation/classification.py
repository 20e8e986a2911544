"""How good a classifier is: all that its probabilities say of samples with known classes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from galaxynet.evaluation.calibration import Probabilities
from galaxynet.evaluation.conformal import ConformalSets
from galaxynet.evaluation.mcnemar import McNemar, difference_interval, mcnemar
from galaxynet.evaluation.prior import Prior
from galaxynet.evaluation.scores import (
    ClassScores,
    ProbabilityScores,
    Share,
    at_temperature,
    class_scores,
    confusion,
    probability_scores,
)
from galaxynet.runs import Predictions

COVERAGES = (0.8, 0.9, 0.95, 0.99)
"""Coverages of conformal sets that are measured, where there are enough validation samples."""

_AGREEMENTS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Coverage:
    """Conformal sets on these samples.

    Attributes:
        promised: The share of sets that should hold the true class.
        measured: The share that does.
        size: Mean number of classes in a set.
    """

    promised: float
    measured: Share
    size: float


@dataclass(frozen=True)
class AgreementBin:
    """Samples on whose label as many volunteers agreed.

    Attributes:
        low: Lower end, a share of volunteers.
        high: Upper end.
        accuracy: Those that are predicted right.
    """

    low: float
    high: float
    accuracy: Share


@dataclass(frozen=True)
class Shift:
    """What the shift of probabilities to a prior has changed.

    Attributes:
        prior: The prior.
        scores: Scores of the shifted probabilities.
        unshifted: Samples that are predicted right without the shift.
        test: McNemar's test of the predictions with the shift (first) and without.
        low: Lower end of the 95 % interval of the difference of their accuracies.
        high: Upper end.
    """

    prior: Prior
    scores: ProbabilityScores
    unshifted: Share
    test: McNemar
    low: float
    high: float


@dataclass(frozen=True)
class Classification:
    """How good a classifier is.

    Attributes:
        classes: Names of the classes.
        accuracy: Samples that are predicted right.
        majority: The most frequent class of the prior, or without one of the training, and what always
            answering it scores; None if unknown.
        per_class: Precision and recall of each class.
        confusion: Samples of each true class (row) and each predicted class (column).
        uncalibrated: Scores of the probabilities as the network gives them.
        temperature: What the logits are divided by; None if none was fitted.
        calibrated: Scores of the probabilities at that temperature.
        coverage: Conformal sets; empty where the run has none.
        agreement: Accuracy by the volunteers' agreement; empty where it is unknown.
        predictions: The single predictions, with the probabilities as the network gives them, or as they are
            after the shift.
        shift: What the shift to a prior has changed; None for no shift. With one, all predictions are those
            after it, and there is no `coverage`.
    """

    classes: tuple[str, ...]
    accuracy: Share
    majority: tuple[str, Share] | None
    per_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    uncalibrated: ProbabilityScores
    temperature: float | None
    calibrated: ProbabilityScores | None
    coverage: tuple[Coverage, ...]
    agreement: tuple[AgreementBin, ...]
    predictions: Predictions = field(repr=False)
    shift: Shift | None = None


def classify(
    ids: Sequence[str],
    targets: npt.NDArray[np.int64],
    probabilities: Probabilities,
    classes: Sequence[str],
    *,
    temperature: float | None,
    conformal: ConformalSets | None,
    majority: str | None,
    agreement: Sequence[float] = (),
    prior: Prior | None = None,
) -> Classification:
    """All that can be said of a classifier's probabilities.

    Args:
        ids: Ids of the samples, at least one.
        targets: Their classes, shape (n,).
        probabilities: As the network gives them, shape (n, classes).
        classes: Names of the classes.
        temperature: The run's temperature; None for none.
        conformal: The run's scores; None for none.
        majority: The most frequent class of the training.
        agreement: Share of volunteers behind each label, NaN where unknown; empty for none.
        prior: The prior to shift the probabilities to; None for none.
    """
    names = list(classes)
    calibrated = probabilities if temperature is None else at_temperature(probabilities, temperature)
    final = probabilities if prior is None else prior.apply(calibrated)
    predictions, shift = _predictions(ids, targets, final, names), None
    if prior is not None:
        unshifted = _predictions(ids, targets, probabilities, names)
        shift = _shift(prior, probability_scores(final, targets), predictions, unshifted)
        majority = prior.most_frequent or majority
    guesses = final.argmax(axis=1)
    right = guesses == targets
    counts = confusion(targets, guesses, len(classes))
    return Classification(
        classes=tuple(classes),
        accuracy=_share(right),
        majority=(majority, _share(targets == names.index(majority))) if majority in names else None,
        per_class=class_scores(counts, classes),
        confusion=tuple(tuple(row) for row in counts.tolist()),
        uncalibrated=probability_scores(probabilities, targets),
        temperature=temperature,
        calibrated=None if temperature is None else probability_scores(calibrated, targets),
        coverage=() if conformal is None or prior is not None else _coverage(conformal, calibrated, targets),
        agreement=_agreement(np.asarray(agreement, np.float64), right),
        predictions=predictions,
        shift=shift,
    )


def _predictions(
    ids: Sequence[str], targets: npt.NDArray[np.int64], probabilities: Probabilities, names: list[str]
) -> Predictions:
    guesses = probabilities.argmax(axis=1).tolist()
    return Predictions(
        list(ids),
        [names[target] for target in targets.tolist()],
        [names[guess] for guess in guesses],
        names,
        probabilities.tolist(),
    )


def _shift(prior: Prior, scores: ProbabilityScores, shifted: Predictions, unshifted: Predictions) -> Shift:
    test = mcnemar(shifted, unshifted)
    low, high = difference_interval(test)
    return Shift(prior, scores, Share(test.both + test.second, len(unshifted)), test, low, high)


def _coverage(
    conformal: ConformalSets, probabilities: Probabilities, targets: npt.NDArray[np.int64]
) -> tuple[Coverage, ...]:
    coverages = []
    for promised in COVERAGES:
        if conformal.supports(promised):
            sets = conformal.sets(probabilities, promised)
            covered = sets[np.arange(len(targets)), targets]
            coverages.append(Coverage(promised, _share(covered), float(sets.sum(axis=1).mean())))
    return tuple(coverages)


def _agreement(agreement: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> tuple[AgreementBin, ...]:
    bins = []
    for low, high in itertools.pairwise(_AGREEMENTS):
        rows = (agreement >= low) & ((agreement < high) | (high == 1))
        if rows.any():
            bins.append(AgreementBin(low, high, _share(right[rows])))
    return tuple(bins)


def _share(flags: npt.NDArray[np.bool_]) -> Share:
    return Share(int(flags.sum()), len(flags))
