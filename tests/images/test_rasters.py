"""PNG, TIFF and JPEG of every depth and mode: brought to 8 bits of gray or RGB, upright."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from galaxynet.images.fits import DEFAULT
from galaxynet.images.flags import Flag, ImageError
from galaxynet.images.picture import Picture
from galaxynet.images.preprocessing import Preprocessing, read_picture

GRAY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
COLOUR = np.stack([GRAY, GRAY.T, 255 - GRAY], axis=-1)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def read(data: bytes, *, color: bool = True) -> Picture:
    return read_picture(data, DEFAULT, color=color)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight(format: str) -> None:
    """16-bit gray is divided by 257, so that white stays white."""
    deep = Image.fromarray(GRAY.astype(np.uint16) * 257)
    assert np.array_equal(read(encoded(deep, format)).pixels, GRAY)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_transparent_pixels_are_black(format: str) -> None:
    """What is transparent is shown on black, as the sky is."""
    alpha = np.full((8, 8), 255, np.uint8)
    alpha[:4] = 0
    shown = read(encoded(Image.fromarray(np.dstack([COLOUR, alpha])), format)).pixels
    assert not shown[:4].any()
    assert np.array_equal(shown[4:], COLOUR[4:])


def test_palettes_and_bits() -> None:
    """A palette is looked up, a palette of grays is gray, and one bit is black and white."""
    palette = Image.fromarray(COLOUR).quantize(64)
    assert np.array_equal(read(encoded(palette)).pixels, np.asarray(palette.convert("RGB")))
    assert read(encoded(Image.fromarray(GRAY).convert("P"))).pixels.ndim == 2
    assert set(read(encoded(Image.fromarray(GRAY > 99))).pixels.ravel().tolist()) == {0, 255}


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
def test_a_camera_s_orientation_is_undone(format: str) -> None:
    """An image that EXIF says is turned is turned back, in every format."""
    flat = np.zeros((16, 24, 3), np.uint8)
    flat[:, :12] = 200
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = read(encoded(Image.fromarray(flat), format, exif=exif)).pixels
    assert turned.shape == (24, 16, 3)
    assert turned[:11].min() > 150
    assert turned[13:].max() < 50


def test_gray_for_a_network_of_colours_is_flagged() -> None:
    """A gray image given to a network that was trained on colour is predicted and flagged."""
    prepared = Preprocessing(8, 8, "rgb").prepare(encoded(Image.fromarray(GRAY)))
    assert prepared.flag == Flag.GRAY
    assert np.array_equal(prepared.pixels, np.repeat(GRAY[..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), "a CMYK image"),
        (encoded(Image.fromarray(COLOUR).convert("CMYK"), "JPEG"), "CMYK"),
        (encoded(Image.fromarray(COLOUR).convert("LAB"), "TIFF"), "an image in CIELAB"),
        (encoded(Image.fromarray(GRAY.astype(np.float32)), "TIFF"), "an image of decimal numbers"),
        (encoded(Image.fromarray(GRAY.astype(np.int32)), "TIFF"), "an image of 32-bit numbers"),
        (encoded(Image.fromarray(COLOUR), "GIF"), "a GIF: JPEG, PNG, TIFF and FITS are read"),
        (encoded(Image.fromarray(COLOUR), "BMP"), "a BMP"),
    ],
)
def test_other_kinds_are_refused_by_name(data: bytes, reason: str) -> None:
    """What is not read is named."""
    with pytest.raises(ImageError, match=reason) as caught:
        read(data)
    assert caught.value.flag == Flag.UNSUPPORTED
