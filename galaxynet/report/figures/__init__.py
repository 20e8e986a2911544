"""Figures of runs, as matplotlib figures and as files (matplotlib is imported when one is drawn)."""

from galaxynet.report.figures.drawing import (
    Format,
    draw,
    names,
    runs_by_network,
    save,
    write_figures,
    write_joint_figures,
)

__all__ = ["Format", "draw", "names", "runs_by_network", "save", "write_figures", "write_joint_figures"]
