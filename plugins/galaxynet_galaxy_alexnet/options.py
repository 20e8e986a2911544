"""The options of galaxy_alexnet. Imports no torch: `--help` reads this module."""

from __future__ import annotations

from typing import Literal

from galaxynet.plugin import Activation, OptimizerOptions, option

PLURALITY = ("Class1.1", "Class1.2", "Class1.3", "Class6.1", "Class6.2")
"""The five of the 37 vote columns that are ever the largest: the classes that the report distinguishes."""


class GalaxyAlexNetOptions(OptimizerOptions):
    """Options of the network and of its training."""

    act: Activation = option("relu", "activation of the convolutions; the dense layers are always relu")
    extra_convs: Literal[0, 1, 3] = option(0, "3x3 convolutions between the second and the third pooling")
    lr: float = option(4e-4, "learning rate; its maximum if a schedule is used", gt=0, le=100)
    schedule: Literal["constant", "cosine", "one-cycle"] = option(
        "one-cycle", "learning-rate schedule over the whole training"
    )
