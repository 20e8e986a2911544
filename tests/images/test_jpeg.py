"""JPEG files: their headers, and decoding at reduced size."""

from __future__ import annotations

import contextlib
from typing import Literal

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zoo_files import declaring, jpeg, picture

from galaxynet.images.jpeg import decode_jpeg, jpeg_size
from galaxynet.images.window import Window, reduction_for

GOOD = jpeg(picture(7))


def reduction_of(size: int, region: int, width: int) -> int:
    margin = (width - region) // 2
    return reduction_for(Window(margin, margin, region, region), width, width, size, size)


@given(st.integers(16, 424), st.integers(16, 424), st.integers(16, 424))
def test_reduction_loses_no_pixels_and_no_place(size: int, region: int, width: int) -> None:
    """A JPEG is reduced only where enough pixels remain and the crop's borders stay exact."""
    region = min(region, width)
    reduction = reduction_of(size, region, width)
    assert reduction in (1, 2, 4, 8)
    if reduction > 1:
        assert region / reduction >= size
        assert ((width - region) // 2) % reduction == region % reduction == 0


def test_reductions_of_the_usual_settings() -> None:
    """The whole frame is read at a quarter, its central half at a half, of the original's size."""
    assert [reduction_of(60, region, 424) for region in (424, 212, 106)] == [4, 2, 1]
    assert reduction_of(48, 424, 424) == 8


@pytest.mark.parametrize("channels", ["GRAY", "RGB"])
@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_the_pixels_are_opencvs_to_the_last_bit(channels: Literal["GRAY", "RGB"], reduction: int) -> None:
    """Strict decoding gives the pixels that runs were recorded with, however a JPEG was made."""
    mode = "GRAYSCALE" if channels == "GRAY" else "COLOR"
    flag = getattr(cv2, f"IMREAD_{mode}" if reduction == 1 else f"IMREAD_REDUCED_{mode}_{reduction}")
    samplings = [0x411111, 0x221111, 0x211111, 0x121111, 0x111111]
    makings = [(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling) for sampling in samplings]
    makings += [(cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 5)]
    for making in makings:
        data = jpeg(picture(3), *making)
        theirs = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
        theirs = theirs[..., None] if channels == "GRAY" else theirs[..., ::-1]
        assert np.array_equal(decode_jpeg(data, channels, *2 * (424 // reduction,)), theirs), making


def test_the_header_of_a_jpeg_tells_its_size() -> None:
    """Width and height come in this order, and files with other markers before the frame are read."""
    assert jpeg_size(jpeg(picture(1, 300, 200))) == (300, 200)
    comment = b"\xff\xfe\x00\x06hey!"
    assert jpeg_size(GOOD[:2] + comment + b"\xff" + GOOD[2:] + b"\0\0") == (424, 424)


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize("standalone", [b"\xff\xd0", b"\xff\x01"])
def test_the_header_reader_sees_the_frame_that_is_decoded(standalone: bytes) -> None:
    """No marker hides the frame that is decoded behind another of a harmless size."""
    # Read as a segment, the marker would be as long as the next two bytes say, and hide the true frame.
    frame = GOOD.index(b"\xff\xc0")
    data = declaring(GOOD, 65_500)
    hidden = data[:frame] + standalone + data[frame:].ljust(0xFFC0 + 2, b"\0") + GOOD[frame:]
    with pytest.raises(ValueError, match="declares 65,500"):
        jpeg_size(hidden)
    with pytest.raises(ValueError, match="two sizes"):
        decode_jpeg(GOOD, "GRAY", 105, 105)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_header_reader(data: bytes) -> None:
    """Any bytes in place of a JPEG's header are a size or a reason."""
    for start in (b"", b"\xff\xd8"):
        with contextlib.suppress(ValueError):
            width, height = jpeg_size(start + data + b"\xff\xd9")
            assert width >= 0 <= height
