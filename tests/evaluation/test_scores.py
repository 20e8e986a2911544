"""Scores of probabilities, beside values worked out by hand or by another library."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_confusion_matrix, multiclass_precision

from galaxynet.evaluation.bootstrap import bootstrap_mean
from galaxynet.evaluation.classification import classify
from galaxynet.evaluation.scores import at_temperature, brier_score, class_scores, confusion, reliability

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(0, 2, (500, 3))
PROBABILITIES = torch.softmax(torch.tensor(LOGITS), 1).numpy()
TARGETS = np.array([RNG.choice(3, p=row) for row in PROBABILITIES])


def test_a_temperature_divides_the_logits() -> None:
    """Probabilities at a temperature are the softmax of the divided logits, a probability of 0 included."""
    for temperature in (0.3, 1.0, 4.0):
        expected = torch.softmax(torch.tensor(LOGITS / temperature), 1).numpy()
        np.testing.assert_allclose(at_temperature(PROBABILITIES, temperature), expected, atol=1e-12)
    certain = at_temperature(np.array([[1.0, 0.0]]), 2.0)
    assert certain[0] == pytest.approx([1.0, 0.0], abs=1e-15)


def test_brier_by_hand() -> None:
    """Certain and right is 0, certain and wrong is 2, and halves between two classes are a half."""
    for row, score in (([1.0, 0.0], 0.0), ([0.0, 1.0], 2.0), ([0.5, 0.5], 0.5)):
        assert brier_score(np.array([row]), np.array([0])) == score


def test_classes_agree_with_torchmetrics() -> None:
    """Confusion, precision and recall are those of torchmetrics, with their counts."""
    guesses = PROBABILITIES.argmax(1)
    counts = confusion(TARGETS, guesses, 3)
    given = torch.tensor(guesses), torch.tensor(TARGETS)
    assert counts.tolist() == multiclass_confusion_matrix(*given, num_classes=3).tolist()
    precision = multiclass_precision(*given, num_classes=3, average="none").tolist()
    scores = class_scores(counts, ["a", "b", "c"])
    assert [score.precision.value for score in scores] == pytest.approx(precision)
    assert (
        sum(score.recall.samples for score in scores)
        == sum(score.precision.samples for score in scores)
        == 500
    )
    absent = class_scores(confusion(np.array([0]), np.array([0]), 2), ["a", "b"])[1]
    assert (absent.precision.value, absent.recall.interval) == (None, None)


def test_reliability_counts_every_sample_once() -> None:
    """The bins hold all samples, also of probability 1, each with confidences within its ends."""
    probabilities = np.concatenate([PROBABILITIES, [[1.0, 0.0, 0.0]]])
    bins = reliability(probabilities, np.append(TARGETS, 0))
    assert sum(part.accuracy.samples for part in bins) == 501
    assert all(part.low <= part.confidence <= part.high for part in bins)
    assert min(part.accuracy.samples for part in bins) > 0


def test_the_interval_of_a_mean() -> None:
    """The bootstrap interval holds the true mean of skewed values in about 95 % of cases."""
    held = 0
    for seed in range(200):
        low, high = bootstrap_mean(np.random.default_rng(seed).exponential(1.0, 100), seed)
        held += low <= 1 <= high
    assert 0.88 < held / 200 < 0.99


def test_accuracy_by_agreement() -> None:
    """Samples are counted by the share of volunteers behind their label; unknown shares do not count."""
    agreement = np.where(np.arange(500) % 2, 0.95, 0.55)
    agreement[:10] = np.nan
    classification = classify(
        [str(row) for row in range(500)],
        TARGETS,
        PROBABILITIES,
        ["a", "b", "c"],
        temperature=None,
        conformal=None,
        majority="b",
        agreement=agreement.tolist(),
    )
    assert [(part.low, part.high) for part in classification.agreement] == [(0.5, 0.6), (0.9, 1.0)]
    assert sum(part.accuracy.samples for part in classification.agreement) == 490
    right = (PROBABILITIES.argmax(1) == TARGETS)[11::2]
    assert classification.agreement[1].accuracy.count == right.sum()
    assert classification.majority is not None
    assert classification.majority[1].count == (TARGETS == 1).sum()
