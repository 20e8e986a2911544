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
from galaxynet.images.flags import NOTHING, Flag, ImageError
from galaxynet.images.picture import MOST_BYTES, Picture, check_size
from galaxynet.images.stretch import AUTO, Stretch

START = b"SIMPLE  ="
GZIP_START = b"\x1f\x8b"

_MOST_PLANES = 64
_BAND_KEYWORDS = ("FILTER", "BAND", "EXTNAME")
_BANDS_KEYWORDS = ("BANDS", "FILTERS", "FILTER", "BAND")
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


@dataclass(frozen=True)
class _Plane:
    names: tuple[str, ...]
    hdu: Any
    index: int | None

    def read(self) -> npt.NDArray[np.float32]:
        data = np.squeeze(self.hdu.data)
        plane = data if self.index is None else data[self.index]
        return np.ascontiguousarray(plane, dtype=np.float32)


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
                hdu = _image(hdus, options.hdu)
                planes = [plane.read() for plane in _planes(hdus, hdu, options, color)]
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


def _is_image(hdu: Any) -> bool:
    return bool(hdu.is_image) and type(hdu).__name__ != "GroupsHDU" and hdu.header.get("NAXIS", 0) >= 2


def _image(hdus: Any, name: str) -> Any:
    """The extension with the image; its pixels are not read."""
    if name:
        key: Any = int(name) if name.lstrip("-").isdigit() else name
        try:
            hdu = hdus[key]
        except (KeyError, IndexError):
            raise ImageError(f"it has no extension {name}", Flag.UNSUPPORTED) from None
        if not _is_image(hdu):
            raise ImageError(f"its extension {name} holds no image", Flag.UNSUPPORTED)
    else:
        hdu = next((hdu for hdu in hdus if _is_image(hdu) and _pixels(hdu)), None)
        if hdu is None:
            groups = any(type(hdu).__name__ == "GroupsHDU" for hdu in hdus)
            raise ImageError("it holds random groups" if groups else "it holds no image", Flag.UNSUPPORTED)
    _check(hdu)
    return hdu


def _shape(hdu: Any) -> tuple[int, ...]:
    """Lengths of the axes longer than 1, slowest first, from the header."""
    header = hdu.header
    lengths = [int(header.get(f"NAXIS{axis}", 0)) for axis in range(header["NAXIS"], 0, -1)]
    return tuple(length for length in lengths if length != 1)


def _pixels(hdu: Any) -> int:
    return int(np.prod([int(hdu.header.get(f"NAXIS{n}", 0)) for n in range(1, hdu.header["NAXIS"] + 1)]))


def _check(hdu: Any) -> None:
    shape = _shape(hdu)
    if len(shape) > 3:
        raise ImageError(f"an image of {len(shape)} axes; two or three are read", Flag.UNSUPPORTED)
    if len(shape) < 2:
        raise ImageError("a spectrum or a line, not an image", Flag.UNSUPPORTED)
    check_size(shape[-1], shape[-2])
    if len(shape) == 3 and shape[0] > _MOST_PLANES:
        raise ImageError(f"a cube of {shape[0]:,} planes; at most {_MOST_PLANES} are read", Flag.TOO_LARGE)


def _planes(hdus: Any, hdu: Any, options: FitsOptions, color: bool) -> list[_Plane]:
    """The planes to be shown, of the extension or of all, where each is a band."""
    own = _planes_of(hdu)
    if not options.bands:
        if color:
            count = f"{len(own)} planes" if len(own) > 1 else "one plane"
            raise ImageError(
                f"it has {count} and the network was trained on colour: name three bands with --bands",
                Flag.UNSUPPORTED,
            )
        return own
    if color and len(options.bands) != 3:
        raise ImageError(
            f"the network was trained on colour: --bands must name three, not {len(options.bands)}",
            Flag.UNSUPPORTED,
        )
    available = own
    if len(own) == 1 and not options.hdu:
        available = [plane for other in hdus if _is_image(other) for plane in _checked_planes(other)]
    selected = [_named(band, available) for band in options.bands]
    if len({plane.read().shape for plane in selected}) > 1:
        raise ImageError("its bands differ in size", Flag.UNSUPPORTED)
    return selected


def _checked_planes(hdu: Any) -> list[_Plane]:
    try:
        _check(hdu)
    except ImageError:
        return []
    return _planes_of(hdu)


def _planes_of(hdu: Any) -> list[_Plane]:
    shape = _shape(hdu)
    header = hdu.header
    if len(shape) == 2:
        names = [str(header[key]).strip() for key in _BAND_KEYWORDS if header.get(key)]
        return [_Plane(tuple(names), hdu, None)]
    listed = next((str(header[key]) for key in _BANDS_KEYWORDS if header.get(key)), "")
    words = listed.replace(",", " ").split()
    if len(words) != shape[0]:
        words = list(listed.strip()) if len(listed.strip()) == shape[0] else [""] * shape[0]
    return [_Plane((word,) if word else (), hdu, index) for index, word in enumerate(words)]


def _named(band: str, planes: list[_Plane]) -> _Plane:
    matches = [plane for plane in planes if band in plane.names]
    # Filters are called `r DECam SDSS c0002` or `HSC-R` in headers.
    matches = matches or [
        plane
        for plane in planes
        if any(
            band.casefold() in name.casefold().replace("-", " ").replace("_", " ").split()
            for name in plane.names
        )
    ]
    if matches:
        return matches[0]
    if band.isdigit() and 1 <= int(band) <= len(planes):
        return planes[int(band) - 1]
    known = ", ".join(name for plane in planes for name in plane.names[:1])
    if known:
        has = f"its bands are {known}"
    elif len(planes) == 1:
        has = "its only plane has no name"
    else:
        has = f"its {len(planes)} planes have no names: number them from 1"
    raise ImageError(f"it has no band {band}; {has}", Flag.UNSUPPORTED)


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
