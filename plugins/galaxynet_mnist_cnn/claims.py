"""What the 2019 student report says of the tutorial's network."""

from __future__ import annotations

from galaxynet_reproduce import Claim, Exceeds, Reaches

_REPORT = "2019 student report"
_WHERE = "section 1.1"
_DRASTICALLY = 0.05
_READ = (
    "'Drastically' is read as more than five points. The report does not say whether the networks that it "
    "compared ended in softplus, as its best one, or in softmax, as the tutorial's: both are tested."
)

CLAIMS = (
    Claim(
        name="mnist/accuracy",
        says="The tutorial's network with ReLU, softplus in place of softmax, classifies 98.74 % of MNIST's "
        "test digits right.",
        source=_REPORT,
        where=_WHERE,
        arms={"ReLU": {"act": "relu", "output": "softplus"}},
        rule=Reaches(arm="ReLU", metric="test/accuracy", value=0.9874),
    ),
    Claim(
        name="mnist/tanh",
        says="With tanh in place of ReLU, both ending in softplus, the network is drastically less accurate.",
        source=_REPORT,
        where=_WHERE,
        arms={
            "ReLU": {"act": "relu", "output": "softplus"},
            "tanh": {"act": "tanh", "output": "softplus"},
        },
        rule=Exceeds(arm="ReLU", than="tanh", metric="test/accuracy", by=_DRASTICALLY),
        note=_READ,
    ),
    Claim(
        name="mnist/tanh-softmax",
        says="With tanh in place of ReLU, both ending in softmax, the network is drastically less accurate.",
        source=_REPORT,
        where=_WHERE,
        arms={"ReLU": {"act": "relu"}, "tanh": {"act": "tanh"}},
        rule=Exceeds(arm="ReLU", than="tanh", metric="test/accuracy", by=_DRASTICALLY),
        note=_READ,
    ),
)
