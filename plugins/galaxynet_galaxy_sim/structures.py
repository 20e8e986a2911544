"""Knots of young stars and tidal tails: light that is placed point by point and not by a formula."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from galaxynet_galaxy_sim.galaxy import Galaxy
from galaxynet_galaxy_sim.profiles import Plane

Points = npt.NDArray[np.float64]


def knots(
    galaxy: Galaxy, origin: tuple[float, float], points: int, step: float, g: np.random.Generator
) -> Plane:
    """Relative light of the galaxy's knots, most of them on its arms.

    Args:
        galaxy: Whose disk they lie in.
        origin: Its centre in the frame, arcseconds from the middle.
        points: Side of the grid.
        step: Distance of its points, arcseconds.
        g: Places and luminosities come from it.

    Returns:
        Shape (points, points), sum about 1.
    """
    count = galaxy.knots
    scale = galaxy.scale_length
    radius = scale * g.gamma(4.0, 0.5, count)
    angle = g.uniform(0, 2 * math.pi, count)
    if galaxy.arms:
        start = max(0.7 * scale, galaxy.bar_length)
        ridge = np.log(radius / start) / math.tan(math.radians(galaxy.pitch))
        ridge += 2 * math.pi / galaxy.arms * g.integers(0, galaxy.arms, count)
        angle = np.where(g.uniform(size=count) < 0.75, ridge + g.normal(0, 0.18, count), angle)
    light = g.pareto(1.6, count) + 0.3
    plane = _placed(galaxy, origin, points, step, radius, angle, np.minimum(light, 6.0))
    return _blurred(plane, 0.10 * scale / step)


def tails(
    galaxy: Galaxy, origin: tuple[float, float], points: int, step: float, g: np.random.Generator
) -> Plane:
    """Relative light of the tidal tails: arcs that open outwards and fade; arguments as for `knots`."""
    first = float(g.uniform(0, 2 * math.pi))
    sense = 1.0 if g.uniform() < 0.5 else -1.0
    plane = np.zeros((points, points), np.float32)
    for number in range(galaxy.tails):
        along = np.linspace(0, 1, 160)
        sweep = float(g.uniform(0.5, 2.4))
        reach = float(g.uniform(2.2, 5.0))
        radius = galaxy.scale_length * (1.2 + reach * along)
        angle = first + sense * sweep * along**0.7 + number * math.pi * float(g.uniform(0.8, 1.2))
        light = (1 - along) ** 1.2 * (0.4 + along)
        plane += _placed(galaxy, origin, points, step, radius, angle, light)
    return _blurred(plane, float(g.uniform(0.18, 0.4)) * galaxy.scale_length / step)


def _placed(
    galaxy: Galaxy,
    origin: tuple[float, float],
    points: int,
    step: float,
    radius: Points,
    angle: Points,
    light: Points,
) -> Plane:
    """Put light at places in the disk's plane; `angle` is measured from the bar, as in `render`."""
    inner = angle - math.radians(galaxy.bar_angle)
    along = radius * np.cos(inner)
    across = radius * np.sin(inner) * galaxy.apparent_axis_ratio * (-1 if galaxy.clockwise else 1)
    turn = math.radians(galaxy.position_angle)
    x = origin[0] + along * math.cos(turn) - across * math.sin(turn)
    y = origin[1] + along * math.sin(turn) + across * math.cos(turn)
    column = np.rint(x / step + (points - 1) / 2).astype(np.int64)
    row = np.rint(y / step + (points - 1) / 2).astype(np.int64)
    inside = (column >= 0) & (column < points) & (row >= 0) & (row < points)
    plane = np.zeros((points, points), np.float32)
    np.add.at(plane, (row[inside], column[inside]), (light / light.sum())[inside].astype(np.float32))
    return plane


def _blurred(plane: Plane, sigma: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), max(sigma, 0.3)), np.float32)
