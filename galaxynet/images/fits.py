"""FITS images: one plane or several bands of flux, brought to 8 bits of gray or RGB. Needs astropy."""

from __future__ import annotations

import io
import threading
import warnings
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.errors import DataError
from galaxynet.extras import optional_module
from galaxynet.images.fits_planes import find_image, select_planes
from galaxynet.images.flags import NOTHING, Flag, ImageError
from galaxynet.images.picture import MOST_BYTES, Picture
from galaxynet.images.stretch import AUTO, Stretch

START = b"SIMPLE  ="
GZIP_START = b"\x1f\x8b"

_ARCSEC = 3600.0
_LOCK = threading.RLock()
"""Python's filters of warnings belong to the process, and astropy warns where this module must know."""


@dataclass(frozen=True)
class FitsOptions:
    """How FITS images are read.

    Attributes:
        hdu: Number or name of the extension; empty for the first that holds an image.
        bands: Names of bands, or numbers of planes from 1, to be gray together or red, green and blue.
        stretch: From flux to brightness; None for `AUTO`.
        id_keyword: The header keyword with the id; empty for the file's name.
    """

    hdu: str = ""
    bands: tuple[str, ...] = ()
    stretch: Stretch | None = None
    id_keyword: str = ""

    @classmethod
    def parse(cls, hdu: str = "", bands: str = "", stretch: str = "", id_keyword: str = "") -> FitsOptions:
        """Read the options from texts; bands are separated by commas or blanks, and empty says nothing.

        Raises:
            ValueError: If `stretch` is not one.
        """
        names = tuple(bands.replace(",", " ").split())
        return cls(hdu, names, Stretch.parse(stretch) if stretch else None, id_keyword)

    def to_dict(self) -> dict[str, str]:
        """The options that say something, as `parse` reads them."""
        texts = {
            "hdu": self.hdu,
            "bands": ",".join(self.bands),
            "stretch": "" if self.stretch is None else str(self.stretch),
            "id_keyword": self.id_keyword,
        }
        return {name: text for name, text in texts.items() if text}

    def over(self, base: FitsOptions) -> FitsOptions:
        """The same, with hdu, bands and stretch of `base` where these say nothing."""
        return replace(
            self,
            hdu=self.hdu or base.hdu,
            bands=self.bands or base.bands,
            stretch=self.stretch or base.stretch,
        )


DEFAULT = FitsOptions()
"""The first extension with an image, all its planes, the automatic stretch."""


def is_fits(data: bytes) -> bool:
    """True if bytes begin as a FITS file does, compressed with gzip or not."""
    return data.startswith((START, GZIP_START))


def read_fits(data: bytes, options: FitsOptions, *, color: bool, with_scale: bool = False) -> Picture:
    """Read an image.

    BSCALE, BZERO, BLANK and the compression of fpack are undone by astropy. Planes of a cube are averaged to
    gray unless bands are named.

    Args:
        data: The file.
        options: Which part of it, and how it is shown.
        color: Whether the network takes colour.
        with_scale: Read the scale of the pixels from the world coordinates.

    Raises:
        ImageError: If it is damaged, too large, holds no image, or not the bands that are needed.
        DataError: If astropy is not installed.
    """
    fits = optional_module("astropy.io.fits", "Reading FITS")
    data = _unpacked(data)
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message=".*truncated.*")
        try:
            with fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True) as hdus:
                hdu = find_image(hdus, options.hdu)
                selected = select_planes(hdus, hdu, options.bands, color=color, everywhere=not options.hdu)
                planes = [plane.read() for plane in selected]
                scale = _pixel_scale(hdu.header) if with_scale else None
                identifier = _identifier(hdus, hdu, options.id_keyword)
        except (ImageError, DataError):
            raise
        except Exception as error:  # astropy raises whatever it likes over damaged bytes
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ImageError(f"a damaged or incomplete FITS file: {reason}") from None
    return _shown(planes, options.stretch or AUTO, color, scale, identifier)


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(GZIP_START):
        return data
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(data, MOST_BYTES + 1)
    except zlib.error as error:
        raise ImageError(f"a damaged gzip file: {error}") from None
    if len(content) > MOST_BYTES:
        raise ImageError(f"it unpacks to more than {MOST_BYTES:,} bytes", Flag.TOO_LARGE)
    if not unpacker.eof:
        raise ImageError("an incomplete gzip file")
    if not content.startswith(START):
        raise ImageError("a gzip file that holds no FITS")
    return content


def _pixel_scale(header: Any) -> float | None:
    """Side of a pixel in arcsec by the world coordinates; None without any on the sky."""
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_area

    try:
        wcs = WCS(header, naxis=2).celestial
        scale = float(proj_plane_pixel_area(wcs)) ** 0.5 * _ARCSEC if wcs.has_celestial else 0.0
    except Exception:  # headers have anything; what cannot be used is as good as missing
        return None
    return scale if np.isfinite(scale) and scale > 0 else None


def _identifier(hdus: Any, hdu: Any, keyword: str) -> str:
    if not keyword:
        return ""
    for header in (hdu.header, hdus[0].header):
        if header.get(keyword) not in (None, ""):
            return str(header[keyword]).strip()
    return ""


def _shown(
    planes: list[npt.NDArray[np.float32]], stretch: Stretch, color: bool, scale: float | None, identifier: str
) -> Picture:
    flux = np.stack(planes)
    missing = 1 - float(np.isfinite(flux).mean())
    if missing == 1:
        raise ImageError("all its pixels are blank")
    flag = NOTHING
    notes: tuple[str, ...] = ()
    if missing:
        flag, notes = Flag.BLANK_PIXELS, (f"{max(missing, 0.0001):.2%} of its pixels are blank",)
    pixels = stretch.rgb(flux) if color else stretch.gray(flux[0] if len(flux) == 1 else _mean(flux))
    return Picture(pixels, flag, notes, scale, identifier, framed=False)


def _mean(flux: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean of the planes where they are finite; NaN where none is."""
    finite = np.isfinite(flux)
    count = finite.sum(axis=0)
    total = np.where(finite, flux, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
