"""Classes that are learnt beside vote fractions: their accuracy, and that of the fractions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from galaxynet.evaluation.intervals import accuracy_interval
from galaxynet.evaluation.label_tables import derived_classes, label_metrics
from galaxynet_galaxy_zoo.tree import MORPHOLOGY, TREE
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX

CLASSES = ("Class1.1", "Class1.2", "Class1.3", "Class6.1", "Class6.2")
FIVE = tuple(sorted(member.label for member in MORPHOLOGY))


def row(**fractions: float) -> list[float]:
    values = [0.0] * 37
    for name, value in fractions.items():
        values[COLUMN_INDEX["Class" + name[1:].replace("_", ".")]] = value
    return values


SPIRAL = row(c1_2=0.9, c1_1=0.1, c2_2=0.85, c4_1=0.8, c6_2=0.7, c6_1=0.3)
ROUND = row(c1_1=0.45, c1_2=0.55, c7_1=0.44, c6_2=0.9, c6_1=0.1, c2_2=0.3, c4_1=0.1)


def test_a_class_follows_from_the_fractions() -> None:
    """A column of the table with the highest fraction, or the rule that is nearest to being met."""
    fractions = np.array([SPIRAL, ROUND])
    plurality = derived_classes(TREE, CLASSES, fractions)
    assert plurality is not None
    assert [CLASSES[index] for index in plurality] == ["Class1.2", "Class6.2"]
    smooth = derived_classes(TREE, ("Class1.2", "Class1.1"), fractions)
    assert smooth is not None
    assert smooth.tolist() == [0, 0]
    five = derived_classes(TREE, FIVE, fractions)
    assert five is not None
    assert [FIVE[index] for index in five] == ["spiral", "completely_round_smooth"]
    two = derived_classes(TREE, ("edge_on", "in_between_smooth"), np.array([row(c1_2=0.5, c2_1=0.2)]))
    assert two is not None
    assert two.tolist() == [0]
    assert derived_classes(TREE, ("ring", "no_ring"), fractions) is None


def test_every_sample_with_a_label_counts() -> None:
    """Accuracies of both kinds have their number of samples and interval; unknown labels are left out."""
    nan = math.nan
    predicted = np.array([SPIRAL, ROUND, ROUND, SPIRAL])
    labels = np.array([[1, nan, nan], [3, nan, 1], [nan, nan, 0], [1, nan, 0]])
    guesses = np.array([[0, 0, 0], [3, 0, 1], [4, 0, 0], [1, 0, 0]])
    tables = {"plurality": CLASSES, "five": FIVE, "ring": ("ring", "no_ring")}
    metrics = label_metrics(TREE, tables, predicted, labels, guesses)
    assert metrics["plurality/accuracy"] == pytest.approx(2 / 3)
    assert metrics["plurality/samples"] == 3
    low, high = accuracy_interval(2 / 3, 3)
    assert (metrics["plurality/accuracy_low"], metrics["plurality/accuracy_high"]) == (low, high)
    assert (metrics["ring_accuracy_low"], metrics["ring_accuracy_high"]) == accuracy_interval(1.0, 3)
    assert "ring/accuracy" not in metrics
    assert not any(name.startswith("five") for name in metrics)
