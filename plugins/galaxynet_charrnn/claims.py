"""What the 2019 student report says of min-char-rnn on Pride and Prejudice."""

from __future__ import annotations

from galaxynet_reproduce import Claim, Exceeds, Near

_REPORT = "2019 student report"
_WHERE = "section 1.2"
_LOSS = "train/smooth_loss"
_ABOUT = 2.5
# An epoch has 1,000 updates. Cell, layers and streams of min-char-rnn are the defaults.
_SMALL = {"hidden": 100, "epochs": 20}
_LARGE = {"hidden": 200, "epochs": 30}
_ROUNDED = "The report's figures are read as rounded to the nearest five."

CLAIMS = (
    Claim(
        name="text/100-nodes",
        says="With 100 nodes the smoothed loss converges to about 45 after 20,000 iterations.",
        source=_REPORT,
        where=_WHERE,
        arms={"100 nodes": _SMALL},
        rule=Near(arm="100 nodes", metric=_LOSS, value=45.0, margin=_ABOUT),
        seeds=5,
        least_seeds=3,
        note=_ROUNDED,
    ),
    Claim(
        name="text/200-nodes",
        says="With 200 nodes the smoothed loss seems to converge to 55 after 30,000 iterations.",
        source=_REPORT,
        where=_WHERE,
        arms={"200 nodes": _LARGE},
        rule=Near(arm="200 nodes", metric=_LOSS, value=55.0, margin=_ABOUT),
        seeds=5,
        least_seeds=3,
        note=_ROUNDED,
    ),
    Claim(
        name="text/more-nodes-worse",
        says="Too many nodes in the hidden layer are bad for the loss: 200 come to a higher one than 100.",
        source=_REPORT,
        where=_WHERE,
        arms={"100 nodes": _SMALL, "200 nodes": _LARGE},
        rule=Exceeds(arm="100 nodes", than="200 nodes", metric=_LOSS, higher_is_better=False),
        seeds=5,
        least_seeds=3,
        note="After 20,000 iterations of 100 nodes and 30,000 of 200, as in the report.",
    ),
)
