"""No verdict is bolder than the runs allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import made_record

from galaxynet.runs import Run, write_predictions
from galaxynet_reproduce import Claim, Diverges, Exceeds, ExceedsMajority, Near, Reaches, Slower, Wins
from galaxynet_reproduce.evidence import Evidence, Trained
from galaxynet_reproduce.judging import judge

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
ACCURACY = "test/accuracy"
accuracies = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6)


def trained(values: Sequence[float | None], varied: dict[str, Any] | None = None, **changes: Any) -> Trained:
    """Runs of one configuration, one for each value; None for an undefined loss."""
    full = changes.pop("full", 12)
    folder = changes.pop("folder", Path("nowhere"))
    name = changes.pop("metric", ACCURACY)
    runs = {}
    for seed, value in enumerate(values):
        status = "diverged" if value is None else "finished"
        metrics = {} if value is None else {name: value}
        record = made_record(seed=seed, status=status, metrics=metrics, **changes)
        runs[seed] = Run(folder / record.id, record)
    return Trained(varied or {}, runs, full)


def claim(rule: Any, **changes: Any) -> Claim:
    return Claim(**{"name": "a/b", "says": "It is so.", "arms": {}, "rule": rule, **changes})


def verdict(rule: Any, arms: dict[str, list[Trained]], **changes: Any) -> str:
    return judge(Evidence(claim(rule, **changes), arms)).verdict


REACHES = Reaches(arm="net", metric=ACCURACY, value=0.69)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.75], HOLDS),  # all of the interval of 1,000 samples lies above
        ([0.68], HOLDS),  # 65.0 to 70.8 %: the figure lies within
        ([0.64], FAILS),  # 61.0 to 66.9 %
        ([0.66, 0.67, 0.68], HOLDS),
        ([0.64, 0.641, 0.642], FAILS),
        ([0.55, 0.65, 0.75], UNDECIDED),  # the majority class (59.6 %) lies within it as well
        ([None, None], FAILS),
    ],
)
def test_a_figure_is_reached_if_it_is_not_above_the_interval(values: list[Any], expected: str) -> None:
    """A published accuracy holds within or below our interval, and not if it is above it."""
    assert verdict(REACHES, {"net": [trained(values)]}) == expected


@given(accuracies)
def test_more_accurate_runs_never_lose_a_figure(values: list[float]) -> None:
    """If a published accuracy does not hold for some runs, it does not hold for worse ones."""
    worse = [max(0.0, value - 0.1) for value in values]
    if verdict(REACHES, {"net": [trained(worse)]}) == HOLDS and min(values) >= 0.1:
        assert verdict(REACHES, {"net": [trained(values)]}) in (HOLDS, UNDECIDED)


@given(accuracies, st.integers(1, 11))
def test_half_a_training_refutes_nothing(values: list[float], epochs: int) -> None:
    """With fewer epochs than the full test has, no figure and no difference is refuted."""
    short = trained(values, epochs=epochs)
    other = trained([1.0 - value for value in values], epochs=epochs)
    assert verdict(REACHES, {"net": [short]}) != FAILS
    exceeds = Exceeds(arm="net", than="other", metric=ACCURACY)
    assert verdict(exceeds, {"net": [short], "other": [other]}) == UNDECIDED
    assert verdict(ExceedsMajority(arm="net"), {"net": [short]}) != FAILS


def test_a_figure_that_is_passed_early_is_reached() -> None:
    """What a shorter training, or one on fewer samples, surpasses holds; what it comes near to does not."""
    for changes, claimed in (({"epochs": 3}, {}), ({}, {"training_samples": 43_100})):
        assert verdict(REACHES, {"net": [trained([0.8], **changes)]}, **claimed) == HOLDS
        for value in (0.68, 0.6):
            assert verdict(REACHES, {"net": [trained([value], **changes)]}, **claimed) == UNDECIDED


def test_a_figure_beyond_what_is_possible_does_not_hold() -> None:
    """A loss below the bound of such networks does not hold, by whichever runs, and the bound is named."""
    rule = Reaches(arm="net", metric="train/sum", value=190.0, higher_is_better=False, bound=797.0)
    result = judge(
        Evidence(claim(rule, least_seeds=3), {"net": [trained([1960.0], metric="train/sum", epochs=1)]})
    )
    assert result.verdict == FAILS
    assert "797" in result.reason


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([45.1, 45.3, 44.9], HOLDS),
        ([47.1, 47.6, 47.2], UNDECIDED),
        ([52.0, 52.1, 51.9], FAILS),
        ([45.0, 45.0], UNDECIDED),
    ],
)
def test_a_rough_figure_is_met_or_missed_by_all_of_the_interval(values: list[float], expected: str) -> None:
    """`About 45` holds if Student's interval lies within the margin, and two seeds make no interval."""
    rule = Near(arm="net", metric="train/smooth_loss", value=45.0, margin=2.5)
    assert verdict(rule, {"net": [trained(values, metric="train/smooth_loss")]}) == expected


