"""What else is in the frame: stars of the Milky Way, faint galaxies behind, and flaws of the survey."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from galaxynet_galaxy_sim.render import PIXEL, flux_of

Bands = npt.NDArray[np.float32]
"""Shape (3, side, side): g, r and i in nanomaggies per pixel."""

_FAINTEST = 21.9
_STARS_TO_21 = 2.2
_GALAXIES_TO_21 = 2.2
"""Per square arcminute to r = 21, away from the Milky Way."""


@dataclass(frozen=True)
class FieldObject:
    """A star or a small galaxy somewhere in the frame.

    Attributes:
        x: Column of its centre, pixels.
        y: Row.
        fluxes: In g, r and i, nanomaggies.
        size: Half-light radius in pixels; 0 for a star.
        axis_ratio: Of a galaxy.
        angle: Of its major axis, radians.
    """

    x: float
    y: float
    fluxes: tuple[float, float, float]
    size: float
    axis_ratio: float
    angle: float


def draw_field(side: int, generator: np.random.Generator) -> list[FieldObject]:
    """Draw stars and galaxies by their counts on the sky, some of them just outside the frame."""
    margin = 12
    wide = side + 2 * margin
    area = (wide * PIXEL / 60) ** 2
    # Galaxies cluster and the Milky Way's stars thicken, so a frame is richer or poorer than the mean.
    richness = float(np.exp(generator.normal(0, 0.6)))
    objects = []
    for star in (True, False):
        per_magnitude = 0.20 if star else 0.38
        density = (_STARS_TO_21 if star else _GALAXIES_TO_21) * 10 ** ((_FAINTEST - 21) * per_magnitude)
        for _ in range(int(generator.poisson(density * richness * area))):
            magnitude = _FAINTEST - float(generator.exponential(1 / (per_magnitude * math.log(10))))
            objects.append(_object(star, max(magnitude, 9.5 if star else 14.5), wide, margin, generator))
    return objects


def _object(
    star: bool, magnitude: float, wide: int, margin: int, generator: np.random.Generator
) -> FieldObject:
    x, y = generator.uniform(-0.5, wide - 0.5, 2) - margin
    if star:
        # Halo and disk turn-off stars are bluish; faint ones are mostly red dwarfs.
        red = generator.uniform() < 0.15 + 0.07 * max(0.0, magnitude - 16)
        g_r = float(generator.normal(1.4, 0.09) if red else generator.normal(0.45, 0.16))
        r_i = 0.5 + min(1.3, float(generator.exponential(0.35))) if red else 0.42 * g_r - 0.04
        size, ratio = 0.0, 1.0
    else:
        g_r = float(np.clip(generator.normal(0.85, 0.25), 0.3, 1.7))
        r_i = 0.15 + 0.3 * g_r + float(generator.normal(0, 0.08))
        size = float(np.exp(generator.normal(math.log(2.1), 0.35))) * 10 ** (0.10 * (20 - magnitude))
        ratio = float(generator.uniform(0.25, 1.0))
    red_flux = flux_of(magnitude)
    fluxes = (red_flux * 10 ** (-0.4 * g_r), red_flux, red_flux * 10 ** (0.4 * r_i))
    return FieldObject(float(x), float(y), fluxes, size, ratio, float(generator.uniform(0, math.pi)))


def add_objects(bands: Bands, objects: list[FieldObject], seeing: tuple[float, float, float]) -> None:
    """Add the objects' light in place.

    Args:
        bands: The frame.
        objects: What to add.
        seeing: Standard deviation of a star's core in g, r, i, pixels.
    """
    side = bands.shape[1]
    for thing in objects:
        brightest = max(thing.fluxes)
        reach = int(4 * max(seeing) + 5 * thing.size) + 2
        if thing.size == 0:
            reach += int(min(side, 2.2 * math.sqrt(brightest)))
        left, right = max(0, int(thing.x) - reach), min(side, int(thing.x) + reach + 1)
        top, bottom = max(0, int(thing.y) - reach), min(side, int(thing.y) + reach + 1)
        if left >= right or top >= bottom:
            continue
        x = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(thing.x)
        y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(thing.y)
        patch = bands[:, top:bottom, left:right]
        # The seeing differs from band to band, which is invisible in a faint object.
        groups = ((0, 1, 2),) if brightest < 30 else ((0,), (1,), (2,))
        for group in groups:
            sigma = seeing[group[len(group) // 2]]
            light = _star(x, y, sigma) if thing.size == 0 else _small_galaxy(x, y, thing, sigma)
            for band in group:
                patch[band] += light * np.float32(thing.fluxes[band])


def _star(x: Bands, y: Bands, sigma: float) -> Bands:
    """Two Gaussians and the power-law wing of the survey's point spread function; sum about 1."""
    r2 = x * x + y * y
    s2 = np.float32(sigma * sigma)
    scaled = np.asarray(r2 / s2, np.float32)
    core = np.exp(-0.5 * scaled) * 0.86 + np.exp(-0.5 / 6 * scaled) * (0.11 / 6)
    wing = 0.0025 / (1 + scaled / 9) ** 1.6
    light: Bands = (core + wing) / np.float32(2 * math.pi * s2)
    return light


