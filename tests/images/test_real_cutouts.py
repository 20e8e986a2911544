"""Real cutouts of SDSS, DECaLS, HSC and HST, and traps of the format: each is read or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from galaxynet.images.decoding import prepare_one
from galaxynet.images.fits import FitsOptions
from galaxynet.images.flags import UNUSABLE, Flag, ImageError
from galaxynet.images.input_search import find_inputs
from galaxynet.images.preprocessing import Prepared, Preprocessing, Radius

pytestmark = pytest.mark.real

GRAY = Preprocessing(60, 60)
COLOUR = Preprocessing(60, 60, "rgb")
ZOO = Preprocessing(60, 60, frame=424, crop=212, frame_radii=8.48)

REFUSED = {
    "group.fits": "it holds random groups",
    "random_groups.fits": "it holds random groups",
    "logical_null.fits": "it holds no image",
    "stddata.fits": "it holds no image",
    "verify.fits": "it holds no image",
    "zerowidth.fits": "it holds no image",
}
"""The files that hold no image that could be used, and what is said of them."""

LARGE = "ksb_staticmask_ood_v1.fits.fz"
"""Four images of 4,096 x 4,032 pixels: read, in seconds."""


@pytest.fixture
def cutout(real_data: Path) -> Callable[[str], bytes]:
    """A function that gives the bytes of a file by its name."""
    paths = {path.name: path for path in (real_data / "cutouts").rglob("*") if path.is_file()}
    return lambda name: paths[name].read_bytes()


def test_each_file_is_read_or_refused_by_name(real_data: Path) -> None:
    """Every FITS and PNG of the collection gives pixels, or a reason that names what it is."""
    inputs = find_inputs([str(real_data / "cutouts")])
    assert len(inputs) > 50
    refused = {}
    for index in range(len(inputs)):
        name = Path(inputs.name(index)).name
        if name == LARGE:
            continue
        try:
            prepared = prepare_one(inputs, index, GRAY)
        except ImageError as error:
            refused[name] = (error.reason, error.flag)
            continue
        assert prepared.pixels.shape == (60, 60, 1)
        assert not prepared.flag & UNUSABLE
        if "_ood_" not in name:  # masks, which may be empty
            assert np.ptp(prepared.pixels) > 20, name
    assert refused == {name: (reason, Flag.UNSUPPORTED) for name, reason in REFUSED.items()}


@pytest.mark.parametrize(
    ("name", "bands"),
    [
        ("Cut_HSC.fits", ("3", "2", "1")),
        ("hsc_ra=150.24071_dec=2.06514.fits", ("3", "2", "1")),
    ],
)
def test_bands_of_hsc_become_colour(
    cutout: Callable[[str], bytes], name: str, bands: tuple[str, ...]
) -> None:
    """A cube of five bands is colour where three are named, and refused by name where none is."""
    prepared = COLOUR.prepare(cutout(name), FitsOptions(bands=bands))
    assert len({channel.tobytes() for channel in np.moveaxis(prepared.pixels, -1, 0)}) == 3
    reversed_bands = COLOUR.prepare(cutout(name), FitsOptions(bands=bands[::-1]))
    assert np.array_equal(reversed_bands.pixels, prepared.pixels[..., ::-1])
    with pytest.raises(ImageError, match="it has 5 planes and the network was trained on colour"):
        COLOUR.prepare(cutout(name))


@pytest.mark.parametrize("name", ["587722984439545906-g.fits", "Cut_HST.fits"])
def test_one_band_is_no_colour(cutout: Callable[[str], bytes], name: str) -> None:
    """An SDSS or HST image of one band is refused by a network trained on colour."""
    with pytest.raises(ImageError, match="it has one plane"):
        COLOUR.prepare(cutout(name))


@pytest.mark.parametrize("packed", ["m13_rice.fits", "m13_hcomp.fits"])
def test_compression_changes_no_pixel(cutout: Callable[[str], bytes], packed: str) -> None:
    """The compressed forms of an image show what the plain one shows."""
    assert np.array_equal(GRAY.prepare(cutout(packed)).pixels, GRAY.prepare(cutout("m13.fits")).pixels)


def test_blank_pixels_of_a_map_are_flagged(cutout: Callable[[str], bytes]) -> None:
    """A sky map with a fifth of its pixels missing is used, and the share is noted."""
    prepared = GRAY.prepare(cutout("1904-66_AZP.fits"))
    assert prepared.flag == Flag.BLANK_PIXELS
    assert prepared.notes == ("22.03% of its pixels are blank",)


def test_an_extension_and_an_id_by_name(cutout: Callable[[str], bytes]) -> None:
    """The four exposures of a file are chosen by number, and the id comes from its header."""
    data = cutout("test0.fits")
    views = [GRAY.prepare(data, FitsOptions(hdu=str(number))).pixels.tobytes() for number in (1, 2, 3, 4)]
    assert len(set(views)) == 4
    assert GRAY.prepare(data, FitsOptions(id_keyword="ROOTNAME")).identifier == "U2EQ0201T"


def _scaled(data: bytes, arcsec: float, scale: float | None = None) -> Prepared:
    return ZOO.prepare(data, FitsOptions(), Radius(arcsec, scale))


@pytest.mark.parametrize(
    ("name", "arcsec_per_pixel"),
    [
        ("Cut_HSC.fits", 0.168),
        ("c4d_171113_060340_ooi_r_ls9.N6.fits", 0.262),
        ("Cut_HST.fits", 0.03),
    ],
)
def test_world_coordinates_give_the_scale(
    cutout: Callable[[str], bytes], name: str, arcsec_per_pixel: float
) -> None:
    """The frame cut by the world coordinates is the one cut by the survey's pixel scale."""
    radius = 4 * arcsec_per_pixel
    by_header, by_hand = (_scaled(cutout(name), radius, scale) for scale in (None, arcsec_per_pixel))
    assert not by_header.flag & Flag.SCALE_UNKNOWN
    # The frame has 8.48 radii of 4 pixels.
    assert by_header.notes == by_hand.notes == ("enlarged from 17 x 17 pixels",)
    assert np.array_equal(by_header.pixels, by_hand.pixels)


def test_without_world_coordinates_the_scale_is_unknown(cutout: Callable[[str], bytes]) -> None:
    """An SDSS cutout without coordinates needs --pixel-scale: without it, it is predicted and flagged."""
    data = cutout("587722984439545906-g.fits")
    assert _scaled(data, 5.0).flag == Flag.SCALE_UNKNOWN
    scaled = _scaled(data, 5.0, 0.396)
    assert not scaled.flag & Flag.SCALE_UNKNOWN
    assert scaled.pixels[25:35, 25:35].mean() > 1.5 * scaled.pixels[:5].mean()


@pytest.mark.slow
def test_a_large_compressed_mask(cutout: Callable[[str], bytes]) -> None:
    """An image of 16 million pixels, the most that are read, is read."""
    prepared = GRAY.prepare(cutout(LARGE))
    assert prepared.notes == ("4032 x 4096 pixels: the central 4032 x 4032 are used",)
