"""Extensions of FITS files, and the planes in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.images.flags import Flag, ImageError
from galaxynet.images.picture import check_size

_MOST_PLANES = 64


_BAND_KEYWORDS = ("FILTER", "BAND", "EXTNAME")


_BANDS_KEYWORDS = ("BANDS", "FILTERS", "FILTER", "BAND")


@dataclass(frozen=True)
class Plane:
    """A plane of an image, not read yet.

    Attributes:
        names: What its band is called.
        hdu: The extension that it is in.
        index: Its number in a cube; None if it is the whole image.
    """

    names: tuple[str, ...]
    hdu: Any
    index: int | None

    def read(self) -> npt.NDArray[np.float32]:
        """Its pixels, of shape `(height, width)`."""
        data = np.squeeze(self.hdu.data)
        plane = data if self.index is None else data[self.index]
        return np.ascontiguousarray(plane, dtype=np.float32)


def _is_image(hdu: Any) -> bool:
    return bool(hdu.is_image) and type(hdu).__name__ != "GroupsHDU" and hdu.header.get("NAXIS", 0) >= 2


def find_image(hdus: Any, name: str) -> Any:
    """The extension with the image; its pixels are not read.

    Args:
        hdus: The file.
        name: Name or number of the extension; empty for the first that holds an image.

    Raises:
        ImageError: If there is no image, or not one that can be read.
    """
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


def select_planes(hdus: Any, hdu: Any, bands: Sequence[str], *, color: bool, everywhere: bool) -> list[Plane]:
    """The planes to be shown.

    Args:
        hdus: The file.
        hdu: Its extension with the image.
        bands: Names of bands, or numbers of planes from 1; empty for all planes of the extension.
        color: Whether the network takes colour.
        everywhere: Look for the bands in all extensions if this one has a single plane.

    Raises:
        ImageError: If a band is missing, bands differ in size, or colour needs three.
    """
    own = _planes_of(hdu)
    if not bands:
        if color:
            count = f"{len(own)} planes" if len(own) > 1 else "one plane"
            raise ImageError(
                f"it has {count} and the network was trained on colour: name three bands with --bands",
                Flag.UNSUPPORTED,
            )
        return own
    if color and len(bands) != 3:
        raise ImageError(
            f"the network was trained on colour: --bands must name three, not {len(bands)}",
            Flag.UNSUPPORTED,
        )
    available = own
    if len(own) == 1 and everywhere:
        available = [plane for other in hdus if _is_image(other) for plane in _checked_planes(other)]
    selected = [_named(band, available) for band in bands]
    if len({plane.read().shape for plane in selected}) > 1:
        raise ImageError("its bands differ in size", Flag.UNSUPPORTED)
    return selected


def _checked_planes(hdu: Any) -> list[Plane]:
    try:
        _check(hdu)
    except ImageError:
        return []
    return _planes_of(hdu)


def _planes_of(hdu: Any) -> list[Plane]:
    shape = _shape(hdu)
    header = hdu.header
    if len(shape) == 2:
        names = [str(header[key]).strip() for key in _BAND_KEYWORDS if header.get(key)]
        return [Plane(tuple(names), hdu, None)]
    listed = next((str(header[key]) for key in _BANDS_KEYWORDS if header.get(key)), "")
    words = listed.replace(",", " ").split()
    if len(words) != shape[0]:
        words = list(listed.strip()) if len(listed.strip()) == shape[0] else [""] * shape[0]
    return [Plane((word,) if word else (), hdu, index) for index, word in enumerate(words)]


def _named(band: str, planes: list[Plane]) -> Plane:
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
