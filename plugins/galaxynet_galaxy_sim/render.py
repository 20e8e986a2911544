"""From a scene to light: planes of r-band flux without seeing or noise, one for each part of the galaxy.

The parts stay apart so that the volunteers can be asked what they see of each once the seeing has blurred it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from galaxynet_galaxy_sim import profiles, structures
from galaxynet_galaxy_sim.galaxy import Colour, Galaxy, Scene
from galaxynet_galaxy_sim.profiles import Plane

PIXEL = 0.396
"""Side of a pixel of the survey's camera, arcseconds."""


@dataclass(frozen=True)
class Part:
    """Light of one part of a scene.

    Attributes:
        name: `spheroid`, `disk`, `bar`, `ring`, `arms`, `patches`, `tails` or `companion`.
        flux: Nanomaggies per pixel in r, shape (side, side). Arms and patches are excesses over the disk and
            have negative values between them.
        colour: Its g-r and r-i.
    """

    name: str
    flux: Plane
    colour: Colour


def flux_of(magnitude: float) -> float:
    """Nanomaggies of an AB magnitude (magnitude 22.5 is one)."""
    return float(10 ** (0.4 * (22.5 - magnitude)))


def render(scene: Scene, side: int, oversampling: int, generator: np.random.Generator) -> list[Part]:
    """Draw the scene's galaxies.

    Args:
        scene: What to draw.
        side: Camera pixels along the frame's side.
        oversampling: Points per camera pixel and axis.
        generator: For patches, knots and tails.

    Returns:
        The parts, on a grid of side x oversampling points.
    """
    step = PIXEL / oversampling
    points = side * oversampling
    axis = (np.arange(points, dtype=np.float32) - (points - 1) / 2) * np.float32(step)
    parts = _galaxy(scene.galaxy, (0.0, 0.0), axis, step, generator)
    for companion in scene.companions:
        drawn = _galaxy(companion.galaxy, (companion.x, companion.y), axis, step, generator)
        parts.extend(Part("companion", part.flux, part.colour) for part in drawn)
    return parts


def _scaled(plane: Plane, flux: float) -> Plane:
    total = float(plane.sum())
    return plane * np.float32(flux / total) if total > 0 else plane


def _polar(x: Plane, y: Plane) -> tuple[Plane, Plane]:
    """Radius, and angle in 0 to 2 pi."""
    radius, angle = cv2.cartToPolar(x, y)
    return np.asarray(radius, np.float32), np.asarray(angle, np.float32)


def _bluer(colour: Colour, by: float) -> Colour:
    return Colour(colour.g_r - by, colour.r_i - 0.5 * by)


def _galaxy(
    galaxy: Galaxy, origin: tuple[float, float], axis: Plane, step: float, generator: np.random.Generator
) -> list[Part]:
    total = flux_of(galaxy.magnitude)
    turn = math.radians(galaxy.position_angle)
    cos, sin = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    x = axis[None, :] - np.float32(origin[0])
    y = axis[:, None] - np.float32(origin[1])
    along = x * cos + y * sin
    across = (y * cos - x * sin) * np.float32(-1 if galaxy.clockwise else 1)
    soft = np.float32((0.35 * step) ** 2)  # keeps the cusp of a Sérsic law within a point
    parts = []
    if galaxy.bulge_fraction > 0:
        # The bulge of an inclined disk is flattened in part.
        ratio = galaxy.axis_ratio
        if galaxy.scale_length > 0:
            ratio *= 0.45 + 0.55 * galaxy.apparent_axis_ratio
        radius = np.sqrt(along**2 + (across * np.float32(1 / ratio)) ** 2 + soft)
        # A star is drawn narrower than a point can be, and the seeing widens it.
        size = max(galaxy.effective_radius, 0.5 * step)
        light = profiles.sersic(radius, galaxy.sersic_index, size)
        parts.append(Part("spheroid", _scaled(light, total * galaxy.bulge_fraction), galaxy.old))
    if galaxy.scale_length > 0:
        parts.extend(_disk(galaxy, total, along, across, generator))
    if galaxy.knots and not galaxy.is_edge_on:
        light = structures.knots(galaxy, origin, along.shape[0], step, generator)
        share = 0.008 * galaxy.knots
        parts.append(Part("patches", light * np.float32(share * total), _bluer(galaxy.young, 0.35)))
    if galaxy.tails:
        light = structures.tails(galaxy, origin, along.shape[0], step, generator)
        share = 0.07 * galaxy.tails
        parts.append(Part("tails", light * np.float32(share * total), _bluer(galaxy.young, 0.05)))
    return parts


