"""What the 2019 student report says of its galaxy networks, and what has to be said beside it."""

from __future__ import annotations

from galaxynet_galaxy_alexnet.options import PLURALITY
from galaxynet_reproduce import Claim, Diverges, Exceeds, ExceedsMajority, Reaches, Slower, Wins

_REPORT = "2019 student report"
_WHERE = "section 2.4"
_ACCURACY = "test/accuracy"
_TRAINED_ON = 43_100  # 70 % of 61,578
_BEST = ("relu", "tanh")
_TWELVE = {"twelve networks": {"act": ("relu", "tanh", "sigmoid", "exponential"), "extra_convs": (0, 1, 3)}}
_FOURTH = "The fourth of the report's activations cannot be read from it: sigmoid is taken."
_EPOCHS = "The report does not say for how many epochs it trained."

CLAIMS = (
    Claim(
        name="galaxy/accuracy",
        says="The best network, with tanh or ReLU and no extra convolution, classifies 69.0 % of the test "
        "galaxies right.",
        source=_REPORT,
        where=_WHERE,
        arms={"best networks": {"act": _BEST, "extra_convs": 0}},
        rule=Reaches(arm="best networks", metric=_ACCURACY, value=0.690),
        classes=PLURALITY,
        training_samples=_TRAINED_ON,
        note=f"{_EPOCHS} Read 69.0 % beside the majority class: galaxy/above-majority.",
    ),
    Claim(
        name="galaxy/activation",
        says="Of the twelve networks, the best one has tanh or ReLU.",
        source=_REPORT,
        where=_WHERE,
        arms=_TWELVE,
        rule=Wins(arm="twelve networks", winners={"act": _BEST}, metric=_ACCURACY),
        least_seeds=3,
        classes=PLURALITY,
        training_samples=_TRAINED_ON,
        note=_FOURTH,
    ),
    Claim(
        name="galaxy/depth",
        says="Of the twelve networks, the best one has no extra convolution.",
        source=_REPORT,
        where=_WHERE,
        arms=_TWELVE,
        rule=Wins(arm="twelve networks", winners={"extra_convs": 0}, metric=_ACCURACY),
        least_seeds=3,
        classes=PLURALITY,
        training_samples=_TRAINED_ON,
        note=_FOURTH,
    ),
    Claim(
        name="galaxy/deeper-worse",
        says="Networks with more convolutions are less accurate than their simple counterparts.",
        source=_REPORT,
        where=_WHERE,
        arms={
            "no extra convolution": {"act": _BEST, "extra_convs": 0},
            "one or three": {"act": _BEST, "extra_convs": (1, 3)},
        },
        rule=Exceeds(arm="no extra convolution", than="one or three", metric=_ACCURACY),
        least_seeds=3,
        classes=PLURALITY,
        training_samples=_TRAINED_ON,
        note="The mean over tanh and ReLU.",
    ),
    Claim(
        name="galaxy/deeper-slower",
        says="Networks with more convolutions take longer to train.",
        source=_REPORT,
        where=_WHERE,
        arms={
            "three extra convolutions": {"act": _BEST, "extra_convs": 3},
            "none": {"act": _BEST, "extra_convs": 0},
        },
        rule=Slower(arm="three extra convolutions", than="none"),
    ),
    Claim(
        name="galaxy/exponential",
        says="The network with the exponential as its activation has an undefined loss.",
        source=_REPORT,
        where=_WHERE,
        arms={"exponential": {"act": "exponential", "extra_convs": (0, 1, 3)}},
        rule=Diverges(arm="exponential"),
        classes=PLURALITY,
        training_samples=_TRAINED_ON,
        note="With none, one and three extra convolutions.",
    ),
    Claim(
        name="galaxy/above-majority",
        says="Always giving the most frequent answer scores 59.6 % of the full set, so the report's 69.0 % "
        "is nine points above that; the network does better than that answer.",
        arms={"best networks": {"act": _BEST, "extra_convs": 0}},
        rule=ExceedsMajority(arm="best networks", metric=_ACCURACY),
        classes=PLURALITY,
        training_samples=_TRAINED_ON,
        note="Not a claim of the report, which does not speak of the majority class.",
    ),
)
