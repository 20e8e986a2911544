"""Made galaxies, and image files of them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt


def galaxy(seed: int, side: int = 424) -> npt.NDArray[np.uint8]:
    """A coloured ellipse on black, RGB; odd seeds are flat, even ones round."""
    chance = np.random.default_rng(seed)
    y, x = (np.mgrid[0:side, 0:side] / side - 0.5).astype(np.float32)
    angle = chance.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    ratio = 0.3 if seed % 2 else 0.95
    light = np.exp(-np.sqrt(along**2 + (across / ratio) ** 2) / 0.06)
    colour = chance.uniform(0.6, 1.0, 3).astype(np.float32)
    noise = chance.integers(0, 13, (side, side, 3), dtype=np.uint8)
    return np.asarray((240 * light[..., None] * colour + noise).clip(0, 255), np.uint8)


def encoded(pixels: npt.NDArray[np.uint8], suffix: str = ".jpg") -> bytes:
    """An image file of RGB or gray pixels."""
    order = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    done, data = cv2.imencode(suffix, np.ascontiguousarray(order))
    assert done
    return bytes(data)
