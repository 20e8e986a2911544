"""Probabilities shifted to other shares of the classes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from galaxynet.errors import GalaxynetError
from galaxynet.evaluation.classification import classify
from galaxynet.evaluation.prior import Prior
from galaxynet.plugin import DataInfo, OptimizerOptions
from galaxynet.tasks import Classifier, Task

CLASSES = ("edge", "round", "spiral")
COUNTS = [100, 300, 600]


@pytest.fixture
def task() -> Classifier:
    """A classifier of three classes, whose logits are its inputs."""
    return Classifier(nn.Identity(), OptimizerOptions(), DataInfo("made", (3,), CLASSES)).eval()


def run_with(counts: list[int], exported: bool = False) -> Any:
    record = SimpleNamespace(class_counts=counts, id="k3x9ab", exported=exported or None)
    return SimpleNamespace(label="made", record=record)


def test_the_shift_is_that_of_bayes(task: Classifier) -> None:
    """Of Gaussian classes with other shares, it gives the probabilities that Bayes' theorem gives."""
    prior = Prior.of(run_with(COUNTS), task, {"edge": 0.5, "round": 0.3, "spiral": 0.2})
    points = np.linspace(-3, 5, 101)[:, None]
    densities = np.exp(-((points - np.array([0.0, 1.0, 2.0])) ** 2) / 2)
    trained = densities * np.array([0.1, 0.3, 0.6])
    expected = densities * np.array([0.5, 0.3, 0.2])
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(prior.apply(trained / trained.sum(1, keepdims=True)), expected, rtol=1e-12)


def test_the_applied_network_shifts_after_the_temperature(task: Classifier) -> None:
    """Label, probabilities and entropy are those of softmax(logits / T + log(share / trained share))."""
    prior = Prior.of(run_with(COUNTS), task, "uniform")
    logits = torch.tensor([[0.0, 1.0, 1.5], [2.0, 0.0, 0.0], [0.0, 0.0, 60.0]])
    before = task.outputs(logits)
    task.temperature, task.prior_shift = 2.0, prior.shift
    outputs = task.outputs(logits)
    shift = torch.tensor([1 / 3, 1 / 3, 1 / 3]).log() - torch.tensor([0.1, 0.3, 0.6]).log()
    expected = torch.softmax(logits / 2 + shift, dim=1)
    shifted = torch.stack([torch.as_tensor(outputs[f"p_{name}"]) for name in CLASSES], dim=1)
    torch.testing.assert_close(shifted, expected)
    assert before["label"] == ["spiral", "edge", "spiral"]
    assert outputs["label"] == ["edge", "edge", "spiral"] == [CLASSES[i] for i in expected.argmax(1)]
    torch.testing.assert_close(outputs["entropy"], torch.special.entr(expected).sum(1))


def test_the_prior_of_the_training_changes_nothing(task: Classifier) -> None:
    """Shifted to the shares that it was trained on, every probability stays."""
    prior = Prior.of(run_with(COUNTS), task, {"edge": 0.1, "round": 0.3, "spiral": 0.6})
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 50)
    np.testing.assert_allclose(prior.apply(probabilities), probabilities, rtol=1e-12)


def test_a_table_of_labels_is_counted(task: Classifier, tmp_path: Path) -> None:
    """Shares are those of the labels that the network knows; others are named, and blanks are left out."""
    table = tmp_path / "fair.csv"
    rows = ["GalaxyID,label", "1,spiral", "2,round", "3,", "4,comet", "5,spiral", "6,edge", "7,comet"]
    table.write_text("\n".join(rows) + "\n")
    prior = Prior.of(run_with(COUNTS), task, table)
    assert prior.shares == {"edge": 0.25, "round": 0.25, "spiral": 0.5}
    assert prior.trained == {"edge": 0.1, "round": 0.3, "spiral": 0.6}
    assert prior.origin == "4 labels of fair.csv (and 2 of classes that the training lacks)"
    assert prior.most_frequent == "spiral"