@pytest.mark.parametrize(
    ("better", "worse", "by", "expected"),
    [
        ([0.90, 0.91, 0.92], [0.80, 0.81, 0.82], 0.05, HOLDS),
        ([0.90, 0.91, 0.92], [0.88, 0.89, 0.90], 0.05, FAILS),
        ([0.90, 0.91, 0.92], [0.85, 0.86, 0.88], 0.05, UNDECIDED),
        ([0.80, 0.81, 0.82], [0.90, 0.91, 0.92], 0.0, FAILS),
        ([0.90, 0.91, 0.92], [None, None, None], 0.0, HOLDS),
        ([None, None, None], [0.90, 0.91, 0.92], 0.0, FAILS),
        ([0.90, None, 0.92], [0.80, 0.81, 0.82], 0.0, UNDECIDED),
    ],
)
def test_a_difference_has_to_be_sure(better: list[Any], worse: list[Any], by: float, expected: str) -> None:
    """`Better by so much` is judged by the interval of the paired seeds; an undefined loss is worse."""
    rule = Exceeds(arm="one", than="other", metric=ACCURACY, by=by)
    assert verdict(rule, {"one": [trained(better)], "other": [trained(worse)]}) == expected


@given(accuracies, accuracies)
def test_a_claim_and_its_opposite_do_not_both_hold(first: list[float], second: list[float]) -> None:
    """Of `a is better than b` and `b is better than a` one at the most holds."""
    arms = {"a": [trained(first)], "b": [trained(second)]}
    there = verdict(Exceeds(arm="a", than="b", metric=ACCURACY), arms)
    back = verdict(Exceeds(arm="b", than="a", metric=ACCURACY), arms)
    assert not there == back == HOLDS
    lower = verdict(Exceeds(arm="a", than="b", metric=ACCURACY, higher_is_better=False), arms)
    assert lower == back


def test_one_pair_is_tested_by_its_samples(tmp_path: Path) -> None:
    """Of a single pair, McNemar's test on the test samples decides; without predictions nothing does."""
    good, bad = trained([0.9], folder=tmp_path), trained([0.6], folder=tmp_path)
    rule = Exceeds(arm="good", than="bad", metric=ACCURACY)
    arms = {"good": [good], "bad": [bad]}
    assert verdict(rule, arms) == UNDECIDED
    for side, right in ((good, 90), (bad, 60)):
        folder = side.runs[0].path
        folder.mkdir()
        guesses = ["x"] * right + ["y"] * (100 - right)
        write_predictions(folder / "predictions.csv", range(100), ["x"] * 100, guesses)
    result = judge(Evidence(claim(rule), arms))
    assert result.verdict == HOLDS
    assert "McNemar" in result.reason
    assert verdict(rule, arms, least_seeds=3) == UNDECIDED
    assert verdict(Exceeds(arm="bad", than="good", metric=ACCURACY), arms) == FAILS
    turned = Exceeds(arm="bad", than="good", metric=ACCURACY, higher_is_better=False)
    assert verdict(turned, arms) == HOLDS
    assert verdict(Exceeds(arm="good", than="bad", metric=ACCURACY, by=0.5), arms) == FAILS


def test_configurations_are_paired_by_what_both_arms_vary() -> None:
    """Arms that vary an activation are compared activation by activation."""
    arms = {
        "flat": [trained([0.7, 0.71, 0.72], {"act": "relu"}), trained([0.5, 0.51, 0.52], {"act": "tanh"})],
        "deep": [trained([0.4, 0.41, 0.42], {"act": "tanh"}), trained([0.6, 0.61, 0.62], {"act": "relu"})],
    }
    result = judge(Evidence(claim(Exceeds(arm="flat", than="deep", metric=ACCURACY)), arms))
    assert result.verdict == HOLDS
    assert result.low == pytest.approx(0.1)
    assert result.high == pytest.approx(0.1)


def grid(**values: Sequence[float | None]) -> dict[str, list[Trained]]:
    return {"grid": [trained(list(runs), {"act": act}) for act, runs in values.items()]}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"relu": [0.70, 0.71, 0.72], "tanh": [0.6] * 3, "sigmoid": [0.60, 0.61, 0.62]}, HOLDS),
        ({"relu": [0.60, 0.61, 0.62], "tanh": [0.6] * 3, "sigmoid": [0.70, 0.71, 0.72]}, FAILS),
        ({"relu": [0.60, 0.65, 0.70], "tanh": [0.6] * 3, "sigmoid": [0.66, 0.60, 0.66]}, UNDECIDED),
        ({"relu": [0.60, 0.61, 0.62], "tanh": [None] * 3, "sigmoid": [None] * 3}, HOLDS),
        ({"relu": [None] * 3, "tanh": [None] * 3, "sigmoid": [0.70, 0.71, 0.72]}, FAILS),
        ({"relu": [0.70, 0.71, 0.72], "tanh": [0.6] * 3, "sigmoid": []}, UNDECIDED),
    ],
)
def test_the_winner_of_a_grid(values: dict[str, Any], expected: str) -> None:
    """`The best one is relu or tanh` holds if the best of these is surely better than the best other one."""
    rule = Wins(arm="grid", winners={"act": ("relu", "tanh")}, metric=ACCURACY)
    assert verdict(rule, grid(**values)) == expected


