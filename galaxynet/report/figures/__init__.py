"""Figures of runs, as matplotlib figures and as files (matplotlib is imported when one is drawn)."""

from galaxynet.report.figures.drawing import draw, names, save, write_figures

__all__ = ["draw", "names", "save", "write_figures"]
