"""Image files that cannot be used, each in its way."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


_NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (424, 424, 3)).astype(np.uint8))
GOOD = _saved(_NOISE, "JPEG")
PNG = _saved(_NOISE, "PNG")
TIFF = _saved(_NOISE, "TIFF")


def png_bomb(side: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that declares billions of pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(99)))
        + chunk(b"IEND", b"")
    )


def bad_images() -> dict[str, bytes]:
    """Files that cannot be used, by names that end as their suffixes."""
    return {
        "empty.jpg": b"",
        "text.png": b"not found",
        "cut.jpg": GOOD[: len(GOOD) // 2],
        "cut.png": PNG[: len(PNG) // 2],
        "cut.tif": TIFF[: len(TIFF) // 2],
        "flipped.png": PNG[:5000] + bytes([PNG[5000] ^ 255]) + PNG[5001:],
        "bomb.png": png_bomb(),
        "cmyk.jpg": _saved(_NOISE.convert("CMYK"), "JPEG"),
        "cmyk.tif": _saved(_NOISE.convert("CMYK"), "TIFF"),
        "float.tif": _saved(Image.fromarray(np.zeros((9, 9), np.float32)), "TIFF"),
        "pages.tif": _saved(_NOISE, "TIFF", save_all=True, append_images=[_NOISE]),
        "gif.png": _saved(_NOISE, "GIF"),
        "header.fits": b"SIMPLE  =                    T" + b" " * 50,
        "table.fits.gz": b"\x1f\x8b\x08\0\0\0\0\0",
    }
