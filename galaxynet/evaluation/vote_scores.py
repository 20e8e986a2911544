"""How good predicted vote fractions are, question by question: what an evaluation shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from galaxynet.evaluation.scores import Share
from galaxynet.evaluation.vote_agreement import AgreementScore, MarginScore, agreement_scores, margin_scores
from galaxynet.evaluation.vote_coverage import IntervalScore, held, interval_score
from galaxynet.evaluation.vote_intervals import VoteIntervals
from galaxynet.evaluation.vote_shares import VotedTest
from galaxynet.evaluation.votes import Fractions, fitting, nearest, pluralities, rmse, rmse_interval
from galaxynet.vote_tree import VoteTree

_BINS = 5


@dataclass(frozen=True)
class VoteBin:
    """Answers whose predicted fractions of all volunteers lie in one bin.

    Attributes:
        predicted: Mean predicted fraction.
        observed: Mean observed fraction.
        answers: How many.
    """

    predicted: float
    observed: float
    answers: int


@dataclass(frozen=True)
class QuestionScore:
    """One question.

    Attributes:
        name: Its name.
        samples: Samples with all its fractions known.
        rmse: Root mean square error of its fractions of all volunteers; None of no samples.
        constant: That of the best constant answer on these samples.
        calibration: Mean distance of the bins' means, each weighted by its answers.
        bins: Predicted and observed fractions.
        agreement: Accuracy where the volunteers agree, of samples of which at least half were asked.
        intervals: None where there are no intervals.
    """

    name: str
    samples: int
    rmse: float | None
    constant: float | None
    calibration: float | None
    bins: tuple[VoteBin, ...]
    agreement: tuple[AgreementScore, ...]
    intervals: IntervalScore | None


@dataclass(frozen=True)
class DerivedScore:
    """A class derived from the fractions: the answer with the most votes, or one by thresholds.

    Attributes:
        name: Its name.
        accuracy: Samples with a class whose class is predicted.
        majority: The most frequent class of these samples, and what always answering it scores.
    """

    name: str
    accuracy: Share
    majority: tuple[str, Share]


@dataclass(frozen=True)
class VoteScores:
    """All of a test.

    Attributes:
        rmse: Root mean square error of all known fractions.
        low: Lower end of its 95 % interval (bootstrap over samples).
        high: Upper end.
        mean_row: The error of always answering the mean row of the training part; None if it is unknown.
        known: Known fractions.
        unknown: Unknown fractions, which do not count.
        questions: The questions.
        intervals: All intervals together; None where there are none.
        derived: Derived classes.
        margin: Accuracy of the answer with the most votes, by the margin to the second.
        test: The single samples.
    """

    rmse: float
    low: float
    high: float
    mean_row: float | None
    known: int
    unknown: int
    questions: tuple[QuestionScore, ...]
    intervals: IntervalScore | None
    derived: tuple[DerivedScore, ...]
    margin: tuple[MarginScore, ...]
    test: VotedTest = field(repr=False)


def score_votes(
    test: VotedTest, *, intervals: VoteIntervals | None = None, mean_row: float | None = None
) -> VoteScores:
    """Compare the network's fractions with the volunteers'.

    Args:
        test: Both.
        intervals: What intervals are computed with; None for none.
        mean_row: The error of always answering the mean row of the training part; None if unknown.
    """
    tree, observed, predicted = test.tree, test.observed, test.predicted
    ends = None if intervals is None else intervals.ends(tree, predicted)
    known = ~np.isnan(observed)
    low, high = rmse_interval(observed, predicted)
    flags = None if ends is None else held(tree, observed, predicted, ends)
    agreement = agreement_scores(tree, observed, predicted)
    questions = []
    for question, part in zip(tree.questions, tree.slices, strict=True):
        complete = known[:, part].all(axis=1)
        truth, guess = observed[complete, part], predicted[complete, part]
        bins = _bins(truth, guess)
        distance = sum(abs(b.predicted - b.observed) * b.answers for b in bins)
        questions.append(
            QuestionScore(
                name=question.name,
                samples=len(truth),
                rmse=rmse(truth, guess) if len(truth) else None,
                constant=rmse(truth, truth.mean(axis=0, keepdims=True)) if len(truth) else None,
                calibration=distance / truth.size if len(truth) else None,
                bins=bins,
                agreement=agreement[question.name],
                intervals=None
                if flags is None or ends is None
                else interval_score(flags[:, part], (ends[0][:, part], ends[1][:, part])),
            )
        )
    return VoteScores(
        rmse=rmse(observed, predicted),
        low=low,
        high=high,
        mean_row=mean_row,
        known=int(known.sum()),
        unknown=int((~known).sum()),
        questions=tuple(questions),
        intervals=None if flags is None or ends is None else interval_score(flags, ends),
        derived=_derived(tree, observed, predicted),
        margin=margin_scores(tree, observed, predicted),
        test=test,
    )


def _bins(observed: Fractions, predicted: Fractions) -> tuple[VoteBin, ...]:
    index = np.minimum((predicted * _BINS).astype(np.int64), _BINS - 1)
    return tuple(
        VoteBin(float(predicted[inside].mean()), float(observed[inside].mean()), int(inside.sum()))
        for number in range(_BINS)
        if (inside := index == number).any()
    )


def _derived(tree: VoteTree, observed: Fractions, predicted: Fractions) -> tuple[DerivedScore, ...]:
    truth, guess = pluralities(tree, observed), pluralities(tree, predicted)
    schemes = [("plurality", tree.columns, truth, guess)]
    for name, classes in tree.classes.items():
        labels = tuple(member.label for member in classes)
        schemes.append((name, labels, fitting(tree, classes, observed), nearest(tree, classes, predicted)))
    scores = []
    for name, names, classes_of, guesses in schemes:
        rows = classes_of >= 0
        if rows.any():
            most = int(np.bincount(classes_of[rows]).argmax())
            accuracy = _share(classes_of[rows] == guesses[rows])
            scores.append(DerivedScore(name, accuracy, (names[most], _share(classes_of[rows] == most))))
    return tuple(scores)


def _share(flags: npt.NDArray[np.bool_]) -> Share:
    return Share(int(flags.sum()), len(flags))
