"""Every figure of an evaluation is a row for a spreadsheet."""

from __future__ import annotations

import numpy as np
import pytest

from galaxynet.evaluation.classification import classify
from galaxynet.evaluation.mcnemar import McNemar
from galaxynet.evaluation.result import Comparison, Evaluation
from galaxynet.evaluation.scores import Share
from galaxynet.report.evaluation_rows import evaluation_rows
from galaxynet.report.wording import share_cells


def test_a_classifier_has_a_row_for_each_figure() -> None:
    """Shares come with interval, count and samples; precision, recall, confusion and comparison are there."""
    targets = np.array([0, 0, 0, 1, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9], [0.2, 0.8], [0.4, 0.6]])
    names = ["disk", "odd"]
    classification = classify(
        list("abcdef"), targets, probabilities, names, temperature=None, conformal=None, majority="odd"
    )
    other = Comparison("id", "other", Share(4, 6), McNemar(3, 2, 1, 0, 0.5), -0.2, 0.5)
    evaluation = Evaluation(
        *("id", "mine", "net", "classification", "new.zip", 6, "test/accuracy"),
        metrics={"test/loss": 0.4},
        classification=classification,
        comparison=other,
    )
    rows = {(row["figure"], row["of"]): row for row in evaluation_rows(evaluation)}
    assert all(
        list(row) == ["figure", "of", "value", "low", "high", "count", "samples"] for row in rows.values()
    )
    accuracy = rows["accuracy", "new.zip"]
    assert (accuracy["count"], accuracy["samples"]) == (5, 6)
    assert accuracy["value"] == pytest.approx(5 / 6)
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert rows["test/loss", "new.zip"]["value"] == 0.4
    assert rows["majority class", "odd"]["value"] == 0.5
    assert rows["recall", "disk"]["value"] == pytest.approx(2 / 3)
    assert rows["precision", "disk"]["value"] == 1
    wrong = rows["confusion", "disk predicted as odd"]
    assert (wrong["value"], wrong["count"], wrong["samples"]) == (None, 1, 3)
    assert rows["difference", "other"]["value"] == pytest.approx(1 / 6)
    assert (rows["difference", "other"]["low"], rows["difference", "other"]["high"]) == (-0.2, 0.5)
    assert rows["McNemar p", "other"]["value"] == 0.5


def test_a_share_of_few_samples_is_not_given_to_a_hundredth() -> None:
    """23 of 24 are 95.8%, and 9,911 of 10,000 are 99.11%."""
    assert share_cells(Share(23, 24)) == ("95.8%", "79.8 to 99.3%", "24")
    assert share_cells(Share(9911, 10_000)) == ("99.11%", "98.91 to 99.28%", "10,000")
