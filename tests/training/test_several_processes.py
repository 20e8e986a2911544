"""Several processes compute what one does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rank_worlds import Example, Worlds, worlds

pytestmark = pytest.mark.xdist_group("several_processes")  # six processes train for all of them


@pytest.fixture(scope="module")
def trained_in() -> Iterator[Worlds]:
    with worlds() as these:
        yield these


def close(results: Any, expected: Any) -> bool:
    return results == pytest.approx(expected, rel=1e-5, abs=1e-5)


def flat(nested: Any) -> list[float]:
    return [value for part in nested for value in flat(part)] if isinstance(nested, list) else [nested]


def agree(results: dict[int, dict[str, Any]]) -> None:
    alone = results[1]
    assert len(alone["rows"]) == 2
    assert {"train/loss", "val/loss"} <= set(alone["rows"][0])
    for together in (results[2], results[3]):
        for row, expected in zip(together["rows"], alone["rows"], strict=True):
            assert close(row, expected), (row, expected)
        assert close(together["test"], alone["test"])
        assert together["samples"] == alone["samples"]


@pytest.mark.slow
@pytest.mark.promise("Several processes")
@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.builds(
        Example,
        st.sampled_from(["classifier", "reconstructor", "votes", "own"]),
        train=st.integers(1, 13),
        held_out=st.integers(1, 6),
        batch_size=st.integers(1, 7),
        updates=st.integers(1, 3),
    )
)
@example(Example("classifier", 7, held_out=1, batch_size=1))
@example(Example("classifier", 7, held_out=1, batch_size=2, updates=3))
@example(Example("reconstructor", 10, held_out=5, batch_size=3))
def test_several_processes_compute_what_one_computes(trained_in: Worlds, shape: Example) -> None:
    """One, two and three processes have the same metrics, whatever the size of a batch or group."""
    agree(trained_in.train(shape))


@pytest.mark.slow
@pytest.mark.promise("Several processes")
def test_several_processes_read_a_text_as_one_does(trained_in: Worlds) -> None:
    """Streams of a text are shared by any number of processes, also by more than there are streams."""
    agree(trained_in.train(Example("text", 6000, streams=1, mode="faithful")))
    agree(trained_in.train(Example("text", 120, streams=5)))
    agree(trained_in.train(Example("text", 120, streams=2, updates=4)))


@pytest.mark.slow
@pytest.mark.promise("Several processes")
def test_what_is_kept_of_the_test_is_the_same(trained_in: Worlds) -> None:
    """Predictions and reconstructions are those of one process, each test sample once."""
    results = trained_in.train(Example("classifier", 9, held_out=5))
    indices, targets, probabilities = results[1]["predicted"]
    for together in (results[2], results[3]):
        assert together["predicted"][:2] == [indices, targets]
        assert all(map(close, together["predicted"][2], probabilities))
    results = trained_in.train(Example("reconstructor", 4, held_out=1))
    for together in (results[2], results[3]):
        assert close(flat(together["decodings"]), flat(results[1]["decodings"]))


@pytest.mark.slow
@pytest.mark.promise("Several processes")
def test_votes_are_the_same(trained_in: Worlds) -> None:
    """Vote fractions, their error and what their intervals are computed with are those of one process."""
    results = trained_in.train(Example("votes", 21, held_out=41))
    agree(results)
    assert len(results[1]["voted"][0]) == 41
    for size in (2, 3):
        assert results[size]["voted"][0] == results[1]["voted"][0]
        assert close(flat(results[size]["voted"]), flat(results[1]["voted"]))
        assert results[size]["intervals"] == pytest.approx(results[1]["intervals"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.promise("Several processes")
def test_what_is_kept_for_applying_is_the_same(trained_in: Worlds) -> None:
    """Conformal scores and the novelty of a network are those of one process, from all samples once."""
    for task, names in (("classifier", ["novelty", "scores"]), ("reconstructor", ["novelty"])):
        results = trained_in.train(Example(task, 21, held_out=33))
        for name in names:
            for size in (2, 3):
                # The likelihood is flat at its best temperature, which rounding moves a little.
                assert results[size][name] == pytest.approx(results[1][name], rel=1e-3, abs=1e-3)
    assert "scores" not in trained_in.train(Example("classifier", 21, held_out=29))[3]


@pytest.mark.slow
@pytest.mark.promise("Several processes")
def test_a_process_without_samples_leaves_batch_statistics_alone(trained_in: Worlds) -> None:
    """Batch statistics are those of real samples: a process without one adds nothing to them."""
    results = trained_in.train(Example("classifier", 5, batch_size=5, norm=True))
    assert results[1]["buffers"].keys() == results[2]["buffers"].keys()
    assert results[2]["buffers"]["2.num_batches_tracked"] == 2


@pytest.mark.slow
@pytest.mark.promise("Several processes")
def test_several_processes_average_as_one_does(trained_in: Worlds) -> None:
    """One, two and three processes validate and test the same average of the weights."""
    results = trained_in.train(Example("classifier", 13, updates=2, ema=0.9))
    agree(results)
    assert results[1]["test"] != trained_in.train(Example("classifier", 13, updates=2))[1]["test"]


@pytest.mark.promise("Several processes")
def test_several_processes_are_taught_as_one_is(trained_in: Worlds) -> None:
    """With images without a label, some processes have batches of these alone; metrics are those of one."""
    results = trained_in.train(Example("classifier", 5, unlabelled=16))
    agree(results)
    assert results[1]["samples"] == 2 * 21
    assert all(0 < row["train/accuracy"] <= 1 for row in results[1]["rows"])
