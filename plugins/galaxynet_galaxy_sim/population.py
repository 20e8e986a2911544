"""What falls into a catalogue of galaxies to r = 17: kinds, brightness, sizes, colours, at random.

Units are those of `galaxy`. The proportions were set beside the genuine images; they are not fitted to a
luminosity function.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np

from galaxynet_galaxy_sim.galaxy import Colour, Companion, Galaxy, Kind, Scene

FAINT_LIMIT = 17.0
SEEING = 1.30
"""Median width (FWHM) of a star's image in the r band."""

_KINDS: tuple[Kind, ...] = ("elliptical", "lenticular", "spiral", "irregular", "star")
_SHARES = (0.27, 0.215, 0.46, 0.05, 0.005)
_ARMS = (1, 2, 3, 4, 5, 6)
_ARM_SHARES = (0.06, 0.56, 0.16, 0.09, 0.07, 0.06)


def draw_scene(generator: np.random.Generator) -> Scene:
    """Draw one scene of the survey."""
    seeing = float(np.clip(generator.normal(SEEING, 0.13), 0.95, 1.8))
    kind = _KINDS[int(generator.choice(len(_KINDS), p=_SHARES))]
    galaxy = draw_galaxy(generator, kind, _magnitude(generator))
    companions: tuple[Companion, ...] = ()
    chance = generator.uniform()
    if chance < 0.06 and kind != "star":
        galaxy, companions = _merger(generator, galaxy)
    elif chance < 0.10 and galaxy.scale_length > 0:
        galaxy = replace(
            galaxy,
            lopsidedness=float(generator.uniform(0.4, 0.9)),
            tails=int(generator.integers(1, 3)),
            patchiness=galaxy.patchiness + 0.2,
        )
    scatter = float(np.exp(generator.normal(0, 0.07)))
    # Mistakes of the deblender make a few frames far too narrow or too wide.
    if generator.uniform() < 0.03:
        scatter *= float(generator.uniform(0.6, 1.8))
    radius = float(np.clip(galaxy.radius_90(seeing) * scatter, 2.9, 20.0))
    flaw = generator.uniform()
    artefact: Literal["none", "trail", "gap"] = "trail" if flaw < 0.005 else "gap" if flaw < 0.013 else "none"
    return Scene(galaxy, companions, seeing, radius, artefact)


def _magnitude(generator: np.random.Generator) -> float:
    # Counts in a Euclidean universe grow as 10^(0.6 m), which is an exponential below the limit. Those too
    # small to classify are not in the catalogue, which leaves the slope of the rest flatter.
    return max(12.5, FAINT_LIMIT - float(generator.exponential(1 / (0.42 * math.log(10)))))


def _radius_for(magnitude: float, brightness: float) -> float:
    """Half-light radius of a galaxy of this mean surface brightness (mag per square arcsecond) within it."""
    return math.sqrt(10 ** (0.4 * (brightness - magnitude)) / (2 * math.pi))


def draw_galaxy(generator: np.random.Generator, kind: Kind, magnitude: float) -> Galaxy:
    """Draw a galaxy of a kind and a magnitude."""
    redshift = float(np.clip(generator.gamma(3.5, 0.022), 0.01, 0.22))
    old = Colour(
        0.78 + 1.9 * redshift + float(generator.normal(0, 0.05)),
        0.36 + 0.5 * redshift + float(generator.normal(0, 0.03)),
    )
    angle = float(generator.uniform(0, 360))
    match kind:
        case "star":
            tint = float(generator.uniform(0.2, 1.3))
            colour = Colour(tint, 0.4 * tint)
            return Galaxy(
                kind=kind,
                magnitude=magnitude,
                position_angle=angle,
                effective_radius=0.02,
                sersic_index=1.0,
                old=colour,
                young=colour,
            )
        case "elliptical":
            radius = _radius_for(magnitude, float(generator.normal(20.5, 0.5)))
            return Galaxy(
                kind=kind,
                magnitude=magnitude,
                position_angle=angle,
                axis_ratio=float(np.clip(generator.normal(0.80, 0.14), 0.42, 0.99)),
                effective_radius=radius,
                sersic_index=float(generator.uniform(2.2, 5.0)),
                old=old,
                young=old,
            )
        case _:
            return _disk_galaxy(generator, kind, magnitude, angle, old, redshift)


