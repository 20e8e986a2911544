"""Exports of runs: folders of 16-bit weights that a package can ship."""
