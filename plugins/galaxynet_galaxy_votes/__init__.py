"""The network galaxy_votes: a compact residual network that predicts vote fractions of galaxies.

This module is imported for listings and for `--help`, so it imports no torch.
"""

from __future__ import annotations

from galaxynet.plugin import ModelSpec
from galaxynet_galaxy_votes.options import GalaxyVotesOptions

__all__ = ["SPEC", "GalaxyVotesOptions"]

SPEC = ModelSpec(
    name="galaxy_votes",
    summary="residual network that predicts the volunteers' votes",
    options=GalaxyVotesOptions,
    module="galaxynet_galaxy_votes.model:GalaxyVotes",
    dataset="galaxy-zoo",
    training={"epochs": 15, "batch_size": 64},
    # The central half of a frame holds the galaxy: 424 pixels are 8.5 of its 90 % radii.
    dataset_options={"labels": "votes", "size": 64, "crop": 216, "channels": "rgb", "augment": True},
)
