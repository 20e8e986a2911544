"""Vote fractions: products along a tree of questions, a masked loss, and what a catalogue has of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torch import Tensor, nn

from galaxynet.data.batches import Batch
from galaxynet.errors import DataError, UsageError
from galaxynet.images.votes import check_votes
from galaxynet.plugin import DataInfo, OptimizerOptions, VoteAnswer, VoteQuestion, VoteTree
from galaxynet.tasks import Classifier, VoteFractions
from galaxynet_galaxy_zoo.tree import TREE


def question(name: str, answers: int, asked_of: str | None = None) -> VoteQuestion:
    return VoteQuestion(
        name, tuple(VoteAnswer(f"{name}.{i}", f"{i}", f"{name}_{i}") for i in range(answers)), asked_of
    )


def task(tree: VoteTree = TREE, network: nn.Module | None = None, **extra: Any) -> VoteFractions:
    info = DataInfo("toy", (len(tree.columns),), extra={"vote_tree": tree.to_dict(), **extra})
    return VoteFractions(network or nn.Identity(), OptimizerOptions(), info)


@st.composite
def trees(draw: st.DrawFn) -> VoteTree:
    """Trees of one to eight questions in any order, each asked of everyone or after another's answer."""
    questions: list[VoteQuestion] = []
    for number in range(draw(st.integers(1, 8))):
        above = [column for q in questions for column in q.columns]
        asked_of = draw(st.sampled_from([None, *above]))
        questions.append(question(f"q{number}", draw(st.integers(2, 5)), asked_of))
    return VoteTree(tuple(draw(st.permutations(questions))))


@settings(max_examples=40)
@given(trees(), st.integers(0, 2**31 - 1))
def test_the_answers_of_a_question_add_up_to_those_asked(tree: VoteTree, seed: int) -> None:
    """Whatever the network says, each question's fractions add up to the fraction that was asked it."""
    logits = 8 * torch.randn(5, len(tree.columns), generator=torch.Generator().manual_seed(seed))
    fractions = task(tree).fractions(logits)
    index = {column: number for number, column in enumerate(tree.columns)}
    assert ((fractions >= 0) & (fractions <= 1)).all()
    for q, part in zip(tree.questions, tree.slices, strict=True):
        led = torch.ones(5) if q.asked_of is None else fractions[:, index[q.asked_of]]
        torch.testing.assert_close(fractions[:, part].sum(1), led, atol=1e-6, rtol=0)


@settings(max_examples=40)
@given(arrays(np.float32, (3, 37), elements=st.floats(-30, 30, width=32)))
def test_all_sums_of_the_challenge_hold(logits: np.ndarray[Any, Any]) -> None:
    """For the 37 columns of Galaxy Zoo, too: question 6 is asked of everyone, stars included."""
    fractions = task().fractions(torch.from_numpy(logits)).double().numpy()
    check_votes(TREE, fractions, tolerance=1e-6)
    assert not np.isnan(fractions).any()
    np.testing.assert_allclose(fractions[:, 13:15].sum(1), 1, atol=1e-6)


def votes_of(row: list[float]) -> Tensor:
    return torch.tensor([row])


NAN = math.nan
PAIR = VoteTree((question("a", 2), question("b", 3, "a.0")))


def test_the_loss_counts_a_question_by_those_who_were_asked() -> None:
    """It is the divergence of each question's shares, weighted by the fraction of people led to it."""
    logits = torch.tensor([[0.3, -0.2, 0.5, 0.0, -1.0]])
    votes = votes_of([0.25, 0.75, 0.125, 0.125, 0.0])
    shares = torch.cat([logits[:, :2].softmax(1), logits[:, 2:].softmax(1)], dim=1)[0]
    first = sum(p * math.log(p / q) for p, q in zip([0.25, 0.75], shares[:2].tolist(), strict=True))
    second = sum(p * math.log(p / q) for p, q in zip([0.5, 0.5], shares[2:4].tolist(), strict=True))
    assert float(task(PAIR).loss(logits, votes)) == pytest.approx(first + 0.25 * second, rel=1e-5)