def _disk(
    galaxy: Galaxy, total: float, along: Plane, across: Plane, generator: np.random.Generator
) -> list[Part]:
    scale = galaxy.scale_length
    flux = total * max(0.05, 1 - galaxy.bulge_fraction - galaxy.bar_fraction - galaxy.ring_fraction)
    if galaxy.is_edge_on:
        return _edge_on(galaxy, flux, along, across, generator)
    upright = across * np.float32(1 / galaxy.apparent_axis_ratio)
    radius, angle = _polar(along, upright)
    angle += np.float32(math.radians(galaxy.bar_angle))
    # Disks end: beyond four to five scale lengths there is little left.
    edge = np.minimum((radius - np.float32(4.6 * scale)) / np.float32(0.4 * scale), 30)
    disk = np.exp(-radius / scale) / (1 + np.exp(edge))
    if galaxy.lopsidedness:
        tilt = np.cos(angle) * np.tanh(radius / np.float32(1.5 * scale))
        disk *= 1 + np.float32(0.8 * galaxy.lopsidedness) * tilt
    disk = _scaled(disk, flux)
    # Disks redden inwards, where more of their stars are old.
    inner = disk * np.exp(-radius / scale)
    parts = [Part("disk", disk - inner, galaxy.young), Part("disk", inner, galaxy.old)]
    patches: Plane | None = None
    if galaxy.patchiness:
        patches = profiles.flocculence(radius, angle, scale, galaxy.pitch, generator)
        lit = disk * np.maximum(patches * np.float32(galaxy.patchiness), -0.8)
        parts.append(Part("patches", lit, _bluer(galaxy.young, 0.12)))
    if galaxy.arms:
        start = max(0.7 * scale, galaxy.bar_length)
        # No arm is a perfect spiral: the patches bend it.
        bent = angle if patches is None else angle + np.float32(0.16) * patches
        excess = profiles.spiral_arms(radius, bent, galaxy.arms, galaxy.pitch, galaxy.arm_sharpness, start)
        excess = np.maximum(excess * np.float32(galaxy.arm_strength), -0.8)
        if patches is not None:
            excess *= 1 + np.float32(0.35) * np.tanh(patches)
        parts.append(Part("arms", disk * excess, _bluer(galaxy.young, 0.10)))
    if galaxy.bar_fraction:
        # `angle` is measured from the bar, so that two arms begin at its ends.
        light = profiles.bar(radius * np.cos(angle), radius * np.sin(angle), galaxy.bar_length, 0.34)
        parts.append(Part("bar", _scaled(light, total * galaxy.bar_fraction), galaxy.old))
    if galaxy.ring_fraction:
        light = profiles.ring(radius, galaxy.ring_radius, 0.16 * galaxy.ring_radius)
        parts.append(Part("ring", _scaled(light, total * galaxy.ring_fraction), _bluer(galaxy.young, 0.05)))
    return parts


def _edge_on(
    galaxy: Galaxy, flux: float, along: Plane, across: Plane, generator: np.random.Generator
) -> list[Part]:
    scale, height = galaxy.scale_length, galaxy.thickness * galaxy.scale_length
    disk = profiles.edge_on_disk(along, across, scale, 1.6 * galaxy.apparent_axis_ratio * scale)
    if galaxy.dust:
        lane = across - np.float32(0.35 * height)
        disk *= profiles.dust_lane(along, lane, 2 * scale, 0.5 * height, galaxy.dust)
    disk *= 1 + np.float32(0.6 * galaxy.lopsidedness) * np.tanh(along / scale)
    disk = _scaled(disk, flux)
    parts = [Part("disk", disk, galaxy.young)]
    if galaxy.patchiness:
        radius, angle = _polar(along, 3 * across)
        patches = profiles.flocculence(radius, angle, scale, galaxy.pitch, generator)
        parts.append(Part("patches", disk * patches * np.float32(0.6 * galaxy.patchiness), galaxy.young))
    return parts
