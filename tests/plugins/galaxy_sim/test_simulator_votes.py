"""The decision tree, and the simulated people who walk it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxynet.errors import DataError
from galaxynet.images.votes import check_votes
from galaxynet_galaxy_sim.perception import Impression
from galaxynet_galaxy_sim.volunteers import classify
from galaxynet_galaxy_zoo.tree import TREE
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX, COLUMNS, QUESTIONS, Question

GOLDEN = {
    "Class1.1": 0.383147, "Class1.2": 0.616853, "Class2.2": 0.616853, "Class3.1": 0.038452149,
    "Class3.2": 0.578400851, "Class4.1": 0.418397819, "Class4.2": 0.198455181, "Class5.2": 0.104752126,
    "Class5.3": 0.512100874, "Class6.1": 0.054453, "Class6.2": 0.945547, "Class7.1": 0.201462524,
    "Class7.2": 0.181684476, "Class8.1": 0.0272265, "Class8.3": 0.0272265, "Class10.1": 0.279952491,
    "Class10.2": 0.138445328, "Class11.2": 0.092885571, "Class11.6": 0.325512248,
}  # fmt: skip
"""Galaxy 100008 of the catalogue; what is not named is 0."""

seen = st.floats(0, 5, allow_nan=False)
impressions = st.builds(
    Impression,
    axis_ratio=st.floats(0.05, 1),
    extent=st.floats(0.3, 8),
    arms=seen,
    patches=seen,
    bar=seen,
    ring=seen,
    tails=seen,
    companion=seen,
    neighbours=seen,
    asymmetry=st.floats(0, 2),
    bulge=st.floats(0, 1),
    blueness=st.floats(-2, 2),
    disk=st.sampled_from([0.0, 1.0]),
    arm_count=st.integers(0, 6),
    pitch=st.floats(5, 80),
    dust=st.floats(0, 4),
    artefact=st.booleans(),
)


def golden_row() -> list[float]:
    return [GOLDEN.get(column, 0.0) for column in COLUMNS]


def mean_votes(impression: Impression) -> dict[str, float]:
    """Fractions over 60 frames that make the same impression, 40 people each."""
    total = sum(classify(impression, 40, np.random.default_rng(seed)) for seed in range(60))
    return dict(zip(COLUMNS, (np.asarray(total) / 60).tolist(), strict=True))


def test_columns_are_those_of_the_catalogue() -> None:
    """There are 37 columns, in eleven questions with as many answers as the competition's file has."""
    assert [len(question.answers) for question in QUESTIONS] == [3, 2, 2, 2, 4, 2, 3, 7, 3, 3, 6]
    assert len(COLUMNS) == 37
    assert COLUMNS[:4] == ("Class1.1", "Class1.2", "Class1.3", "Class2.1")
    assert COLUMNS[-1] == "Class11.6"


def test_questions_are_asked_of_those_whom_an_answer_led_there() -> None:
    """The fraction that a question is asked of is the one of an answer that leads to it, at some remove."""
    reached: dict[int, set[str]] = {question.number: set() for question in QUESTIONS}
    for question in QUESTIONS:
        for answer in question.answers:
            if answer.leads_to is not None:
                reached[answer.leads_to].add(answer.column)
    for number in (2, 7, 8, 9, 10):
        assert reached[number] == {QUESTIONS[number - 1].asked_of}
    assert QUESTIONS[0].asked_of is None
    assert not reached[1]


def test_genuine_row_obeys_the_tree() -> None:
    """A row of the genuine catalogue passes the check."""
    check_votes(TREE, np.array([golden_row()]))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: f"question {question.number}")
def test_broken_sum_is_refused_for_each_question(question: Question) -> None:
    """Votes that are missing from any one question are found, and the message names the galaxy."""
    row = golden_row()
    row[COLUMN_INDEX[question.columns[-1]]] += 0.01
    with pytest.raises(DataError, match="galaxy 100008: the answers of"):
        check_votes(TREE, np.array([golden_row(), row]), ["galaxy 7", "galaxy 100008"])


