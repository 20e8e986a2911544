"""Simulated galaxies and the volunteers who classify them: the dataset `galaxy-sim`.

`build.simulate` writes the same archives as the Galaxy Zoo challenge, with no account and no network.
"""

from __future__ import annotations

from galaxynet.plugin import DatasetSpec, Simulator
from galaxynet_galaxy_sim.options import SimulatorOptions
from galaxynet_galaxy_zoo import SOLUTIONS, TRAINING_IMAGES
from galaxynet_galaxy_zoo.options import GalaxyZooOptions

SPEC = DatasetSpec(
    name="galaxy-sim",
    summary="simulated galaxies and volunteers, in the same format; needs no account or network",
    options=GalaxyZooOptions,
    module="galaxynet_galaxy_sim.data:GalaxySimData",
    files=(TRAINING_IMAGES, SOLUTIONS),
    sources=(Simulator(function="galaxynet_galaxy_sim.build:simulate", options=SimulatorOptions),),
    check="galaxynet_galaxy_zoo.check:check",
)
