"""The claims of the installed networks, and invalid claims."""

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
    by_name = {known.claim.name: known.claim for known in catalogue().claims}
    assert {name: claim.value for name, claim in by_name.items() if claim.value is not None} == {
        "mnist/accuracy": 0.9874,
        "text/100-nodes": 45.0,
        "text/200-nodes": 55.0,
        "fashion/loss-16": 190_000.0,
        "fashion/loss-32": 157_000.0,
        "fashion/loss-64": 130_000.0,
        "galaxy/accuracy": 0.690,
    }
    sections = {"mnist": "1.1", "text": "1.2", "fashion": "1.3", "galaxy": "2.4"}
    for claim in by_name.values():
        if claim.source:
            assert re.match(rf"section {sections[claim.topic]}\b", claim.where)
    assert [name for name, claim in by_name.items() if not claim.source] == ["galaxy/above-majority"]


def test_a_topic_a_claim_and_a_network_can_be_named() -> None:
    """Words choose topics, claims and networks, each claim once; an unknown one gets a suggestion."""
    claims = catalogue()
    assert claims.select(["mnist/tanh", "mnist"])[0].claim.name == "mnist/tanh"
    assert len(claims.select(["mnist/accuracy", "mnist"])) == 3
    assert claims.select(["charrnn"]) == claims.select(["text"])
    assert len(claims.select(["all"])) == len(claims.claims)
    with pytest.raises(UsageError, match="galaxi") as caught:
        claims.select(["galaxi"])
    assert "'galaxy'" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        claims.select([])
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
def test_a_broken_claim_affects_no_other(distribution: Any, claims: str, reason: str) -> None:
    """A claim that cannot be tested is named with its fault, and all others are there."""
    before = len(catalogue().claims)
    known = install(distribution, f'{claims}, claim("x/whole"),')
    assert len(known.claims) == before + 1
    assert reason in " ".join(known.broken)
    assert "papernet" in known.broken[0]


@pytest.mark.usefixtures("toys")
def test_claims_that_are_not_a_tuple_affect_no_other(distribution: Any) -> None:
    """A plugin whose claims are something else is reported, and the others are listed."""
    claims = install(distribution, "3")
    assert "int" in claims.broken[0]
    assert claims.select(["galaxy"])


def test_options_that_claims_cannot_know() -> None:
    """--set reaches the datasets that have the option, and an unknown or unfit one is an error."""
    selected = catalogue().select(["galaxy", "mnist"])
    galaxy, mnist = sorted(experiments(selected, {"size": "32"}), key=lambda experiment: experiment.name)
    assert {n.training(0).plan.dataset_options.to_dict()["size"] for n in galaxy.networks} == {32}
    assert mnist.networks
    for given, message in (({"sise": "32"}, "size"), ({"size": "4"}, ""), ({"size": "32,48"}, "")):
        with pytest.raises(UsageError) as caught:
            experiments(selected, given)
        assert message in str(caught.value)


def test_no_two_claims_look_the_same() -> None:
    """Each claim in the list says something different."""
    text = [known.claim.says for known in catalogue().claims]
    assert len(set(text)) == len(text)
