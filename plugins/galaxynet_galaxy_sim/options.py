"""Options of the simulated galaxies."""

from __future__ import annotations

from galaxynet.options import Options, option


class SimulatorOptions(Options):
    """Options of `galaxynet fetch galaxy-sim`."""

    count: int = option(2000, "number of galaxies to simulate", ge=10, le=200_000)
    seed: int = option(0, "random seed; the same seed gives the same files, byte for byte", ge=0)
    volunteers: int = option(40, "number of people who classify each galaxy", ge=5, le=1000)
