"""From light to a picture: seeing, noise, the colour composite, and two rounds of JPEG.

The survey's composites are JPEG files at the camera's scale, and a frame of the competition is a resampled
cut-out of one, compressed again. Both rounds are made here: the first leaves the streaks and the coarse grain
that a genuine frame of a small galaxy shows.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from galaxynet_galaxy_sim.field import Bands
from galaxynet_galaxy_sim.profiles import Plane
from galaxynet_galaxy_sim.render import PIXEL, Part

Picture = npt.NDArray[np.uint8]

FRAME = 424
"""Side of a frame of the competition, pixels."""

WEIGHTS = (2.35, 1.5, 1.35)
"""Factors of g, r and i before they become blue, green and red."""

NOISE = (0.027, 0.037, 0.058)
"""Standard deviation of the sky in g, r and i, nanomaggies per pixel."""

_ELECTRONS = (1050.0, 825.0, 580.0)
"""Electrons per nanomaggie in g, r and i."""

_STRETCH, _SOFTENING = 0.75, 6.6
_FULL_WELL = 60.0
_SKY = (-0.018, 0.000, -0.008)
_FIRST_QUALITY, _SECOND_QUALITY = 88, 75


def seeing_sigmas(seeing: float) -> tuple[float, float, float]:
    """Standard deviation of a star's core in g, r, i (pixels) for a width in r (arcseconds).

    The blue image is a little wider, as in any turbulent air (Fried 1966: as wavelength to the power -1/5).
    """
    red = seeing / PIXEL / 2.355
    return red * 1.06, red, red * 0.96


def blurred(plane: Plane, sigma: float, oversampling: int) -> Plane:
    """Spread light by the seeing (a core, and a halo two and a half times as wide) and bin it into pixels."""
    core = cv2.GaussianBlur(plane, (0, 0), sigma * oversampling, borderType=cv2.BORDER_CONSTANT)
    # The halo is smooth enough to be made of whole pixels.
    halo = cv2.GaussianBlur(binned(plane, oversampling), (0, 0), 2.45 * sigma, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(
        cv2.addWeighted(binned(np.asarray(core, np.float32), oversampling), 0.88, halo, 0.12, 0.0), np.float32
    )


def binned(plane: Plane, oversampling: int) -> Plane:
    """Sum blocks of oversampling x oversampling points into pixels."""
    if oversampling == 1:
        return plane
    side = plane.shape[0] // oversampling
    small = cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) * np.float32(oversampling**2)


def expose(parts: list[Part], seeing: float, oversampling: int) -> Bands:
    """The scene's galaxies in g, r and i with seeing, without noise.

    Args:
        parts: From `render.render`.
        seeing: Width of a star's image, arcseconds.
        oversampling: That of the parts.

    Returns:
        Shape (3, side, side), nanomaggies per pixel.
    """
    green = np.zeros_like(parts[0].flux)
    red, infrared = np.zeros_like(green), np.zeros_like(green)
    for part in parts:
        red += part.flux
        cv2.scaleAdd(part.flux, 10 ** (-0.4 * part.colour.g_r), green, green)
        cv2.scaleAdd(part.flux, 10 ** (0.4 * part.colour.r_i), infrared, infrared)
    bands = [
        blurred(plane, sigma, oversampling)
        for plane, sigma in zip((green, red, infrared), seeing_sigmas(seeing), strict=True)
    ]
    return np.maximum(np.stack(bands), 0)


def misregister(bands: Bands, generator: np.random.Generator) -> Bands:
    """Shift g and i by a part of a pixel, which gives sharp edges their coloured rims."""
    spread = 0.40 if generator.uniform() < 0.05 else 0.12
    shifted = bands.copy()
    for band in (0, 2):
        x, y = generator.normal(0, spread, 2)
        move = np.asarray([[1, 0, x], [0, 1, y]], np.float32)
        shifted[band] = cv2.warpAffine(
            bands[band], move, bands.shape[:0:-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return shifted


def add_noise(bands: Bands, generator: np.random.Generator) -> Bands:
    """Noise of sky and source, and what the subtraction of the sky leaves over."""
    level = generator.normal(0, 0.006, 3)
    depth = float(np.exp(generator.normal(0, 0.12)))
    noise = generator.standard_normal(bands.shape, dtype=np.float32)
    for band in range(3):
        variance = (NOISE[band] * depth) ** 2 + bands[band] * np.float32(1 / _ELECTRONS[band])
        noise[band] = noise[band] * np.sqrt(variance) + np.float32(level[band] / WEIGHTS[band])
    return bands + noise


def composite(bands: Bands) -> Picture:
    """Colours that do not wash out at the centre (Lupton et al. 2004, PASP 116, 133).

    The mean of the weighted bands is stretched by asinh(Q a I) / Q; each band keeps its ratio to the mean,
    and a pixel that would leave the range is scaled back in all three.

    Args:
        bands: g, r, i in nanomaggies per pixel, shape (3, side, side).

    Returns:
        Shape (side, side, 3), in the order blue, green, red.
    """
    weights, sky = (np.asarray(values, np.float32)[:, None, None] for values in (WEIGHTS, _SKY))
    # A full well is white: beyond it no band is brighter than another.
    planes = np.clip(bands * weights + sky, 0, _FULL_WELL)
    mean = planes.mean(axis=0) + np.float32(1e-6)
    planes *= stretched(mean) / mean
    planes /= np.maximum(planes.max(axis=0), 1)
    return np.ascontiguousarray((planes * 255 + np.float32(0.5)).astype(np.uint8).transpose(1, 2, 0))


def stretched(mean: Plane) -> Plane:
    """The stretch alone: weighted mean flux to 0..1 (more where it saturates)."""
    x = mean * np.float32(_STRETCH * _SOFTENING)
    # asinh written out: NumPy has a fast logarithm for float32 and no fast asinh.
    return np.asarray(np.log(x + np.sqrt(x * x + 1)) * np.float32(1 / _SOFTENING), np.float32)


def develop(picture: Picture, generator: np.random.Generator, gap: bool) -> bytes:
    """The competition's frame of a composite: compressed, cut out and resampled to 424 pixels, compressed.

    Args:
        picture: From `composite`, shape (side, side, 3).
        generator: Where the cut-out lies on the first file's blocks, and where a gap runs.
        gap: Whether a dark seam between two exposures crosses the frame.

    Returns:
        A JPEG file.
    """
    side = picture.shape[0]
    shift = generator.integers(0, 8, 2)
    padded = cv2.copyMakeBorder(picture, int(shift[0]), 8, int(shift[1]), 8, cv2.BORDER_REFLECT)
    coded = _encode(padded, _FIRST_QUALITY)
    decoded: Any = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    cut = decoded[shift[0] : shift[0] + side, shift[1] : shift[1] + side]
    method = cv2.INTER_AREA if side > FRAME else cv2.INTER_CUBIC
    frame = cv2.resize(cut, (FRAME, FRAME), interpolation=method)
    if gap:
        lean = float(generator.normal(0, 0.02))
        middle = float(generator.uniform(0.3, 0.7)) * FRAME
        reach = math.tan(lean) * FRAME / 2
        ends = (round(middle - reach), 0), (round(middle + reach), FRAME - 1)
        cv2.line(frame, ends[0], ends[1], (0, 0, 0), 2)
    return _encode(frame, _SECOND_QUALITY)


def _encode(picture: Any, quality: int) -> bytes:
    _done, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(coded.tobytes())
