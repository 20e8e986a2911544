"""The options of galaxy_votes. Imports no torch: `--help` reads this module."""

from __future__ import annotations

from typing import Literal

from galaxynet.plugin import OptimizerOptions, option


class GalaxyVotesOptions(OptimizerOptions):
    """What can be chosen of the network and of how it learns."""

    width: int = option(32, "channels of the first stage, doubled in each further one", ge=4, le=256)
    depth: int = option(1, "residual blocks in each stage", ge=1, le=8)
    optimizer: Literal["adam", "adamw", "sgd", "adagrad"] = option("adamw", "optimiser (sgd: momentum 0.9)")
    lr: float = option(2e-3, "learning rate; the highest one where a schedule is used", gt=0, le=100)
    schedule: Literal["constant", "cosine", "one-cycle"] = option(
        "one-cycle", "course of the learning rate over the whole training"
    )
    weight_decay: float = option(
        0.05, "weight decay (decoupled for adamw, an L2 penalty otherwise)", ge=0, le=10
    )
