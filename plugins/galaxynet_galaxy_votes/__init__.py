"""The networks galaxy_votes and galaxy_classifier: a compact residual network for images of galaxies.

This module is imported for listings and for `--help`, so it imports no torch.
"""

from __future__ import annotations

from galaxynet.plugin import ModelSpec
from galaxynet_galaxy_votes.options import GalaxyClassifierOptions, GalaxyVotesOptions

__all__ = ["CLASSIFIER", "SPEC", "GalaxyClassifierOptions", "GalaxyVotesOptions"]

_TRAINING = {"epochs": 24, "batch_size": 64}
# The central half of a frame holds the galaxy: 424 pixels are 8.5 of its 90 % radii.
_IMAGES = {"size": 96, "crop": 232, "channels": "rgb", "augment": True}

SPEC = ModelSpec(
    name="galaxy_votes",
    summary="residual network that predicts the volunteers' votes",
    options=GalaxyVotesOptions,
    module="galaxynet_galaxy_votes.model:GalaxyVotes",
    dataset="galaxy-zoo",
    training=_TRAINING,
    dataset_options={"labels": "votes", **_IMAGES},
)

CLASSIFIER = ModelSpec(
    name="galaxy_classifier",
    summary="the same network for classes: finetune galaxy_votes with it",
    options=GalaxyClassifierOptions,
    module="galaxynet_galaxy_votes.model:GalaxyClassifier",
    dataset="galaxy-zoo",
    training=_TRAINING,
    dataset_options=_IMAGES,
)
