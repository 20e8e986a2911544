"""The networks galaxy_votes and galaxy_classifier: a compact residual network for images of galaxies.

This module is imported for listings and for `--help`, so it imports no torch.
"""

from __future__ import annotations

from galaxynet.plugin import ModelSpec, Reference, ShippedWeights
from galaxynet_galaxy_votes.options import GalaxyClassifierOptions, GalaxyVotesOptions

__all__ = ["CLASSIFIER", "SPEC", "GalaxyClassifierOptions", "GalaxyVotesOptions"]

_FULL = 48_000
"""Training samples of a run to set beside the challenge's figures: of its 61,578, a test part is held out."""
_CLEAN = 20_000
"""The same for the five classes, of which all galaxies of the challenge give 28,790."""
# Ten minutes for 8,333 images on two cores with AVX-512.
_TRAINING = {"epochs": 16, "batch_size": 32, "ema": 0.998}
# The central part of a frame holds the galaxy: 424 pixels are 8.5 of its 90 % radii.
_IMAGES = {"size": 112, "crop": 240, "channels": "rgb", "augment": True}

SPEC = ModelSpec(
    name="galaxy_votes",
    summary="residual network that predicts the volunteers' votes",
    options=GalaxyVotesOptions,
    module="galaxynet_galaxy_votes.model:GalaxyVotes",
    dataset="galaxy-zoo",
    training=_TRAINING,
    dataset_options={"labels": "votes", **_IMAGES},
    references=(
        Reference(
            {"labels": "votes"},
            {"test/rmse": 0.07492},
            "winner of the challenge, 16 networks averaged, on Kaggle's own test galaxies "
            "(Dieleman et al. 2015, MNRAS 450, 1441)",
            training_samples=_FULL,
        ),
    ),
    weights=(
        ShippedWeights(
            name="galaxy_votes",
            summary="8,333 galaxies of the Sloan survey, 3,886 of them with votes",
            folder="galaxynet_galaxy_votes:weights/galaxy_votes",
        ),
    ),
)

CLASSIFIER = ModelSpec(
    name="galaxy_classifier",
    summary="the same network for classes: finetune galaxy_votes with it",
    options=GalaxyClassifierOptions,
    module="galaxynet_galaxy_votes.model:GalaxyClassifier",
    dataset="galaxy-zoo",
    training=_TRAINING,
    dataset_options=_IMAGES,
    references=(
        Reference(
            {"labels": "morphology5"},
            {"test/accuracy": 0.952},
            "ResNet of 26 layers, 2,879 test galaxies (Zhu et al. 2019, Ap&SS 364, 55)",
            training_samples=_CLEAN,
        ),
    ),
)
