"""What a person can choose about the galaxies that a network is trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from galaxynet.options import Options, option
from galaxynet.paths import expanded

LABEL_RULES = ("plurality", "morphology5")
"""Rules that make a class of a galaxy's votes; `galaxynet_galaxy_zoo.labels` has them."""


class GalaxyZooOptions(Options):
    """Options of the datasets `galaxy-zoo` and `galaxy-sim`."""

    size: int = option(60, "side of the images that the network sees, in pixels", ge=16, le=424)
    channels: Literal["gray", "rgb"] = option("gray", "brightness alone, or the three colours")
    crop: int | None = option(
        None, "use only this many central pixels of the original image (424 wide)", ge=16, le=424
    )
    labels: str = option(
        "plurality",
        "plurality (the answer with the most votes), morphology5 (five classes by vote thresholds), "
        "or a CSV file with the columns GalaxyID and label",
        metavar="RULE|CSV",
    )
    test_fraction: float = option(0.3, "share of the galaxies kept for the final test", gt=0, lt=1)
    test_ids: Path | None = option(
        None, "CSV file with a column GalaxyID: test on exactly these galaxies", metavar="CSV"
    )
    split_seed: int = option(0, "selects the division into training, validation and test part")
    augment: bool = option(
        False, "show the training galaxies rotated, flipped, slightly shifted and zoomed, anew in each epoch"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels not in LABEL_RULES:
            # The record has to mean the same file wherever it is read.
            object.__setattr__(self, "labels", str(expanded(Path(self.labels)).absolute()))
