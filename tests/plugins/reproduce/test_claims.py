"""The claims of the installed networks, and claims that are none."""

from __future__ import annotations

import re
from typing import Any

import pytest

from galaxynet.errors import UsageError
from galaxynet_reproduce.catalogue import catalogue
from galaxynet_reproduce.experiments import experiments

PAPER = """
from galaxynet_reproduce import Claim, Exceeds, Near, Reaches, Wins
from galaxynet.plugin import ModelSpec
from toys import NetOptions

def claim(name, arms=None, rule=None, **more):
    return Claim(name=name, says="It is so.", source="a paper", arms=arms or {"net": {"hidden": 8}},
                 rule=rule or Reaches(arm="net", metric="test/accuracy", value=0.3), **more)

SPEC = ModelSpec(name="papernet", summary="a net", options=NetOptions, module="toy_model:Net",
                 dataset="blobs", training={"epochs": 2}, claims="paper:CLAIMS")
CLAIMS = (%s)
"""


def install(distribution: Any, claims: str) -> Any:
    distribution("paper", {"paper": PAPER % claims}, {"galaxynet.models": {"papernet": "paper:SPEC"}})
    return catalogue()


def test_every_figure_of_the_report_is_its_own() -> None:
    """The built-in claims have the report's figures, sections and topics."""
    found = {known.claim.name: known.claim for known in catalogue().claims}
    assert {name: claim.value for name, claim in found.items() if claim.value is not None} == {
        "mnist/accuracy": 0.9874,
        "text/100-nodes": 45.0,
        "text/200-nodes": 55.0,
        "fashion/loss-16": 190_000.0,
        "fashion/loss-32": 157_000.0,
        "fashion/loss-64": 130_000.0,
        "galaxy/accuracy": 0.690,
    }
    sections = {"mnist": "1.1", "text": "1.2", "fashion": "1.3", "galaxy": "2.4"}
    for claim in found.values():
        if claim.source:
            assert re.match(rf"section {sections[claim.topic]}\b", claim.where)
    assert [name for name, claim in found.items() if not claim.source] == ["galaxy/above-majority"]


def test_a_topic_a_claim_and_a_network_can_be_named() -> None:
    """Words choose topics, claims and networks, each claim once; an unknown one is told the nearest."""
    found = catalogue()
    assert found.select(["mnist/tanh", "mnist"])[0].claim.name == "mnist/tanh"
    assert len(found.select(["mnist/accuracy", "mnist"])) == 3
    assert found.select(["charrnn"]) == found.select(["text"])
    assert len(found.select(["all"])) == len(found.claims)
    with pytest.raises(UsageError, match="galaxi") as caught:
        found.select(["galaxi"])
    assert "'galaxy'" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        found.select([])
    assert "galaxy" in caught.value.hint


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ('"a text"', "a str, not a Claim"),
        ('claim("no-topic")', "topic/short-name"),
        ('claim("all/x")', "no topic can be called all"),
        ('claim("x/y", {"net": {"hiden": 8}})', "no option hiden"),
        ('claim("x/y", {"net": {"hidden": 0}})', "--hidden 0"),
        ('claim("x/y", {"net": {"hidden": ()}})', "0 configurations"),
        ('claim("x/y", {"net": {"seed": 3}})', "sets the seed"),
        ('claim("x/y", {"net": {"epochs": (1, 2)}})', "single number of epochs"),
        ('claim("x/y", {"other": {}})', "an arm 'net'"),
        ('claim("x/y", {"net": None})', "cannot be read"),
        ('claim("x/y", rule="better")', "rule is a str"),
        ('claim("x/y", seeds=2, least_seeds=3)', "3 of 2 seeds"),
        ('claim("x/y", dataset="nowhere")', "no dataset 'nowhere'"),
        (
            'claim("x/y", {"net": {"hidden": (4, 8)}}, Near(arm="net", metric="m", value=1, margin=1))',
            "several",
        ),
        (
            'claim("x/y", {"net": {"hidden": (4, 8)}}, Wins(arm="net", winners={"hidden": 9}, metric="m"))',
            "some",
        ),
        (
            'claim("x/y", {"net": {}}, Reaches(arm="net", metric="m", value=float("nan")))',
            "not finite",
        ),
        (
            'claim("x/y", {"net": {"hidden": (4, 8)}, "b": {"hidden": (4, 5)}},'
            'Exceeds(arm="net", than="b", metric="m"))',
            "no partner",
        ),
        ('claim("x/good"), claim("x/good")', "used twice"),
    ],
)
@pytest.mark.usefixtures("toys")
def test_a_broken_claim_hurts_no_other(distribution: Any, claims: str, reason: str) -> None:
    """A claim that cannot be tested is named with its fault, and all others are there."""
    before = len(catalogue().claims)
    found = install(distribution, f'{claims}, claim("x/whole"),')
    assert len(found.claims) == before + 1
    assert reason in " ".join(one.reason for one in found.broken)
    assert "papernet" in found.broken[0].reason


@pytest.mark.usefixtures("toys")
def test_claims_that_are_no_tuple_hurt_nobody(distribution: Any) -> None:
    """A plugin whose claims are something else is told of, and the others are listed."""
    found = install(distribution, "3")
    assert "int" in found.broken[0].reason
    assert found.select(["galaxy"])


def test_options_that_claims_cannot_know() -> None:
    """--set reaches the datasets that have the option, and an unknown or unfit one is an error."""
    chosen = catalogue().select(["galaxy", "mnist"])
    galaxy, mnist = sorted(experiments(chosen, {"size": "32"}), key=lambda one: one.name)
    assert {n.training(0).plan.dataset_options.to_dict()["size"] for n in galaxy.networks} == {32}
    assert mnist.networks
    for given, told in (({"sise": "32"}, "size"), ({"size": "4"}, ""), ({"size": "32,48"}, "")):
        with pytest.raises(UsageError) as caught:
            experiments(chosen, given)
        assert told in str(caught.value)


def test_no_two_claims_look_the_same() -> None:
    """What the list says of a claim tells it from every other one."""
    said = [known.claim.says for known in catalogue().claims]
    assert len(set(said)) == len(said)
