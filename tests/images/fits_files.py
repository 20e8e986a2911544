"""Small FITS files, made for the tests."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.wcs import WCS


def galaxy(side: int = 64, radius: float = 6.0, brightness: float = 100.0) -> npt.NDArray[np.float32]:
    """A round galaxy on a sky of 10 with noise of 1."""
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    noise = np.random.default_rng(side).normal(10, 1, (side, side))
    return np.asarray(brightness * np.exp(-np.hypot(x, y) / radius) + noise, np.float32)


def saved(*hdus: Any) -> bytes:
    """The bytes of a file of these extensions."""
    stream = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(stream, output_verify="silentfix")
    return stream.getvalue()


def plain(pixels: npt.NDArray[Any], **keywords: Any) -> bytes:
    """A file with one image."""
    hdu = fits.PrimaryHDU(pixels)
    hdu.header.update(keywords)
    return saved(hdu)


def bands(names: str, **planes: npt.NDArray[Any]) -> bytes:
    """A file with an extension for each band."""
    hdus: list[Any] = [fits.PrimaryHDU()]
    for name in names:
        hdu = fits.ImageHDU(planes[name])
        hdu.header["FILTER"] = name
        hdus.append(hdu)
    return saved(*hdus)


def sky(arcsec: float, angle: float = 0.0) -> dict[str, Any]:
    """World coordinates of pixels of this side, turned by an angle in degrees."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [150.0, 2.0], [32.0, 32.0]
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = arcsec / 3600 * np.array([[-cos, sin], [sin, cos]])
    return dict(wcs.to_header())
