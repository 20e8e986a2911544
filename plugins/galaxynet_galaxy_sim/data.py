"""The simulated galaxies as batches."""

from __future__ import annotations

from galaxynet_galaxy_sim import SPEC
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData


class GalaxySimData(GalaxyZooData):
    """The simulated galaxies; their files have the form of the real ones."""

    name = SPEC.name
