"""What the 2019 student report says of autoencoders on Fashion-MNIST."""

from __future__ import annotations

from galaxynet_reproduce import Claim, Reaches, Wins

_REPORT = "2019 student report"
_WHERE = "section 1.3"
_CODES = {"codes": {"code": (16, 32, 64)}}
_SUM = "train/epoch_sum"
_NOTE = (
    "The loss is taken for what the code that the report cites prints: the mean squared error of raw pixels, "
    "summed over the 600 batches of an epoch. As many principal components as the code has numbers come to "
    "{bound:,}, and behind a code of that size no linear output layer gets below that. The report's figure "
    "must be in other units: ten times it lies within a few per cent of what this network comes to."
)

# Code, the report's loss, and 600 times the mean squared error of as many principal components of the 60,000
# training images, rounded down.
_LOSSES = ((16, 190_000, 797_000), (32, 157_000, 590_000), (64, 130_000, 403_000))

CLAIMS = (
    *(
        Claim(
            name=f"fashion/loss-{code}",
            says=f"With a code of {code} the loss converges to about {loss:,} in 100 epochs of 600 batches.",
            source=_REPORT,
            where=_WHERE,
            arms={f"code {code}": {"code": code}},
            rule=Reaches(
                arm=f"code {code}",
                metric=_SUM,
                value=float(loss),
                higher_is_better=False,
                bound=float(bound),
            ),
            note=_NOTE.format(bound=bound),
        )
        for code, loss, bound in _LOSSES
    ),
    Claim(
        name="fashion/larger-code",
        says="The larger the code, the lower the loss: that of 64 is the lowest.",
        source=_REPORT,
        where=_WHERE,
        arms=_CODES,
        rule=Wins(arm="codes", winners={"code": 64}, metric=_SUM, higher_is_better=False),
        least_seeds=3,
    ),
    Claim(
        name="fashion/64-looks-worst",
        says="In the decoded images a sweater is clearly recognised with codes of 16 and 32, and not at all "
        "with one of 64.",
        source=_REPORT,
        where="section 1.3, figure 3",
        arms=_CODES,
        # Turned around: the highest error is that of 64.
        rule=Wins(arm="codes", winners={"code": 64}, metric="test/mse", higher_is_better=True),
        least_seeds=3,
        note="Tested by the mean squared error of all test images, not by looking at one of them: the claim "
        "holds if that of 64 is the highest.",
    ),
)