def test_a_network_that_says_what_people_said_has_no_loss() -> None:
    """The loss is zero at the votes themselves, so it can be read as what is left to learn."""
    logits = torch.randn(4, 37, generator=torch.Generator().manual_seed(1))
    assert float(task().loss(logits, task().fractions(logits))) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("blank", [[NAN, NAN, NAN], [NAN, 0.1, 0.1]])
def test_what_is_unknown_teaches_nothing(blank: list[float]) -> None:
    """A question with a blank answer has no part in the loss and no gradient; the known one keeps both."""
    logits = torch.randn(1, 5, generator=torch.Generator().manual_seed(2)).requires_grad_()
    loss = task(PAIR).loss(logits, votes_of([0.25, 0.75, *blank]))
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[0, 2:].tolist() == [0, 0, 0]
    assert (logits.grad[0, :2] != 0).all()
    nothing = task(PAIR).loss(logits, torch.full((1, 5), NAN))
    assert float(nothing.detach()) == 0


def test_the_error_is_that_of_all_known_fractions() -> None:
    """As in the challenge: one mean over galaxies and columns, not a mean of the galaxies' errors."""
    tested = task(PAIR)
    logits = torch.zeros(3, 5)  # a: 1/2 each, b: 1/6 each
    rows = [[0.5, 0.5, NAN, NAN, NAN], [1, 0, 0.5, 0.25, 0.25], [NAN] * 5]
    tested.validation_step(Batch(logits, torch.tensor(rows), torch.arange(3)), 0)
    squares = [0, 0, 0.25, 0.25, (1 / 3) ** 2, (1 / 12) ** 2, (1 / 12) ** 2]
    error = float(tested.squared_error.compute(torch.device("cpu")).sqrt())
    assert error == pytest.approx(math.sqrt(sum(squares) / 7), rel=1e-6)


def test_a_catalogue_has_fractions_of_all_and_of_those_asked() -> None:
    """Cumulative fractions are never NaN; one of those asked is NaN where fewer than half are led there."""
    logits = torch.zeros(2, 5)
    logits[0, 0], logits[1, 1] = 3.0, 3.0  # most people are asked b, and few
    columns = [column.name for column in task(PAIR).output_columns()]
    cells: dict[str, Any] = dict(task(PAIR).outputs(logits))
    assert columns == ["label", *PAIR.columns, "a_0", "a_1", "b_0", "b_1", "b_2"]
    assert set(cells) == set(columns)
    assert cells["label"] == ["a.0", "a.1"]
    led = torch.tensor(3.0).sigmoid()
    torch.testing.assert_close(cells["b.0"], torch.stack([led / 3, (1 - led) / 3]))
    torch.testing.assert_close(cells["b_0"], torch.tensor([1 / 3, NAN]), equal_nan=True)
    assert not cells["a_0"].isnan().any()


def test_columns_of_a_catalogue_say_what_they_are() -> None:
    """Names of the challenge and of the Galaxy Zoo 2 catalogue, with the UCDs of modelled values."""
    columns = {c.name: c for c in task(class_ucd="src.morph.type", fraction_ucd="src.morph").output_columns()}
    assert len(columns) == 1 + 37 + 37
    assert columns["Class1.1"].ucd == "stat.value;src.morph;meta.modelled"
    assert columns["t08_odd_feature_a38_dust_lane_fraction"].description.startswith("fraction of those asked")
    assert columns["label"].ucd == "meta.code.class;src.morph.type"


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ((question("a", 2, "b.0"), question("b", 2, "a.0")), "not a tree"),
        ((question("a", 2, "a.1"),), "not a tree"),
        ((question("a", 2, "c.9"),), "c.9, which is no answer"),
        ((question("a", 2), question("a", 2)), "two of the name a"),
        ((question("a", 1),), "fewer than two answers"),
        ((question("A b", 2),), "cannot be named"),
        ((), "no questions"),
    ],
)
def test_a_tree_that_is_no_tree_is_refused(questions: tuple[VoteQuestion, ...], words: str) -> None:
    """One sentence says what is wrong with the questions, on construction and when a file is read."""
    with pytest.raises(DataError, match=words):
        VoteTree(questions)


