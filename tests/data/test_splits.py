"""Training, validation and test part."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from galaxynet.data.splits import allocate, split
from galaxynet.errors import DataError

labelled = st.dictionaries(st.integers(0, 10**9), st.integers(0, 4), min_size=10, max_size=120)
shares = st.floats(0.05, 0.6)
PINNED_TEST = [100034, 100204, 100221, 100391, 100459, 100544, 100561, 100646]
PINNED_VALIDATION = [100255, 100306, 100578]


def parts_of(
    labels: dict[int, int], order: list[int], test: float, validation: float, seed: int
) -> list[set[int]]:
    targets = np.array([labels[id_] for id_ in order], dtype=np.int64)
    rows = np.arange(len(order), dtype=np.int64)
    parts = split(rows, order, targets, test=test, validation=validation, seed=seed)
    return [{order[row] for row in part} for part in parts]


@pytest.mark.promise("Measurements")
@given(labelled, shares, shares, st.integers())
def test_parts_are_disjoint_and_complete(
    labels: dict[int, int], test: float, validation: float, seed: int
) -> None:
    """Every sample is in exactly one of training, validation and test, whatever the shares and the seed."""
    train, validated, tested = parts_of(labels, list(labels), test, validation, seed)
    assert len(train) + len(validated) + len(tested) == len(labels)
    assert train | validated | tested == set(labels)


@pytest.mark.promise("Measurements")
@given(labelled, shares, st.integers())
def test_the_test_part_is_stratified(labels: dict[int, int], test: float, seed: int) -> None:
    """Each class has its share in the test part, to within one sample."""
    _, _, tested = parts_of(labels, list(labels), test, 0.0, seed)
    for label in set(labels.values()):
        members = [id_ for id_, own in labels.items() if own == label]
        taken = len(tested.intersection(members))
        assert abs(taken - test * len(members)) <= 1
        if len(members) >= 2:
            assert 0 < taken < len(members)


@pytest.mark.promise("Measurements")
@given(labelled, st.randoms(use_true_random=False), st.integers(0, 5))
def test_the_order_of_the_files_does_not_matter(labels: dict[int, int], random: object, seed: int) -> None:
    """Two machines that list the same images in different orders get the same parts."""
    order = list(labels)
    random.shuffle(order)  # type: ignore[attr-defined]
    assert parts_of(labels, order, 0.3, 0.2, seed) == parts_of(labels, sorted(labels), 0.3, 0.2, seed)


@pytest.mark.promise("Measurements")
def test_parts_are_the_same_on_every_machine_and_in_every_version() -> None:
    """The parts are the same on every machine and in every version."""
    labels = {100000 + 17 * number: number % 2 for number in range(40)}
    _, validated, tested = parts_of(labels, list(labels), 0.2, 0.1, 7)
    assert sorted(tested) == PINNED_TEST
    assert sorted(validated) == PINNED_VALIDATION


def test_seeds_give_different_divisions() -> None:
    """`--split-seed` does select another test part."""
    labels = dict.fromkeys(range(200), 0)
    assert parts_of(labels, list(labels), 0.3, 0.1, 0)[2] != parts_of(labels, list(labels), 0.3, 0.1, 1)[2]


def test_adding_samples_moves_few_of_the_others() -> None:
    """A few more images leave nearly every other one on its side of the division."""
    before = dict.fromkeys(range(1000), 0)
    after = dict.fromkeys(range(1020), 0)
    old = parts_of(before, list(before), 0.3, 0.0, 3)[2]
    new = parts_of(after, list(after), 0.3, 0.0, 3)[2]
    assert len((old ^ new) & set(before)) <= 20


def test_given_test_rows_are_the_test_part_exactly() -> None:
    """A test set given by its samples is neither thinned nor filled up."""
    targets = np.zeros(30, dtype=np.int64)
    rows = np.arange(30, dtype=np.int64)
    given_rows = np.array([29, 3, 4], dtype=np.int64)
    parts = split(rows, list(range(30)), targets, test=given_rows, validation=0.2, seed=0)
    assert parts.test.tolist() == [3, 4, 29]
    assert not set(parts.test) & (set(parts.train) | set(parts.validation))
    assert (len(parts.train), len(parts.validation)) == (22, 5)


@pytest.mark.parametrize("counts", [[3, 3, 3, 3, 3], [1, 1, 1, 40], [2], [5, 5]])
def test_a_small_validation_part_is_not_empty(counts: list[int]) -> None:
    """Asking for a validation part gives one, however few samples each class has."""
    taken = allocate(counts, 0.1, require_both_sides=False)
    assert sum(taken) == max(1, round(0.1 * sum(counts)))


def test_the_largest_remainders_are_rounded_up() -> None:
    """Of shares of 1.9 and 1.1 samples the first is rounded up, the second down; of equal ones the first."""
    assert allocate([19, 11], 0.1, require_both_sides=False) == [2, 1]
    assert allocate([11, 19], 0.1, require_both_sides=False) == [1, 2]
    assert allocate([5, 5, 5], 0.2, require_both_sides=False) == [1, 1, 1]
    assert allocate([3, 3, 3, 3], 0.5, require_both_sides=False) == [2, 2, 1, 1]


@pytest.mark.promise("Measurements")
@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(1, 99))
def test_a_share_is_as_near_to_exact_as_whole_samples_allow(counts: list[int], percent: int) -> None:
    """The parts have the asked share of all samples, and each class the whole number nearest to its own."""
    fraction = percent / 100
    taken = allocate(counts, fraction, require_both_sides=False)
    total = sum(counts)
    assert sum(taken) == (min(max(round(fraction * total), 1), total - 1) if total > 1 else 0)
    remainders = [fraction * n - math.floor(fraction * n) for n in counts]
    up = [r for r, k, n in zip(remainders, taken, counts, strict=True) if k > math.floor(fraction * n)]
    down = [r for r, k, n in zip(remainders, taken, counts, strict=True) if k == math.floor(fraction * n)]
    assert len(up) + len(down) == len(counts)
    assert not up or not down or min(up) >= max(down)


def test_a_class_is_on_both_sides_if_it_can_be() -> None:
    """A class of two or more samples is learnt and tested, however small or large the test part is."""
    assert allocate([1, 9], 0.6, require_both_sides=True) == [1, 5]  # one sample is on one side only
    assert allocate([2, 38], 0.1, require_both_sides=True) == [1, 4]
    assert allocate([2, 3], 0.9, require_both_sides=True) == [1, 2]


def test_the_validation_part_is_no_larger_than_asked_for() -> None:
    """Rare classes may be missing in the validation part; they do not enlarge it."""
    labels = {number: int(number < 37) for number in range(40)}
    train, validated, _ = parts_of(labels, list(labels), 0.3, 0.1, 0)
    assert (len(train), len(validated)) == (25, 3)
    assert allocate([2, 38], 0.1, require_both_sides=False) == [0, 4]


def test_no_validation_part_is_possible() -> None:
    """A share of nothing holds nothing out."""
    assert allocate([10, 20], 0.0, require_both_sides=False) == [0, 0]
    rows = np.arange(10, dtype=np.int64)
    parts = split(rows, rows.tolist(), rows % 2, test=0.3, validation=0.0, seed=0)
    assert len(rows[parts.validation]) == 0
    assert {part.dtype for part in parts} == {np.dtype(np.int64)}


@given(labelled, st.data(), shares, st.floats(0.05, 0.3), st.integers(0, 5))
def test_validation_is_drawn_from_some_samples_alone(
    labels: dict[int, int], data: st.DataObject, test: float, validation: float, seed: int
) -> None:
    """Of these, what is not validated or tested on is trained on; size and test part are as without them."""
    ids = list(labels)
    some = set(data.draw(st.lists(st.sampled_from(ids), unique=True)))
    targets = np.array(list(labels.values()), dtype=np.int64)
    rows = np.arange(len(ids), dtype=np.int64)
    settings: dict[str, Any] = {"test": test, "validation": validation, "seed": seed}
    _, validated_of_all, tested_of_all = split(rows, ids, targets, **settings)
    candidates = np.array([row for row in rows if ids[row] in some], dtype=np.int64)
    free = set(candidates.tolist()) - set(tested_of_all.tolist())
    if len(free) < len(validated_of_all):
        with pytest.raises(DataError, match=f"and only {len(free)} can be drawn from"):
            split(rows, ids, targets, **settings, validation_from=candidates)
        return
    train, validated, tested = split(rows, ids, targets, **settings, validation_from=candidates)
    assert sorted([*train, *validated, *tested]) == list(range(len(ids)))
    assert tested.tolist() == tested_of_all.tolist()
    assert set(validated.tolist()) <= free
    assert len(validated) == len(validated_of_all)