def test_a_table_of_shares_is_taken(task: Classifier, tmp_path: Path) -> None:
    """Shares may be rounded, in any order, with any case of the titles; they add up to 1 then."""
    table = tmp_path / "shares.csv"
    table.write_text("Class,Share\nspiral,0.33\nround,0.33\nedge,0.333\n")
    prior = Prior.of(run_with(COUNTS), task, table)
    assert tuple(prior.shares) == CLASSES
    assert sum(prior.shares.values()) == pytest.approx(1)
    assert prior.shares["edge"] == pytest.approx(0.333 / 0.993)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class,share\nedge,0.5\nround,0.5\n", "has no spiral"),
        ("class,share\nedge,0.5\nround,0.5\nspiral,0\n", "the share 0 of spiral"),
        ("class,share\nedge,0.5\nround,0.7\nspiral,-0.2\n", "the share -0.2 of spiral"),
        ("class,share\nedge,0.5\nround,0.5\nspiral,\n", "the share nan of spiral"),
        ("class,share\nedge,50\nround,30\nspiral,20\n", "add up to 100"),
        ("class,share\nedge,0.5\nround,0.2\nspiral,0.2\n", "add up to 0.9"),
        ("class,share\nedge,0.5\nround,0.2\nspiral,0.2\nstar,0.1\n", "of star, which the network"),
        ("class,share\nedge,0.5\nround,0.2\nspiral,0.2\nspiral,0.1\n", "several shares of spiral"),
        ("class,share\nedge,half\nround,0.2\nspiral,0.2\n", "something else than numbers"),
        ("id,label\n1,edge\n2,round\n", "has no spiral"),
        ("id,label\n1,comet\n2,star\n", "knows none of its labels comet, star"),
        ("id,kind\n1,edge\n", "no column label or labels or class; it has id, kind"),
        ("", "is empty"),
    ],
)
def test_what_is_no_prior(task: Classifier, tmp_path: Path, text: str, message: str) -> None:
    """Each wrong table is refused in one sentence that says what is wrong with it."""
    table = tmp_path / "wrong.csv"
    table.write_text(text)
    with pytest.raises(GalaxynetError) as refused:
        Prior.of(run_with(COUNTS), task, table)
    assert message in refused.value.message
    assert "\n" not in refused.value.message


def test_what_cannot_be_shifted(task: Classifier) -> None:
    """No table, no classifier, and no counts are refused."""

    class Other(Task):
        task = "other"

    other: Any = Other(nn.Identity(), OptimizerOptions(), DataInfo("made", (3,), CLASSES))
    for counts, network, source, message in (
        (COUNTS, task, "unifrom", "--prior unifrom: there is no such table"),
        (COUNTS, other, "uniform", "is not of a classifier"),
        ([], task, "uniform", "how many training samples each class had"),
        ([5, 5], task, "uniform", "how many training samples each class had"),
        (COUNTS, task, {"edge": 1.0}, "has no round, spiral"),
    ):
        with pytest.raises(GalaxynetError) as refused:
            Prior.of(run_with(counts), network, source)
        assert message in refused.value.message
    with pytest.raises(GalaxynetError) as refused:
        Prior.of(run_with([], exported=True), task, "uniform")
    assert "--like" not in refused.value.hint


def test_a_class_without_a_training_sample_is_not_shifted(task: Classifier, tmp_path: Path) -> None:
    """It needs no share, and the ratio of the others is what it would be without it."""
    run = run_with([40, 0, 60])
    table = tmp_path / "shares.csv"
    table.write_text("class,share\nedge,0.64\nround,0.2\nspiral,0.16\n")
    sources: tuple[Any, ...] = (table, {"edge": 0.8, "spiral": 0.2})
    for source in sources:
        prior = Prior.of(run, task, source)
        assert prior.shares == pytest.approx({"edge": 0.8, "spiral": 0.2})
        assert prior.shift == pytest.approx((np.log(0.8 / 0.4), 0, np.log(0.2 / 0.6)))
    shifted = prior.apply(np.array([[0.6, 0.1, 0.3]]))
    assert shifted[0, 0] / shifted[0, 2] == pytest.approx(2 * 6)
    assert Prior.of(run, task, "uniform").shares == {"edge": 0.5, "spiral": 0.5}


def test_a_fair_prior_gains_what_it_should(task: Classifier) -> None:
    """In another mixture it has fewer errors and calibrated probabilities, beside the figures without it."""
    generator = np.random.default_rng(0)
    shares = np.array([0.4, 0.4, 0.2])
    targets = generator.choice(3, 4000, p=shares)
    points = generator.normal(targets.astype(float), 1.0)[:, None]
    weighted = np.exp(-((points - np.arange(3.0)) ** 2) / 2) * np.array([0.1, 0.3, 0.6])
    probabilities = weighted / weighted.sum(1, keepdims=True)
    prior = Prior.of(run_with(COUNTS), task, dict(zip(CLASSES, shares.tolist(), strict=True)))
    ids = [str(row) for row in range(len(targets))]
    arguments = (ids, targets, probabilities, CLASSES)
    settings: Any = {"temperature": None, "conformal": None, "majority": "spiral"}
    plain = classify(*arguments, **settings)
    shifted = classify(*arguments, **settings, prior=prior)
    shift = shifted.shift
    assert shift is not None
    assert shift.unshifted == plain.accuracy
    assert shifted.uncalibrated == plain.uncalibrated
    assert shifted.accuracy.count == shift.test.both + shift.test.first > plain.accuracy.count + 200
    assert shift.test.p < 1e-6
    assert 0 < shift.low < (shifted.accuracy.count - plain.accuracy.count) / len(targets) < shift.high
    assert shift.scores.nll < plain.uncalibrated.nll
    assert shift.scores.error.low == 0 < plain.uncalibrated.error.low
    assert shifted.majority is not None
    assert shifted.majority[0] == "edge"
    np.testing.assert_allclose(shifted.predictions.probabilities, prior.apply(probabilities))
