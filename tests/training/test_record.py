from __future__ import annotations

import random

import pytest

from galaxynet.data.splits import digest_test_set
from galaxynet.training.config import Components
from galaxynet.training.record import reference_for

PLURALITY = ["Class1.1", "Class1.2", "Class1.3", "Class6.1", "Class6.2"]


@pytest.mark.promise("Measurements")
def test_the_digest_knows_a_test_set() -> None:
    """The digest of a test set depends on its ids and labels, not on their order."""
    pairs = [(f"g{row}", "spiral" if row % 3 else "edge-on") for row in range(50)]
    shuffled = random.Random(1).sample(pairs, len(pairs))
    digest = digest_test_set(*zip(*pairs, strict=True))
    assert digest == digest_test_set(*zip(*shuffled, strict=True))
    assert digest != digest_test_set([id_ for id_, _ in pairs[1:]], [label for _, label in pairs[1:]])
    assert digest != digest_test_set([id_ for id_, _ in pairs], ["spiral"] * 50)


@pytest.mark.parametrize(
    ("options", "classes", "value"),
    [
        ({"act": "tanh"}, PLURALITY, 0.69),
        ({"act": "relu"}, PLURALITY, 0.69),
        ({"act": "elu"}, PLURALITY, None),
        ({"extra_convs": 3}, PLURALITY, None),
        ({"act": "tanh"}, ["round", "spiral"], None),
    ],
)
def test_a_published_figure_stands_only_where_it_applies(
    options: dict[str, object], classes: list[str], value: float | None
) -> None:
    """The report's 69.0 % applies to its own networks on its own classes, and to no others."""
    reference = reference_for(Components.load("galaxy_alexnet").plan(options), "test/accuracy", classes)
    assert (reference.value if reference else None) == value


def test_simulated_galaxies_have_no_published_figure() -> None:
    """A figure that was measured on real galaxies is never set beside simulated ones."""
    plan = Components.load("galaxy_alexnet", "galaxy-sim").plan({"act": "tanh"})
    assert reference_for(plan, "test/accuracy", PLURALITY) is None


def test_min_char_rnn_figures_stand_beside_min_char_rnn() -> None:
    """The report's loss of 45 applies to one stream of 25 characters, not to 64 streams."""
    components = Components.load("charrnn")
    reference = reference_for(components.plan({"hidden": 100}), "test/x")
    assert reference is not None
    assert reference.value == 45.0
    assert reference_for(components.plan({"hidden": 100, "streams": 64}), "test/x") is None


@pytest.mark.parametrize(
    ("network", "dataset", "labels", "samples", "value"),
    [
        ("galaxy_votes", "galaxy-zoo", "votes", 50_000, 0.07492),
        ("galaxy_votes", "galaxy-zoo", "votes", 4_000, None),
        ("galaxy_votes", "galaxy-sim", "votes", 60_000, None),
        ("galaxy_classifier", "galaxy-zoo", "morphology5", 21_000, 0.952),
        ("galaxy_classifier", "galaxy-zoo", "morphology5", 3_000, None),
        ("galaxy_classifier", "galaxy-zoo", "plurality", 50_000, None),
    ],
)
def test_a_figure_of_the_whole_data_stands_beside_runs_on_the_whole_data(
    network: str, dataset: str, labels: str, samples: int, value: float | None
) -> None:
    """What was reached with all galaxies of the challenge is not shown beside a network of a few of them."""
    plan = Components.load(network, dataset).plan({"labels": labels})
    reference = reference_for(plan, "test/x", (), samples)
    assert (reference.value if reference else None) == value