def _small_galaxy(x: Bands, y: Bands, thing: FieldObject, sigma: float) -> Bands:
    """An exponential disk, widened by the seeing in quadrature; sum about 1."""
    cos, sin = math.cos(thing.angle), math.sin(thing.angle)
    major = math.hypot(thing.size / 1.678, 0.75 * sigma)
    minor = math.hypot(thing.size * thing.axis_ratio / 1.678, 0.75 * sigma)
    m2 = ((x * cos + y * sin) / major) ** 2 + ((y * cos - x * sin) / minor) ** 2
    light = np.exp(-np.sqrt(m2 + np.float32(0.15))) / np.float32(2 * math.pi * 0.86 * major * minor)
    return np.asarray(light, np.float32)


def add_spikes(bands: Bands, objects: list[FieldObject], angle: float) -> None:
    """Diffraction spikes of bright stars, at `angle` (radians) and across it, in place."""
    side = bands.shape[1]
    axis = np.arange(side, dtype=np.float32)
    for thing in objects:
        if thing.size > 0 or thing.fluxes[1] < flux_of(13.6):
            continue
        x, y = axis[None, :] - np.float32(thing.x), axis[:, None] - np.float32(thing.y)
        u = x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
        v = y * np.float32(math.cos(angle)) - x * np.float32(math.sin(angle))
        for first, second in ((u, v), (v, u)):
            fading = np.exp(-np.abs(first) / np.float32(3.4 * (thing.fluxes[1] / 1600) ** 0.45))
            beam = np.exp(-0.5 * (second / np.float32(0.9)) ** 2) * fading
            for band, strength in enumerate((0.00003, 0.000025, 0.00003)):
                bands[band] += beam * np.float32(strength * thing.fluxes[band])


def add_trail(bands: Bands, generator: np.random.Generator) -> None:
    """The trail of a satellite, which crosses one exposure and so has one colour, in place."""
    side = bands.shape[1]
    band = int(generator.integers(3))
    ends = generator.uniform(0, side, 4)
    start, stop = (0, int(ends[0])), (side - 1, int(ends[1]))
    if ends[2] < side / 2:
        start, stop = (int(ends[0]), 0), (int(ends[1]), side - 1)
    line = np.zeros((side, side), np.float32)
    cv2.line(line, start, stop, 1.0, 1)
    light = cv2.GaussianBlur(line, (0, 0), 1.0) * np.float32(generator.uniform(0.1, 0.9))
    bands[band] += light
    # The filters overlap a little, and a passage lasts: the neighbouring band catches some of it.
    bands[1] += np.float32(0.3) * light
