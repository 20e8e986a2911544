"""A budget cuts seeds before epochs, the same for all, and is never overrun by plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import made_record

from galaxynet.errors import UsageError
from galaxynet.reproduction.budget import Costs, Decisions, Share, allot, full, levels, parse_budget
from galaxynet.reproduction.catalogue import catalogue
from galaxynet.reproduction.experiment import Experiment, Level, experiments
from galaxynet.runs import Run
from galaxynet.sweeps.estimate import PER_TRIAL

NONE: Mapping[str, Run] = {}


def made(*words: str) -> list[Experiment]:
    return experiments(catalogue().chosen(words), {})


def costs(of: Experiment, seconds: float, parallel: int = 1) -> Costs:
    return Costs(dict.fromkeys(of.networks, seconds), parallel)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("10 min", 600), ("1h30m", 5400), ("2h", 7200), ("0", 0), ("full", None)],
)
def test_times_are_read(text: str, seconds: float | None) -> None:
    """Times are read as people write them."""
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "ten minutes", "-5m", "5m!", "m", "1e3s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """What is no time is an error that shows one, and not a training without end."""
    with pytest.raises(UsageError, match="not a time") as caught:
        parse_budget(text)
    assert "10m" in caught.value.hint


def test_seeds_are_cut_before_epochs() -> None:
    """First each seed is left out, then with one seed each epoch, down to a single one."""
    (one,) = made("galaxy")
    found = list(levels(one.networks))
    assert found[:3] == [Level(3), Level(2), Level(1)]
    assert [level.epochs(12) for level in found[3:]] == list(range(11, 0, -1))
    assert {level.seeds for level in found[3:]} == {1}


@given(st.floats(1, 20_000), st.floats(4, 500), st.floats(4, 500), st.integers(1, 4))
def test_the_plan_keeps_to_the_budget(budget: float, first: float, second: float, parallel: int) -> None:
    """Whatever trainings cost, those that are planned take no longer than the budget."""
    both = made("mnist", "galaxy")
    known = {one: costs(one, s, parallel) for one, s in zip(both, (first, second), strict=True)}
    shares = allot(both, budget, known, NONE)
    assert sum(known[one.experiment].together(one.missing) for one in shares) <= budget + 1e-6
    for share in shares:
        if share.level.share < 1:
            assert share.level.seeds == 1
        epochs = {one.plan.training.epochs / one.network.epochs for one in share.missing}
        assert len(epochs) <= 1  # all arms are cut alike


def test_what_one_does_not_need_goes_to_the_others() -> None:
    """A quick experiment is done in full, and the rest of the budget is the slow one's."""
    quick, slow = made("mnist", "galaxy")
    known = {quick: costs(quick, 4.0), slow: costs(slow, 100.0)}
    needs = known[quick].together([t for n in quick.networks for t in n.missing(full(quick), NONE)])
    shares = allot([quick, slow], needs + 24 * 100.0, known, NONE)
    assert shares[0].level == full(quick)
    assert shares[1].level == Level(2)


def test_without_time_for_everything_claims_are_left_out() -> None:
    """With less time than an epoch of each network takes, some claims are tested and the others named."""
    (one,) = made("galaxy")
    known = costs(one, PER_TRIAL + 120.0)  # 13 seconds for an epoch
    (share,) = allot([one], 40.0, {one: known}, NONE)
    assert 0 < len(share.missing) < 12
    assert share.left_out
    (share,) = allot([one], 2.0, {one: known}, NONE)
    assert not share.missing


def test_what_cannot_be_timed_has_no_place_in_a_budget() -> None:
    """A training of unknown length is not taken for a short one: what is known has the budget."""
    timed, untimed = made("mnist", "galaxy")
    known = {timed: costs(timed, 4.0), untimed: Costs({}, 1)}
    shares = allot([timed, untimed], 600.0, known, NONE)
    assert shares[0].missing
    assert not shares[1].missing
    assert shares[1].left_out == untimed.networks


def test_what_was_trained_before_costs_nothing() -> None:
    """A finished run of the full test takes the place of its training, in a shorter test too."""
    (one,) = made("mnist")
    first = one.networks[0]
    record = made_record()
    done = {first.plan(0, None)[0]: Run(Path("nowhere"), record)}
    assert len(first.missing(Level(3), done)) == 2
    assert first.missing(Level(1, 0.4), done) == []


def test_claims_share_their_trainings() -> None:
    """The seven claims about galaxies need the twelve networks once."""
    (one,) = made("galaxy")
    assert len(one.tests) == 7
    assert len(one.networks) == 12
    assert sum(len(network.missing(full(one), NONE)) for network in one.networks) == 36


def test_a_decision_is_kept_for_the_same_call(tmp_path: Path) -> None:
    """The same call goes on with what it decided; another one, or a damaged file, decides anew."""
    (one,) = made("mnist")
    (share,) = allot([one], 150.0, {one: costs(one, 60.0)}, NONE)
    decisions = Decisions(tmp_path, (150.0, "mnist"))
    assert decisions.recall(one, NONE) is None
    decisions.keep(share)
    recalled = decisions.recall(one, NONE)
    assert recalled is not None
    assert recalled.level == share.level
    assert [t.key for t in recalled.missing] == [t.key for t in share.missing]
    assert Decisions(tmp_path, (600.0, "mnist")).recall(one, NONE) is None
    (other,) = made("galaxy")
    decisions.keep(Share(other, Level(1), [], other.networks))
    path = tmp_path / "sweeps" / other.name / "budgets.json"
    path.write_text(path.read_text().replace(other.networks[0].plan(0, None)[0], "a network of yesterday"))
    assert decisions.recall(other, NONE) is None
    path.unlink()
    (path,) = tmp_path.rglob("budgets.json")
    for damaged in ("{", "[]", json.dumps({decisions.key: {"seeds": 0, "share": 1, "left_out": []}})):
        path.write_text(damaged)
        assert decisions.recall(one, NONE) is None
