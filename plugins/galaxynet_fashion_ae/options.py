"""The options of fashion_ae and of fashion-mnist. Imports no torch: `--help` reads this module."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from galaxynet.plugin import Activation, OptimizerOptions, Options, option


class FashionAeOptions(OptimizerOptions):
    """What can be chosen of the autoencoder and of how it learns."""

    code: int = option(32, "size of the code: numbers per image", ge=1, le=4096)
    hidden: int = option(0, "units of another hidden layer on each side of the code; 0: none", ge=0, le=4096)
    act: Activation = option("sigmoid", "activation of the code and the hidden layers; the output is linear")
    pixels: Literal["raw", "unit"] = option(
        "raw", "range of the pixels that the network reconstructs: raw, 0 to 255; unit, 0 to 1"
    )
    optimizer: Literal["adam", "adamw", "sgd", "adagrad"] = option("adagrad", "optimiser (sgd: momentum 0.9)")
    lr: float = option(0.1, "learning rate; its maximum if a schedule is used", gt=0, le=100)


class FashionMnistOptions(Options):
    """Options of the dataset `fashion-mnist`."""

    folder: Path | None = option(
        None,
        "folder of idx files to use instead of the fetched ones, named like MNIST's",
        metavar="FOLDER",
    )
