"""PNG and TIFF, of 8 or 16 bits, brought to 8 bits of gray or RGB."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.images.flags import Flag, ImageError
from galaxynet.images.picture import Picture, check_size

PNG_START = b"\x89PNG\r\n\x1a\n"
TIFF_STARTS = (b"II*\0", b"MM\0*")

_REFUSED = {
    "CMYK": "a CMYK image: convert it to RGB",
    "F": "an image of decimal numbers: save it as FITS, or with 8 or 16 bits",
    "I": "an image of 32-bit numbers: save it as FITS, or with 8 or 16 bits",
    "LAB": "an image in CIELAB: convert it to RGB",
    "YCbCr": "an image in YCbCr: convert it to RGB",
}


def read_raster(data: bytes) -> Picture:
    """Decode a PNG or a TIFF.

    16 bits become 8 by division by 257. What is transparent shows black below it, as the sky is. An
    orientation that a camera noted is undone.

    Raises:
        ImageError: If it is damaged, cut short, too large, has several pages, or is in CMYK or another form
            that is not read.
    """
    from PIL import ImageOps, PngImagePlugin, TiffImagePlugin

    name = "PNG" if data.startswith(PNG_START) else "TIFF"
    try:
        # The classes themselves: `Image.open` warns of large images, which are refused here by their header.
        plugin: Any = PngImagePlugin.PngImageFile if name == "PNG" else TiffImagePlugin.TiffImageFile
        with plugin(io.BytesIO(data)) as image:
            check_size(*image.size)
            pages = getattr(image, "n_frames", 1)
            if pages > 1:
                raise ImageError(f"a {name} of {pages:,} pages: save one of them", Flag.UNSUPPORTED)
            if image.mode in _REFUSED:
                raise ImageError(_REFUSED[image.mode], Flag.UNSUPPORTED)
            image.load()
            return Picture(_pixels(ImageOps.exif_transpose(image)))
    except ImageError:
        raise
    except Exception as error:  # Pillow raises whatever it likes over damaged bytes
        reason = str(error) or type(error).__name__
        raise ImageError(f"a damaged or incomplete {name}: {reason}") from None


def _pixels(image: Any) -> npt.NDArray[np.uint8]:
    if image.mode.startswith("I;16"):
        wide = np.asarray(image).astype(np.uint32)
        return ((wide + 128) // 257).astype(np.uint8)
    if image.mode == "1":
        image = image.convert("L")
    if image.mode in ("P", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("LA", "La", "RGBA", "RGBa"):
        gray = image.mode in ("LA", "La")
        pixels = np.asarray(image.convert("LA" if gray else "RGBA")).astype(np.uint16)
        shown = (pixels[..., :-1] * pixels[..., -1:] + 127) // 255
        flat = shown.astype(np.uint8)
        return flat[..., 0] if gray else _gray_if_equal(flat)
    if image.mode not in ("L", "RGB"):
        raise ImageError(f"an image in the mode {image.mode}, which is not read", Flag.UNSUPPORTED)
    return np.asarray(image, dtype=np.uint8)


def _gray_if_equal(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Gray out of a palette of grays."""
    if (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all():
        return pixels[..., 0]
    return pixels