@pytest.mark.parametrize("values", [None, [], {}, {"questions": 3}, {"questions": [{"name": "a"}]}])
def test_a_damaged_tree_is_refused(values: Any) -> None:
    """Whatever a stranger's checkpoint has for questions, there is one sentence about it."""
    with pytest.raises(DataError, match="questions"):
        VoteTree.from_dict(values)


@given(trees())
def test_a_tree_survives_json(tree: VoteTree) -> None:
    """What is kept with the weights gives back the same tree."""
    assert VoteTree.from_dict(tree.to_dict()) == tree
    assert VoteTree.from_dict(TREE.to_dict()) == TREE


def test_a_network_says_what_its_dataset_lacks() -> None:
    """A network for votes on classes, and one for classes on votes, end with one sentence."""
    with pytest.raises(UsageError, match="gives no vote fractions"):
        VoteFractions(nn.Identity(), OptimizerOptions(), DataInfo("toy", (2,), ("a", "b")))
    with pytest.raises(UsageError, match="gives no classes"):
        Classifier(nn.Identity(), OptimizerOptions(), DataInfo("toy", (2,), extra={"vote_tree": {}}))


ALSO = {"hue": ["red", "green", "blue"], "bright": ["no", "yes"]}


def test_classes_beside_the_votes_add_cross_entropies() -> None:
    """Each table, by name, adds its weighted cross-entropy over known labels: a mean over all samples."""
    info = DataInfo("toy", (5,), extra={"vote_tree": PAIR.to_dict(), "also": ALSO})
    tested = VoteFractions(nn.Identity(), OptimizerOptions(), info, label_weight=0.3)
    logits = torch.randn(3, 10, generator=torch.Generator().manual_seed(4)).requires_grad_()
    votes = torch.tensor([[0.25, 0.75, 0.125, 0.125, 0.0], [NAN] * 5, [NAN] * 5])
    labels = torch.tensor([[NAN, 2.0], [1.0, 0.0], [NAN, NAN]])
    loss = tested.loss(logits, torch.cat([votes, labels], dim=1))
    bright, hue = logits[:, 5:7].log_softmax(1), logits[:, 7:].log_softmax(1)
    expected = task(PAIR).loss(logits[:, :5], votes) - 0.3 * (bright[1, 1] + hue[0, 2] + hue[1, 0]) / 3
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert logits.grad is not None
    assert logits.grad[2].abs().sum() == 0
    assert logits.grad[0, 5:7].abs().sum() == 0
    # Data without the tables leave their logits alone.
    torch.testing.assert_close(tested.loss(logits, votes), task(PAIR).loss(logits[:, :5], votes))


def test_an_error_of_votes_has_no_part_of_the_classes() -> None:
    """The indices of classes are no fractions; each table has an accuracy over its known labels."""
    info = DataInfo("toy", (5,), extra={"vote_tree": PAIR.to_dict(), "also": ALSO})
    tested = VoteFractions(nn.Identity(), OptimizerOptions(), info)
    logits = torch.zeros(3, 10)
    logits[:, 6], logits[:, 9] = 1.0, 1.0  # yes, blue
    targets = torch.tensor([[0.5, 0.5, NAN, NAN, NAN, 1, 2], [NAN] * 6 + [0], [NAN] * 5 + [0, NAN]])
    tested.test_step(Batch(logits, targets, torch.arange(3)), 0)
    assert float(tested.squared_error.compute(torch.device("cpu"))) == 0
    assert {n: float(m.compute(torch.device("cpu"))) for n, m in tested.right_labels.items()} == {
        "bright": 0.5,
        "hue": 0.5,
    }
    samples = tested.voted_samples()
    assert samples.observed.shape == samples.predicted.shape == (3, 5)
    assert samples.guesses.tolist() == [[1, 2]] * 3


@pytest.mark.parametrize("also", [3, {"a": 3}, ["a"]])
def test_damaged_classes_are_refused(also: Any) -> None:
    """Whatever a stranger's checkpoint has for classes, there is one sentence about it."""
    with pytest.raises(DataError, match="beside the votes cannot be read"):
        task(PAIR, also=also)
