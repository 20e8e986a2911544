"""Intervals of vote fractions: how often they hold what the volunteers said."""

from __future__ import annotations

import numpy as np
import pytest

from galaxynet.errors import RunError
from galaxynet.evaluation.vote_coverage import held, interval_score
from galaxynet.evaluation.vote_intervals import VOLUNTEERS, VoteIntervals
from galaxynet.evaluation.vote_test import metrics_of_votes
from galaxynet.evaluation.votes import Fractions
from galaxynet.vote_tree import VoteAnswer, VoteQuestion, VoteTree

TREE = VoteTree(
    (
        VoteQuestion("shape", (VoteAnswer("round"), VoteAnswer("disk"), VoteAnswer("star"))),
        VoteQuestion("arms", (VoteAnswer("some"), VoteAnswer("none")), asked_of="disk"),
    )
)


def voted(
    count: int, concentration: float, seed: int = 0, volunteers: int = 40
) -> tuple[Fractions, Fractions]:
    """Votes, and predictions that miss their chances with a known concentration."""
    generator = np.random.default_rng(seed)
    shape = generator.dirichlet([1.0, 3.0, 0.1], count)
    arms = generator.dirichlet([1.0, 1.0], count)
    rows = []
    for mean, other in zip(shape, arms, strict=True):
        votes = generator.multinomial(volunteers, generator.dirichlet(concentration * mean + 1e-9))
        further = generator.multinomial(votes[1], generator.dirichlet(concentration * other + 1e-9))
        rows.append(np.concatenate([votes, further]) / volunteers)
    return np.array(rows), np.hstack([shape, arms * shape[:, 1:2]])


def test_worse_predictions_have_a_smaller_concentration() -> None:
    """Predictions that miss the truth by more get intervals that are wider, for each question."""
    near, far = (VoteIntervals.fit(TREE, *voted(600, concentration)) for concentration in (60.0, 8.0))
    assert near.samples == far.samples
    for question in ("shape", "arms"):
        assert near.concentrations[question] > 2 * far.concentrations[question]


@pytest.mark.parametrize("volunteers", [20, 40, 80])
def test_intervals_hold_nine_tenths_of_new_votes(volunteers: int) -> None:
    """Nine of ten intervals of answers in doubt hold new votes, also if there are 20 or 80 volunteers."""
    fitted = VoteIntervals.fit(TREE, *voted(600, 20.0, volunteers=volunteers))
    observed, predicted = voted(2000, 20.0, seed=1, volunteers=volunteers)
    ends = fitted.ends(TREE, predicted)
    flags = held(TREE, observed, predicted, ends)
    for part in TREE.slices:
        score = interval_score(flags[:, part], (ends[0][:, part], ends[1][:, part]))
        assert score is not None
        assert 0.87 <= score.coverage <= 0.94
        assert score.low < score.coverage < score.high


def test_an_answer_that_nobody_gives_is_not_excluded() -> None:
    """The interval of an unlikely answer begins at 0, and no interval leaves out its own prediction."""
    _, predicted = voted(300, 20.0)
    low, high = VoteIntervals({"shape": 3.0, "arms": 3.0}, {}).ends(TREE, predicted)
    shares = predicted[:, :3]
    assert (low[:, :3] <= shares).all()
    assert (shares <= high[:, :3]).all()
    assert (low[:, :3] >= 0).all()
    assert (high[:, :3] <= 1).all()
    assert (low[:, :3][shares < 0.05] == 0).all()


def test_more_doubt_gives_wider_intervals() -> None:
    """A smaller concentration, and fewer volunteers who are asked, make an interval wider."""
    row = np.array([[0.2, 0.8, 0.0, 0.4, 0.4], [0.45, 0.55, 0.0, 0.275, 0.275]])
    sure = VoteIntervals({"shape": 500.0, "arms": 500.0}, {}).ends(TREE, row)
    unsure = VoteIntervals({"shape": 10.0, "arms": 10.0}, {}).ends(TREE, row)
    assert ((unsure[1] - unsure[0])[:, [0, 1, 3, 4]] > (sure[1] - sure[0])[:, [0, 1, 3, 4]]).all()
    assert (sure[1] - sure[0])[1, 3] > (sure[1] - sure[0])[0, 3]


def test_an_interval_is_where_the_fraction_is() -> None:
    """Where fewer than half are asked there is no interval, as there is no fraction of those asked."""
    row = np.array([[0.51, 0.49, 0.0, 0.3, 0.19], [0.49, 0.51, 0.0, 0.3, 0.21]])
    low, high = VoteIntervals({"shape": 50.0, "arms": 50.0}, {}).ends(TREE, row)
    assert np.isnan(low[0, 3:]).all()
    assert np.isnan(high[0, 3:]).all()
    assert np.isfinite(low[1]).all()


def test_few_votes_give_no_intervals() -> None:
    """A question that fewer than 30 validation samples have votes of is left out, and counted."""
    observed, predicted = voted(100, 20.0)
    observed[29:, 3:] = np.nan
    fitted = VoteIntervals.fit(TREE, observed, predicted)
    assert fitted.samples["arms"] <= 29
    assert fitted.missing(TREE) == ["arms"]
    low, _ = fitted.ends(TREE, predicted)
    assert np.isnan(low[:, 3:]).all()
    metrics = metrics_of_votes(TREE, observed, predicted, fitted)
    assert "coverage_shape" in metrics
    assert "coverage_arms" not in metrics
    assert not {"coverage"} & metrics_of_votes(TREE, observed, predicted, None).keys()


def test_a_record_gives_them_back() -> None:
    """What a record keeps makes the same intervals; an older record has none, and nonsense is an error."""
    fitted = VoteIntervals.fit(TREE, *voted(100, 20.0))
    kept = fitted.to_dict()
    assert VoteIntervals.from_calibration({"temperature": 1.2, **kept}) == fitted
    assert kept["vote_intervals"]["volunteers"] == VOLUNTEERS
    assert VoteIntervals.from_calibration({}) is None
    for wrong in (7, {}, {"concentrations": {"shape": -1.0}, "samples": {}}):
        with pytest.raises(RunError, match="intervals in the record"):
            VoteIntervals.from_calibration({"vote_intervals": wrong})
