"""The options of fashion_ae and of fashion-mnist. Imports no torch: `--help` reads this module."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from galaxynet.plugin import Activation, OptimizerOptions, Options, option


class FashionAeOptions(OptimizerOptions):
    """What can be chosen of the autoencoder and of how it learns."""

    code: int = option(32, "numbers that an image is squeezed into", ge=1, le=4096)
    hidden: int = option(
        0, "units of a further layer on either side of the code; 0: the code is the only one", ge=0, le=4096
    )
    act: Activation = option("sigmoid", "activation of the code and the hidden layers; the output is linear")
    pixels: Literal["raw", "unit"] = option(
        "raw", "what the network is given and has to give back: raw, pixels of 0 to 255; unit, of 0 to 1"
    )
    optimizer: Literal["adam", "adamw", "sgd", "adagrad"] = option("adagrad", "optimiser (sgd: momentum 0.9)")
    lr: float = option(0.1, "learning rate; the highest one where a schedule is used", gt=0, le=100)


class FashionMnistOptions(Options):
    """Options of the dataset `fashion-mnist`."""

    folder: Path | None = option(
        None,
        "train on the idx files of this folder, named as MNIST's, instead of the fetched ones",
        metavar="FOLDER",
    )
