"""A galaxy and a scene in numbers, before any light is drawn.

Magnitudes are AB in the r band, colours g-r and r-i, lengths in arcseconds, angles in degrees unless said
otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["elliptical", "lenticular", "spiral", "irregular", "star"]

EDGE_ON = 80.0
"""Inclination from which a disk is drawn from its side."""


@dataclass(frozen=True)
class Colour:
    """g-r and r-i."""

    g_r: float
    r_i: float


@dataclass(frozen=True, kw_only=True)
class Galaxy:
    """One galaxy (or a star, for the catalogue's mistakes).

    Attributes:
        kind: What it was drawn as; only for people who look at the scene.
        magnitude: Of all its light.
        position_angle: Of the major axis, from the image's x axis.
        axis_ratio: Of a spheroid's image; for a disk it follows from `inclination`.
        effective_radius: Of the spheroid (the bulge, or the whole of an elliptical).
        sersic_index: Of the spheroid.
        bulge_fraction: Share of the light in the spheroid; 1 for an elliptical.
        scale_length: Of the exponential disk.
        inclination: 0 face-on, 90 edge-on.
        clockwise: The sense in which its arms and patches wind.
        thickness: Axis ratio of the disk seen exactly from its side.
        arms: Number of spiral arms; 0 for none.
        pitch: Pitch angle of the arms; also winds the patches.
        arm_strength: Excess of the arms over the disk below them.
        arm_sharpness: Narrowness of the arms, see `profiles.spiral_arms`.
        bar_fraction: Share of the light in the bar.
        bar_length: Half-length of the bar.
        bar_angle: Of the bar, in the plane of the disk.
        ring_fraction: Share of the light in a ring.
        ring_radius: Radius of the ring.
        patchiness: Deviation of the disk's patches, relative to the disk.
        knots: Number of bright blue knots.
        lopsidedness: How much brighter one side of the disk is, 0 to 1.
        dust: Optical depth of the lane of an edge-on disk.
        tails: Number of tidal tails.
        old: Colour of the spheroid and the bar.
        young: Colour of the disk; arms and knots are bluer.
    """

    kind: Kind
    magnitude: float
    position_angle: float
    axis_ratio: float = 1.0
    effective_radius: float
    sersic_index: float = 4.0
    bulge_fraction: float = 1.0
    scale_length: float = 0.0
    inclination: float = 0.0
    clockwise: bool = False
    thickness: float = 0.2
    arms: int = 0
    pitch: float = 20.0
    arm_strength: float = 0.0
    arm_sharpness: float = 3.0
    bar_fraction: float = 0.0
    bar_length: float = 0.0
    bar_angle: float = 0.0
    ring_fraction: float = 0.0
    ring_radius: float = 0.0
    patchiness: float = 0.0
    knots: int = 0
    lopsidedness: float = 0.0
    dust: float = 0.0
    tails: int = 0
    old: Colour
    young: Colour

    @property
    def is_edge_on(self) -> bool:
        """Whether a disk dominates and is seen from its side."""
        return self.scale_length > 0 and self.inclination >= EDGE_ON

    @property
    def apparent_axis_ratio(self) -> float:
        """Minor over major axis of the image: Hubble's formula for an oblate disk of finite thickness."""
        if self.scale_length == 0:
            return self.axis_ratio
        cos2 = math.cos(math.radians(self.inclination)) ** 2
        return math.sqrt(cos2 * (1 - self.thickness**2) + self.thickness**2)

    def radius_90(self, seeing: float) -> float:
        """Roughly the radius of the circle that holds 90 % of the Petrosian light.

        The factors were set so that galaxies fill their frames as the genuine ones do.

        Args:
            seeing: Width (FWHM) of a star's image.
        """
        if self.scale_length == 0:
            major = 1.72 * self.effective_radius
        else:
            major = (2.9 - 1.3 * self.bulge_fraction) * self.scale_length
        ratio = self.apparent_axis_ratio
        return math.hypot(major * math.sqrt((1.6 + 0.4 * ratio**2) / 2), 0.8 * seeing)


@dataclass(frozen=True)
class Companion:
    """A second galaxy at an offset from the first."""

    galaxy: Galaxy
    x: float
    y: float


@dataclass(frozen=True)
class Scene:
    """A frame's main galaxy, what merges with it, and the state of the sky.

    Attributes:
        galaxy: The one in the middle.
        companions: Galaxies that overlap or merge with it.
        seeing: Width (FWHM) of a star's image in r, arcseconds.
        radius_90: Sets the scale: a frame of 424 pixels spans 8.48 of it.
        artefact: A flaw of the image: a trail of a satellite, a gap between two exposures, or none.
    """

    galaxy: Galaxy
    companions: tuple[Companion, ...]
    seeing: float
    radius_90: float
    artefact: Literal["none", "trail", "gap"]