def test_more_rivals_make_it_harder_to_be_the_best() -> None:
    """With many others the interval is wider: one of them may come out best by luck."""
    rule = Wins(arm="grid", winners={"act": "relu"}, metric=ACCURACY)
    few = judge(Evidence(claim(rule), grid(relu=[0.70, 0.73, 0.71], a=[0.60, 0.61, 0.60])))
    others = {name: [0.5, 0.5, 0.5] for name in "bcdefgh"}
    many = judge(Evidence(claim(rule), grid(relu=[0.70, 0.73, 0.71], a=[0.60, 0.61, 0.60], **others)))
    assert few.low is not None
    assert many.low is not None
    assert many.low < few.low


def timed(rates: Sequence[float], **changes: Any) -> list[Trained]:
    result = trained([0.7] * len(rates), **changes)
    for run, rate in zip(result.runs.values(), rates, strict=True):
        run.record.samples_per_second = rate
    return [result]


def test_slower_is_a_matter_of_time_for_a_sample() -> None:
    """Three pairs of trainings on one kind of machine tell which is slower, however short they were."""
    rule = Slower(arm="deep", than="flat")
    flat = timed([100, 110, 105], epochs=1)
    assert verdict(rule, {"deep": timed([50, 56, 51], epochs=1), "flat": flat}) == HOLDS
    assert verdict(rule, {"deep": timed([200, 210, 205]), "flat": flat}) == FAILS
    assert verdict(rule, {"deep": timed([90, 120, 100]), "flat": flat}) == UNDECIDED
    assert verdict(rule, {"deep": timed([50, 56]), "flat": timed([100, 110])}) == UNDECIDED
    elsewhere = timed([50, 56, 51], device="another processor")
    assert verdict(rule, {"deep": elsewhere, "flat": flat}) == UNDECIDED


@pytest.mark.parametrize(
    ("values", "epochs", "expected"),
    [
        ([None, None], 12, HOLDS),
        ([None, None], 1, HOLDS),  # more epochs do not define a loss again
        ([0.5, 0.5], 12, FAILS),
        ([0.5, 0.5], 6, UNDECIDED),  # it may become undefined later
        ([0.5, None], 12, UNDECIDED),
    ],
)
def test_an_undefined_loss(values: list[Any], epochs: int, expected: str) -> None:
    """`The loss is undefined` holds if it is so in every training, and is refuted by whole ones alone."""
    assert verdict(Diverges(arm="net"), {"net": [trained(values, epochs=epochs)]}) == expected


def test_better_than_always_the_same_answer() -> None:
    """The interval has to lie above what the most frequent class scores."""
    rule = ExceedsMajority(arm="net")
    assert verdict(rule, {"net": [trained([0.68])]}) == HOLDS
    assert verdict(rule, {"net": [trained([0.61])]}) == UNDECIDED
    assert verdict(rule, {"net": [trained([0.5])]}) == FAILS
    assert verdict(rule, {"net": [trained([0.68], epochs=3)]}) == HOLDS


def test_other_classes_tell_nothing() -> None:
    """A claim about some classes is not judged by a training on others."""
    result = judge(Evidence(claim(REACHES, classes=("spiral", "smooth")), {"net": [trained([0.9])]}))
    assert result.verdict == UNDECIDED
    assert "other classes" in result.reason


@given(accuracies)
def test_what_is_told_can_be_written(values: list[float]) -> None:
    """Every judgement has finite figures, and its interval holds its estimate."""
    for rule in (REACHES, ExceedsMajority(arm="net"), Diverges(arm="net")):
        result = judge(Evidence(claim(rule), {"net": [trained(values)]}))
        assert all(end is None or math.isfinite(end) for end in (result.estimate, result.low, result.high))
        if result.low is not None and result.high is not None and result.estimate is not None:
            assert result.low <= result.estimate + 1e-9
            assert result.estimate <= result.high + 1e-9


@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=6))
def test_an_interval_of_accuracies_has_possible_ends(values: list[float]) -> None:
    """However far seeds lie apart, an accuracy is within 0 and 100 %, and a difference within 100 points."""
    arms = {"net": [trained(values)], "other": [trained([1.0 - value for value in values])]}
    for rule, least in ((REACHES, 0.0), (Exceeds(arm="net", than="other", metric=ACCURACY), -1.0)):
        result = judge(Evidence(claim(rule), arms))
        assert result.low is not None
        assert result.high is not None
        assert least <= result.low <= result.high <= 1.0
