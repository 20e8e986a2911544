"""Surface brightness of the parts of a galaxy, as functions of position; none of them normalised.

Lengths may be in any one unit. Arrays are float32 of shape (height, width).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]


def sersic_b(n: float) -> float:
    """The constant b_n that makes half of a Sérsic profile's light fall within its effective radius.

    Asymptotic series of Ciotti & Bertin 1999 (A&A 352, 447, equation 18), good to 1e-4 for n >= 1.
    """
    series = 2 * n - 1 / 3 + 4 / (405 * n) + 46 / (25515 * n**2) + 131 / (1148175 * n**3)
    return series - 2194697 / (30690717750 * n**4)


def sersic(radius: Plane, n: float, effective_radius: float) -> Plane:
    """Sérsic's law, exp(-b_n ((R/R_e)^(1/n) - 1)): n = 1 a disk, n = 4 de Vaucouleurs' elliptical."""
    profile: Plane = np.exp(-sersic_b(n) * ((radius * (1 / effective_radius)) ** (1 / n) - 1))
    return profile


def edge_on_disk(along: Plane, above: Plane, scale_length: float, scale_height: float) -> Plane:
    """An exponential disk seen from its side, with the isothermal sech² layer of van der Kruit & Searle 1981.

    The projection along the line of sight, (x/h) K_1(x/h), is taken as (1 + x/h) exp(-x/h), which differs
    from it by less than the noise of any image here.
    """
    x = np.abs(along) * (1 / scale_length)
    layer: Plane = (1 + x) * np.exp(-x) / np.cosh(np.clip(above / scale_height, -20, 20)) ** 2
    return layer


def dust_lane(along: Plane, above: Plane, scale_length: float, height: float, depth: float) -> Plane:
    """The share of light that a dust layer in the plane of an edge-on disk lets through, in 0 to 1."""
    absorbed: Plane = np.exp(-np.abs(along) / scale_length - (above / height) ** 2)
    passed: Plane = np.exp(-depth * absorbed)
    return passed


def spiral_arms(
    radius: Plane, angle: Plane, arms: int, pitch: float, sharpness: float, start: float
) -> Plane:
    """Logarithmic arms: the excess over the mean along each circle, so that adding them keeps the light.

    A circle's profile is a von Mises bump exp(k (cos φ - 1)) less its mean, I_0(k) exp(-k).

    Args:
        radius: Distance from the centre in the plane of the disk.
        angle: Azimuth in that plane, radians.
        arms: How many there are.
        pitch: Angle between an arm and the circle, degrees: 5 is tight, 40 is open.
        sharpness: k of the bump; 1 is broad, 8 is narrow.
        start: Radius where the arms set in.

    Returns:
        Values from about -0.5 to 1; zero well within `start`, and fading after a turn.
    """
    winding = np.log(np.maximum(radius, 1e-3 * start) / start) / math.tan(math.radians(pitch))
    bump = np.exp(sharpness * (np.cos(arms * (angle - winding)) - 1)) - float(np.i0(sharpness)) * math.exp(
        -sharpness
    )
    onset = np.clip((radius / start - 0.45) / 0.75, 0, 1)
    # Arms dissolve after a turn or so.
    excess: Plane = bump * onset * onset * (3 - 2 * onset) * np.exp(-0.5 * (winding / 5.0) ** 2)
    return excess


def bar(along: Plane, across: Plane, length: float, axis_ratio: float) -> Plane:
    """A Ferrers bar, (1 - m²)^1.5 where m < 1, with the boxy isophotes m³ = |x/a|³ + |y/b|³.

    The shape is that of Athanassoula et al. 1990 (MNRAS 245, 130).
    """
    x, y = np.abs(along) * (1 / length), np.abs(across) * (1 / (axis_ratio * length))
    inside = np.maximum(1 - (x * x * x + y * y * y) ** np.float32(2 / 3), 0)
    profile: Plane = inside * np.sqrt(inside)
    return profile


def ring(radius: Plane, ring_radius: float, width: float) -> Plane:
    """A ring with a Gaussian section."""
    section: Plane = np.exp(-0.5 * ((radius - ring_radius) * (1 / width)) ** 2)
    return section


def flocculence(
    radius: Plane, angle: Plane, scale_length: float, pitch: float, generator: np.random.Generator
) -> Plane:
    """A patchy pattern of mean 0 and deviation about 1, sheared like the arms of a disk that turns.

    A periodic field of smoothed noise in (azimuth, log radius) is looked up along logarithmic spirals.
    """
    across, around = 48, 96
    noise = generator.standard_normal((across, around)).astype(np.float32)
    smooth = cv2.GaussianBlur(np.tile(noise, (1, 3)), (0, 0), 1.7, sigmaY=1.3)[:, around : 2 * around]
    smooth = np.ascontiguousarray(smooth / smooth.std())
    log_radius = np.log(np.maximum(radius, 0.02 * scale_length) / scale_length)
    turn = (angle - log_radius / math.tan(math.radians(pitch))) * (around / (2 * math.pi))
    column = np.mod(turn, around).astype(np.float32)
    row = np.mod(log_radius * 9 + across / 2, across - 1).astype(np.float32)
    return np.asarray(
        cv2.remap(smooth, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32
    )