def _disk_galaxy(
    generator: np.random.Generator, kind: Kind, magnitude: float, angle: float, old: Colour, redshift: float
) -> Galaxy:
    late = float(generator.beta(2.0, 2.0))  # 0 for Sa, 1 for Sd
    inclination = math.degrees(math.acos(float(generator.uniform(0, 1))))
    blue = Colour(
        0.58 - 0.40 * late + 1.0 * redshift + float(generator.normal(0, 0.06)),
        0.26 - 0.21 * late + 0.3 * redshift + float(generator.normal(0, 0.04)),
    )
    reddening = 0.22 * max(0.0, inclination - 55) / 35
    if kind == "lenticular":
        brightness, bulge = float(generator.normal(20.5, 0.5)), float(generator.uniform(0.25, 0.65))
        blue = Colour(
            old.g_r - float(generator.uniform(0, 0.12)), old.r_i - float(generator.uniform(0, 0.05))
        )
    elif kind == "irregular":
        brightness, bulge = float(generator.normal(21.2, 0.5)), float(generator.uniform(0, 0.06))
        blue = Colour(float(generator.normal(0.30, 0.1)), float(generator.normal(0.08, 0.06)))
    else:
        brightness, bulge = (
            float(generator.normal(20.9, 0.55)),
            0.45 * (1 - late) * float(generator.beta(2, 2)),
        )
    if kind != "lenticular":
        blue = Colour(blue.g_r + reddening, blue.r_i + reddening / 2)
    scale = _radius_for(magnitude, brightness) / 1.678
    galaxy = Galaxy(
        kind=kind,
        magnitude=magnitude,
        position_angle=angle,
        axis_ratio=float(generator.uniform(0.7, 1.0)),
        effective_radius=scale * float(generator.uniform(0.25, 0.6)),
        sersic_index=float(generator.uniform(1.0, 3.5)),
        bulge_fraction=bulge,
        scale_length=scale,
        inclination=inclination,
        clockwise=bool(generator.uniform() < 0.5),
        thickness=float(generator.uniform(0.10, 0.22)) + 0.1 * (kind == "irregular"),
        pitch=float(np.clip(10 + 16 * late + generator.normal(0, 5), 9, 45)),
        lopsidedness=abs(float(generator.normal(0, 0.08))),
        dust=float(generator.uniform(0.8, 3.0)) if generator.uniform() < 0.4 else 0.0,
        old=old,
        young=blue,
    )
    if generator.uniform() < (0.05 if kind == "irregular" else 0.33):
        galaxy = replace(
            galaxy,
            bar_fraction=float(generator.uniform(0.06, 0.26)),
            bar_length=scale * float(generator.uniform(0.8, 1.9)),
            bar_angle=float(generator.uniform(0, 180)),
        )
    if kind != "irregular" and generator.uniform() < 0.10:
        galaxy = replace(
            galaxy,
            ring_fraction=float(generator.uniform(0.08, 0.3)),
            ring_radius=scale * float(generator.uniform(1.2, 2.8)),
        )
    if kind == "irregular":
        galaxy = replace(
            galaxy,
            patchiness=float(generator.uniform(0.3, 0.8)),
            knots=int(generator.integers(3, 14)),
            lopsidedness=float(generator.uniform(0.1, 0.8)),
            pitch=60.0,
        )
    elif kind == "spiral":
        galaxy = replace(
            galaxy,
            arms=int(generator.choice(_ARMS, p=_ARM_SHARES)),
            arm_strength=float(0.2 + 2.3 * generator.beta(1.3, 1.9)),
            arm_sharpness=float(generator.uniform(1.2, 4.5)),
            patchiness=float(0.06 + 0.3 * late * generator.uniform()),
            knots=int(generator.poisson(14 * late**2)),
        )
    return galaxy


def _merger(generator: np.random.Generator, galaxy: Galaxy) -> tuple[Galaxy, tuple[Companion, ...]]:
    """A second galaxy beside the first, and tails where there is a disk to draw them from."""
    kind: Kind = "elliptical" if generator.uniform() < 0.4 else "spiral"
    other = draw_galaxy(generator, kind, galaxy.magnitude + float(generator.uniform(0, 1.8)))
    apart = galaxy.radius_90(0.0) * float(generator.uniform(0.35, 1.2))
    direction = float(generator.uniform(0, 2 * math.pi))
    if galaxy.scale_length > 0 and generator.uniform() < 0.7:
        galaxy = replace(
            galaxy,
            tails=int(generator.integers(1, 3)),
            lopsidedness=float(generator.uniform(0.2, 0.7)),
            patchiness=galaxy.patchiness + 0.15,
        )
    companion = Companion(other, apart * math.cos(direction), apart * math.sin(direction))
    return galaxy, (companion,)
