"""The options of galaxy_votes and galaxy_classifier. Imports no torch: `--help` reads this module."""

from __future__ import annotations

from typing import Literal

from galaxynet.plugin import OptimizerOptions, option


class BackboneOptions(OptimizerOptions):
    """What can be chosen of the network and of how it learns."""

    width: int = option(40, "channels of the first stage, doubled in each further one", ge=4, le=256)
    depth: int = option(1, "residual blocks in each stage", ge=1, le=8)
    stem_stride: int = option(2, "stride of the first convolution; 1 for small images", ge=1, le=4)
    equivariant: bool = option(True, "see the same in turned and mirrored images (p4m convolutions)")
    dropout: float = option(0.0, "part of the features that a training step leaves out", ge=0, lt=1)
    optimizer: Literal["adam", "adamw", "sgd", "adagrad"] = option("adamw", "optimiser (sgd: momentum 0.9)")
    lr: float = option(2e-3, "learning rate; its maximum if a schedule is used", gt=0, le=100)
    schedule: Literal["constant", "cosine", "one-cycle"] = option(
        "one-cycle", "learning-rate schedule over the whole training"
    )
    weight_decay: float = option(
        0.05, "weight decay (decoupled for adamw, an L2 penalty otherwise)", ge=0, le=10
    )


class GalaxyVotesOptions(BackboneOptions):
    """Options of galaxy_votes."""

    label_weight: float = option(
        0.3, "weight of the cross-entropy of each table of --also in the loss", ge=0, le=100
    )


class GalaxyClassifierOptions(BackboneOptions):
    """Options of galaxy_classifier."""
