"""What the simulated frames show."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from galaxynet_galaxy_sim import camera, profiles
from galaxynet_galaxy_sim.galaxy import Colour, Galaxy, Scene
from galaxynet_galaxy_sim.observe import photograph
from galaxynet_galaxy_sim.perception import Impression, look
from galaxynet_galaxy_sim.render import flux_of, render

ELLIPTICAL = Galaxy(
    kind="elliptical",
    magnitude=15.5,
    position_angle=30.0,
    axis_ratio=0.95,
    effective_radius=3.0,
    old=Colour(0.9, 0.4),
    young=Colour(0.9, 0.4),
)
SPIRAL = Galaxy(
    kind="spiral",
    magnitude=15.0,
    position_angle=30.0,
    effective_radius=1.0,
    bulge_fraction=0.15,
    scale_length=3.0,
    inclination=35.0,
    arms=2,
    arm_strength=1.2,
    old=Colour(0.9, 0.4),
    young=Colour(0.5, 0.2),
)


def scene(galaxy: Galaxy, seeing: float = 1.3) -> Scene:
    return Scene(galaxy, (), seeing, galaxy.radius_90(seeing), "none")


def impression(galaxy: Galaxy, seeing: float = 1.3) -> Impression:
    shown = scene(galaxy, seeing)
    return look(shown, photograph(shown, np.random.default_rng(0)))


@pytest.mark.parametrize(("n", "b"), [(1.0, 1.67834699), (4.0, 7.66924944)])
def test_half_of_a_sersic_profile_lies_within_its_effective_radius(n: float, b: float) -> None:
    """The constant b_n has the tabulated value, and half the light falls within the effective radius."""
    assert profiles.sersic_b(n) == pytest.approx(b, abs=1e-4)
    radius = np.linspace(0.0, 400.0, 400_001, dtype=np.float64)[1:]
    light = profiles.sersic(radius.astype(np.float32), n, 1.0) * radius
    assert light[radius <= 1].sum() / light.sum() == pytest.approx(0.5, abs=0.01)


def test_arms_add_no_light_along_a_circle() -> None:
    """Arms redistribute the light of the disk: along each circle their excess has mean zero."""
    angle = np.linspace(0, 2 * math.pi, 720, endpoint=False, dtype=np.float32)
    for radius in (1.5, 2.5, 4.0):
        excess = profiles.spiral_arms(np.full_like(angle, radius), angle, 2, 20.0, 3.0, 1.0)
        assert abs(float(excess.mean())) < 1e-4
        assert float(excess.max()) > 0.3


@pytest.mark.parametrize("galaxy", [ELLIPTICAL, SPIRAL, replace(SPIRAL, inclination=88.0)])
def test_parts_hold_the_galaxys_magnitude(galaxy: Galaxy) -> None:
    """The flux of all parts together is that of the magnitude, to a few per cent of edge effects."""
    parts = render(scene(galaxy), 160, 2, np.random.default_rng(0))
    total = sum(float(part.flux.sum()) for part in parts)
    assert total == pytest.approx(flux_of(galaxy.magnitude), rel=0.06)


def test_old_galaxies_look_redder_than_young_ones() -> None:
    """In the composite an elliptical's middle is redder than that of a late spiral."""

    def red_over_blue(galaxy: Galaxy) -> float:
        shown = scene(galaxy)
        side = 120
        bands = camera.expose(render(shown, side, 2, np.random.default_rng(0)), shown.seeing, 2)
        blue, _green, red = camera.composite(bands)[45:75, 45:75].astype(float).mean(axis=(0, 1))
        return float(red / blue)

    assert red_over_blue(ELLIPTICAL) > 1.2 * red_over_blue(replace(SPIRAL, bulge_fraction=0.02))


def test_shape_of_the_image_follows_the_galaxy() -> None:
    """A round galaxy is measured as round and an edge-on disk as thin; the seeing fattens it a little."""
    assert impression(ELLIPTICAL).axis_ratio > 0.88
    thin = impression(replace(SPIRAL, inclination=88.0)).axis_ratio
    assert 0.1 < thin < 0.4


def test_arms_fade_with_the_seeing_and_the_light() -> None:
    """Worse seeing, a fainter galaxy and weaker arms each make the arms less visible."""
    plain = impression(SPIRAL).arms
    assert impression(SPIRAL, seeing=4.0).arms < 0.8 * plain
    assert impression(replace(SPIRAL, magnitude=18.0)).arms < 0.8 * plain
    assert impression(replace(SPIRAL, arm_strength=0.3)).arms < 0.6 * plain
    assert impression(replace(SPIRAL, arms=0)).arms == 0


def test_star_looks_as_small_as_a_star() -> None:
    """A point source has the extent of one, and a galaxy has a larger one."""
    point = replace(ELLIPTICAL, kind="star", effective_radius=0.02, sersic_index=1.0)
    assert impression(point).extent < 1.2 < impression(ELLIPTICAL).extent