@pytest.mark.parametrize("value", [float("inf"), 1.2, -0.1])
def test_impossible_fraction_is_refused(value: float) -> None:
    """A fraction that is not in 0 to 1 is refused; the error names its column and row."""
    row = golden_row()
    row[COLUMN_INDEX["Class8.7"]] = value
    with pytest.raises(DataError, match=r"row 1: Class8\.7"):
        check_votes(TREE, np.array([row]))


@given(impressions, st.integers(5, 60), st.integers(0, 2**32))
def test_any_votes_obey_the_tree(impression: Impression, people: int, seed: int) -> None:
    """Whatever the picture shows, and however few people look, the sums of the votes hold."""
    votes = classify(impression, people, np.random.default_rng(seed))
    check_votes(TREE, np.round([votes], 9), tolerance=1e-6)
    assert not np.isnan(votes).any()


def test_round_galaxy_gets_round_votes() -> None:
    """People call a round smooth galaxy round, and one four times as long as wide cigar-shaped."""
    round_one = mean_votes(Impression(axis_ratio=0.95, extent=3.0))
    cigar = mean_votes(Impression(axis_ratio=0.25, extent=3.0))
    assert round_one["Class7.1"] > 4 * (round_one["Class7.2"] + round_one["Class7.3"])
    assert cigar["Class7.3"] > 4 * (cigar["Class7.1"] + cigar["Class7.2"])


def test_edge_on_disk_gets_edge_on_votes() -> None:
    """Most people see a thin disk as edge-on, and hardly anyone a face-on one."""
    disk = Impression(axis_ratio=0.15, extent=3.0, disk=1.0, bulge=0.2)
    assert mean_votes(disk)["Class2.1"] > 0.6
    assert mean_votes(replace(disk, axis_ratio=0.9))["Class2.1"] < 0.02


def test_fainter_arms_get_fewer_spiral_votes() -> None:
    """The less the arms show, the fewer people vote for a spiral and the more for a smooth galaxy."""
    disk = Impression(axis_ratio=0.8, extent=3.0, disk=1.0, bulge=0.2, arm_count=2)
    votes = [mean_votes(replace(disk, arms=visible)) for visible in (0.0, 0.1, 0.3, 0.9)]
    spiral = [row["Class4.1"] for row in votes]
    smooth = [row["Class1.1"] for row in votes]
    assert spiral == sorted(spiral)
    assert smooth == sorted(smooth, reverse=True)
    assert spiral[0] < 0.15 < 0.6 < spiral[-1]


def test_arms_are_counted_and_their_winding_judged() -> None:
    """Of plain arms, the number that is there gets most votes, and tight ones are called tight."""
    plain = Impression(axis_ratio=0.9, extent=4.0, arms=1.5, disk=1.0, bulge=0.2, arm_count=3, pitch=9.0)
    votes = mean_votes(plain)
    arms = {column: votes[column] for column in QUESTIONS[10].columns}
    assert max(arms, key=lambda column: arms[column]) == "Class11.3"
    assert votes["Class10.1"] > votes["Class10.2"] > votes["Class10.3"]
    loose = mean_votes(replace(plain, pitch=40.0))
    assert loose["Class10.3"] > loose["Class10.2"] > loose["Class10.1"]


def test_mergers_and_rings_are_called_odd() -> None:
    """A companion makes people say `odd` and `merger`, a ring `odd` and `ring`."""
    plain = Impression(axis_ratio=0.8, extent=3.0)
    merger = mean_votes(replace(plain, companion=1.6))
    ring = mean_votes(replace(plain, ring=1.0, disk=1.0))
    assert mean_votes(plain)["Class6.1"] < 0.2 < 0.5 < min(merger["Class6.1"], ring["Class6.1"])
    odd = QUESTIONS[7].columns
    assert max(odd, key=lambda column: merger[column]) == "Class8.6"
    assert max(odd, key=lambda column: ring[column]) == "Class8.1"
