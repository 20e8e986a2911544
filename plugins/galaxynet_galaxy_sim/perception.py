"""What is visible in a frame: measured on its light after seeing, in the picture's grey levels.

The visibility of a part of the galaxy is the change that it makes in the picture, in units of what hides it:
the noise around it, and the few grey levels below which the eye sees no change. So a faint arm, or one that
the seeing has smeared into the disk, can be present in the scene and absent from the impression.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from galaxynet_galaxy_sim import camera
from galaxynet_galaxy_sim.galaxy import Scene
from galaxynet_galaxy_sim.observe import Frame
from galaxynet_galaxy_sim.profiles import Plane
from galaxynet_galaxy_sim.render import PIXEL

_RED = camera.WEIGHTS[1]
_NOISE = camera.NOISE[1] * _RED
_EYE = 4.0
"""Grey levels of a change that is just visible without noise."""


@dataclass(frozen=True)
class Impression:
    """What the picture shows. Visibilities are 0 for nothing; 1 is plain to see.

    Attributes:
        axis_ratio: Minor over major axis of the image, seeing included.
        extent: Size of the image over that of a star; near 1 for a star.
        arms: Visibility of the spiral pattern.
        patches: Of patches and knots.
        bar: Of the bar.
        ring: Of the ring.
        tails: Of tidal tails.
        companion: Of a galaxy that overlaps or merges.
        neighbours: Of stars and other galaxies that lie over it.
        asymmetry: Mean difference between the image and itself turned by 180 degrees, relative to its light.
        bulge: Share of the light in bulge and, by half, bar; 1 for a spheroid alone.
        blueness: Redness of an old population less that of the image, g-r.
        disk: Whether a disk lies under what is seen, 0 or 1 (its profile and outline tell).
        arm_count: Number of arms.
        pitch: Pitch angle of the arms, degrees.
        dust: Visibility of a dust lane.
        artefact: Whether a trail or a seam crosses the frame.
    """

    axis_ratio: float
    extent: float
    arms: float = 0.0
    patches: float = 0.0
    bar: float = 0.0
    ring: float = 0.0
    tails: float = 0.0
    companion: float = 0.0
    neighbours: float = 0.0
    asymmetry: float = 0.0
    bulge: float = 1.0
    blueness: float = 0.0
    disk: float = 0.0
    arm_count: int = 0
    pitch: float = 20.0
    dust: float = 0.0
    artefact: bool = False


def look(scene: Scene, frame: Frame) -> Impression:
    """Measure what the frame of a scene shows."""
    sigma = camera.seeing_sigmas(scene.seeing)[1]
    reach = scene.radius_90 / PIXEL
    # The galaxy is invisible further out.
    margin = max(0, int(frame.bands.shape[1] / 2 - 2.3 * reach))
    middle = (slice(margin, frame.bands.shape[1] - margin),) * 2
    bands = frame.bands[(slice(None), *middle)]
    total = bands[1] * np.float32(_RED)
    seen: dict[str, Plane] = {}
    for part in frame.parts:
        if part.name not in ("spheroid", "disk"):
            flux = camera.binned(part.flux, frame.oversampling)[middle]
            seen[part.name] = seen[part.name] + flux if part.name in seen else flux
    seen = {
        name: np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32) * np.float32(_RED)
        for name, plane in seen.items()
    }
    alone = np.maximum(total - seen["companion"], 0) if "companion" in seen else total
    side = total.shape[0]
    axis = np.arange(side, dtype=np.float32) - (side - 1) / 2
    radius = np.hypot(axis[None, :], axis[:, None])
    levels = _levels(alone)
    mask = (alone > 1.2 * _NOISE) & (radius < 2.2 * reach)
    if mask.sum() < 9:
        mask = radius < 0.5 * reach
    # What hides a change: the noise after the stretch, and the eye's own threshold.
    slope = (_levels(alone + np.float32(_NOISE)) - levels) + np.float32(_EYE)
    smooth = 0.22 * reach

    def change(name: str, local: bool) -> float:
        if name not in seen:
            return 0.0
        whole = total if name == "companion" else alone
        difference = _levels(whole) - _levels(np.maximum(whole - seen[name], 0))
        if local:  # a part that is not resolved is a blob, and tells nothing
            difference -= cv2.GaussianBlur(difference, (0, 0), smooth)
        return float(np.sqrt(np.mean(((difference / slope)[mask]) ** 2)))

    axis_ratio, extent = _shape(levels * mask, axis, sigma)
    turned = alone[::-1, ::-1]
    inside = mask & mask[::-1, ::-1]
    asymmetry = float(np.abs(levels - _levels(turned))[inside].mean() / max(levels[inside].mean(), 1.0))
    over = (_levels(total + frame.neighbours[middle] * np.float32(_RED)) - _levels(total)) / slope
    galaxy = scene.galaxy
    fluxes = [float(band[mask].sum()) for band in bands[:2]]
    return Impression(
        axis_ratio=axis_ratio,
        extent=extent,
        arms=change("arms", local=True),
        patches=change("patches", local=True),
        bar=change("bar", local=True),
        ring=change("ring", local=True),
        tails=change("tails", local=False),
        companion=change("companion", local=False),
        neighbours=float(np.sqrt(np.mean(over[mask] ** 2))),
        asymmetry=asymmetry,
        bulge=min(1.0, galaxy.bulge_fraction + 0.5 * galaxy.bar_fraction),
        blueness=0.85 + 2.5 * float(np.log10(max(fluxes[0], 1e-6) / max(fluxes[1], 1e-6))),
        disk=float(galaxy.scale_length > 0),
        arm_count=galaxy.arms,
        pitch=galaxy.pitch,
        dust=galaxy.dust * min(1.0, reach / (12 * sigma)) if galaxy.is_edge_on else 0.0,
        artefact=scene.artefact != "none",
    )


def _levels(mean: Plane) -> Plane:
    return np.minimum(camera.stretched(mean), 1) * np.float32(255)


def _shape(levels: Plane, axis: Plane, sigma: float) -> tuple[float, float]:
    """Axis ratio and size over a star's, from the second moments of the grey levels."""
    light = float(levels.sum()) + 1e-6
    by_column, by_row = levels.sum(axis=0), levels.sum(axis=1)
    x, y = float(by_column @ axis) / light, float(by_row @ axis) / light
    xx = float(by_column @ (axis - x) ** 2) / light
    yy = float(by_row @ (axis - y) ** 2) / light
    xy = float((axis - y) @ levels @ (axis - x)) / light
    half, spread = (xx + yy) / 2, float(np.hypot((xx - yy) / 2, xy))
    major, minor = half + spread, max(half - spread, 1e-3)
    # The stretch lifts a star's wings, so that it looks some two and a half times its core.
    return float(np.sqrt(minor / major)), float(np.sqrt(half)) / (2.5 * sigma)
