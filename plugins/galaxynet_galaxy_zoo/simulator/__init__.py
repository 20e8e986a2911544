"""Simulated galaxies and the volunteers who classify them.

`build.simulate` writes the same archives as the competition, with no account and no network.
"""
