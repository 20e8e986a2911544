"""Errors of vote fractions with their interval, and the classes that are derived from them."""

from __future__ import annotations

import numpy as np
import pytest

from galaxynet.evaluation.votes import fitting, nearest, pluralities, rmse, rmse_interval, vote_metrics
from galaxynet_galaxy_zoo.tree import MORPHOLOGY, TREE
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX


def row(**fractions: float) -> list[float]:
    values = [0.0] * 37
    for name, value in fractions.items():
        values[COLUMN_INDEX["Class" + name[1:].replace("_", ".")]] = value
    return values


def test_the_interval_holds_the_true_error_in_most_samples() -> None:
    """Of 95 % intervals of samples whose true error is known, about 95 % hold it."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(60):
        observed = generator.random((40, 5))
        predicted = observed + 0.1 * generator.standard_normal((40, 5))
        low, high = rmse_interval(observed, predicted)
        held += low <= 0.1 <= high
    assert held >= 50  # 57 are expected; with intervals of 95 %, fewer than 50 have a chance of 0.1 %


def test_galaxies_are_resampled_whole() -> None:
    """Errors of one galaxy go together: 37 equal ones do not make the interval narrower than one does."""
    generator = np.random.default_rng(1)
    error = generator.standard_normal((50, 1))
    single = rmse_interval(np.zeros((50, 1)), error)
    many = rmse_interval(np.zeros((50, 37)), np.repeat(error, 37, axis=1))
    assert many == pytest.approx(single)


def test_unknown_fractions_do_not_count() -> None:
    """Neither the error nor its interval changes when unknown fractions are added."""
    observed, predicted = np.array([[0.1, 0.4], [0.3, 0.2]]), np.array([[0.2, 0.4], [0.3, 0.5]])
    more = np.hstack([observed, np.full((2, 1), np.nan)]), np.hstack([predicted, np.ones((2, 1))])
    assert rmse(*more) == rmse(observed, predicted) == pytest.approx(np.sqrt((0.01 + 0.09) / 4))
    assert rmse_interval(*more) == rmse_interval(observed, predicted)


def test_classes_are_derived_from_fractions() -> None:
    """The plurality answer and the five-class label of volunteers are compared with those of the network."""
    spiral = row(c1_2=0.9, c1_1=0.1, c2_2=0.85, c4_1=0.8, c6_2=0.7, c6_1=0.3)
    round_ = row(c1_1=0.8, c1_2=0.2, c7_1=0.7, c6_2=0.9, c6_1=0.1)
    unclear = row(c1_1=0.5, c1_2=0.5, c7_1=0.3, c7_2=0.2, c6_2=0.6, c6_1=0.4)
    blank = [np.nan] * 37
    observed = np.array([spiral, round_, unclear, blank])
    assert pluralities(TREE, observed).tolist() == [
        COLUMN_INDEX[f"Class{c}"] for c in ("1.2", "6.2", "6.2")
    ] + [-1]
    assert fitting(TREE, MORPHOLOGY, observed).tolist() == [4, 0, -1, -1]
    # Below every threshold, but nearest to those of a spiral.
    timid = row(c1_2=0.42, c1_1=0.58, c2_2=0.4, c4_1=0.35, c6_2=0.5, c6_1=0.5, c7_1=0.2, c7_2=0.2, c7_3=0.18)
    assert fitting(TREE, MORPHOLOGY, np.array([timid])).tolist() == [-1]
    assert nearest(TREE, MORPHOLOGY, np.array([timid])).tolist() == [4]
    metrics = vote_metrics(TREE, observed, np.array([timid, timid, unclear, timid]))
    assert metrics["plurality/accuracy"] == pytest.approx(1 / 3)
    assert (metrics["plurality/samples"], metrics["morphology5/samples"]) == (3, 2)
    assert metrics["morphology5/accuracy"] == 0.5
    assert metrics["rmse_odd"] == pytest.approx(
        rmse(observed[:, 13:15], np.array([timid, timid, unclear, timid])[:, 13:15])
    )


def test_a_test_without_votes_of_a_question_has_no_error_for_it() -> None:
    """A question without any known votes is missing, not zero."""
    observed = np.array([row(c1_1=1.0, c6_2=1.0)])
    observed[0, COLUMN_INDEX["Class3.1"] : COLUMN_INDEX["Class4.1"]] = np.nan
    metrics = vote_metrics(TREE, observed, np.zeros((1, 37)))
    assert "rmse_bar" not in metrics
    assert "complete/rmse" not in metrics
    assert metrics["rmse_edgeon"] == 0


def test_galaxies_without_blanks_have_an_error_of_their_own() -> None:
    """Beside a partial table, the error over all columns is that of the galaxies that have them all."""
    observed, predicted = np.zeros((3, 37)), np.full((3, 37), 0.1)
    observed[2, 5:12] = np.nan
    predicted[2] = 0.7
    metrics = vote_metrics(TREE, observed, predicted)
    assert metrics["complete/rmse"] == pytest.approx(0.1)
    assert metrics["complete/samples"] == 2
    assert "complete/rmse" not in vote_metrics(TREE, observed[:2], predicted[:2])
