"""One galaxy from its seed to its JPEG file and what can be seen of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxynet_galaxy_sim import camera, field
from galaxynet_galaxy_sim.galaxy import Scene
from galaxynet_galaxy_sim.population import draw_scene
from galaxynet_galaxy_sim.profiles import Plane
from galaxynet_galaxy_sim.render import PIXEL, Part, render


@dataclass(frozen=True)
class Frame:
    """A picture of a scene.

    Attributes:
        jpeg: The file.
        parts: The scene's light by parts, as drawn.
        bands: The galaxies' light with seeing and without noise, g, r, i.
        neighbours: Light of everything else in the frame in r, with seeing.
        oversampling: That of the parts.
    """

    jpeg: bytes
    parts: list[Part]
    bands: field.Bands
    neighbours: Plane
    oversampling: int


def side_of(scene: Scene) -> int:
    """Camera pixels along the frame: a frame of 424 pixels has 0.02 Petrosian radii in each."""
    return round(0.02 * camera.FRAME * scene.radius_90 / PIXEL)


def photograph(scene: Scene, generator: np.random.Generator) -> Frame:
    """Take the picture of a scene."""
    side = side_of(scene)
    oversampling = 3 if side < 90 else 2 if side < 230 else 1
    parts = render(scene, side, oversampling, generator)
    bands = camera.expose(parts, scene.seeing, oversampling)
    crowded = bands.copy()
    objects = field.draw_field(side, generator)
    field.add_objects(crowded, objects, camera.seeing_sigmas(scene.seeing))
    neighbours = crowded[1] - bands[1]
    field.add_spikes(crowded, objects, float(generator.uniform(0, np.pi)))
    if scene.artefact == "trail":
        field.add_trail(crowded, generator)
    exposed = camera.misregister(camera.add_noise(crowded, generator), generator)
    picture = camera.composite(exposed)
    jpeg = camera.develop(picture, generator, gap=scene.artefact == "gap")
    return Frame(jpeg, parts, bands, neighbours, oversampling)


def galaxy_of(seed: int, index: int) -> tuple[Scene, Frame, np.random.Generator]:
    """The galaxy at a place of the survey; it depends on the seed and its place alone."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(index,))))
    scene = draw_scene(generator)
    return scene, photograph(scene, generator), generator
