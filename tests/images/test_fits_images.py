"""FITS images: what is read of them, how flux becomes brightness, and what is refused by name."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.visualization import make_lupton_rgb
from fits_files import bands, galaxy, plain, saved, sky

from galaxynet.images.fits import FitsOptions, read_fits
from galaxynet.images.flags import Flag, ImageError
from galaxynet.images.picture import MOST_BYTES, Picture
from galaxynet.images.preprocessing import Preprocessing, Radius
from galaxynet.images.stretch import Stretch

FIXED = Stretch(20.0, 8.0, 10.0)
GRAY = FitsOptions(stretch=FIXED)


def gray(data: bytes, options: FitsOptions = GRAY) -> Picture:
    return read_fits(data, options, color=False)


def same(first: Picture, second: Picture, within: int = 0) -> bool:
    return bool(np.abs(first.pixels.astype(int) - second.pixels.astype(int)).max() <= within)


def test_colour_is_that_of_astropy() -> None:
    """Three bands become the colours of `make_lupton_rgb` with the same stretch, Q and minimum."""
    red, green, blue = (galaxy(brightness=b) for b in (90.0, 60.0, 30.0))
    data = bands("irg", i=red, r=green, g=blue)
    options = FitsOptions(bands=("i", "r", "g"), stretch=Stretch(5.0, 8.0, 10.0))
    ours = read_fits(data, options, color=True).pixels
    theirs = make_lupton_rgb(red, green, blue, minimum=10.0, stretch=5.0, Q=8.0)
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1
    assert (ours[32, 32] > ours[0, 0]).all()


def test_the_automatic_stretch_follows_the_units() -> None:
    """An image in other units, or on another sky, looks the same without any option."""
    flux = galaxy()
    first = gray(plain(flux), FitsOptions())
    assert same(first, gray(plain(flux * 1e-6), FitsOptions()), within=1)
    assert same(first, gray(plain(flux + 500), FitsOptions()), within=1)
    assert first.pixels[32, 32] > 150 > 60 > first.pixels[:8].mean()


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda g, r, i: bands("gri", g=g, r=r, i=i), ("i", "r", "g")),
        (lambda g, r, i: plain(np.stack([g, r, i]), BANDS="gri"), ("i", "r", "g")),
        (lambda g, r, i: plain(np.stack([g, r, i]), FILTERS="HSC-G, HSC-R, HSC-I"), ("i", "r", "g")),
        (lambda g, r, i: plain(np.stack([g, r, i])), ("3", "2", "1")),
        (lambda g, r, i: plain(np.stack([g, r, i])[:, None]), ("3", "2", "1")),
        (
            lambda g, r, i: saved(
                fits.PrimaryHDU(), *(fits.ImageHDU(p, name=n) for n, p in (("G", g), ("R", r), ("I", i)))
            ),
            ("i", "r", "g"),
        ),
    ],
)
def test_bands_by_name_or_number(make: Any, names: tuple[str, ...]) -> None:
    """Bands are extensions or planes, named by FILTER, BANDS, FILTERS or EXTNAME, or numbered from 1."""
    g, r, i = (galaxy(brightness=b) for b in (20.0, 50.0, 90.0))
    expected = FIXED.rgb(np.stack([i, r, g]))
    picture = read_fits(make(g, r, i), FitsOptions(bands=names, stretch=FIXED), color=True)
    assert np.array_equal(picture.pixels, expected)


def test_planes_are_averaged_to_gray() -> None:
    """Without bands, the planes of a cube are averaged, each pixel over the planes that have it."""
    low, high = galaxy(brightness=20.0), galaxy(brightness=90.0)
    high[3, 3] = np.nan
    mean = np.where(np.isfinite(high), (low + high) / 2, low).astype(np.float32)
    picture = gray(plain(np.stack([low, high])))
    assert np.array_equal(picture.pixels, FIXED.gray(mean))
    second = gray(plain(np.stack([low, high])), FitsOptions(bands=("2",), stretch=FIXED))
    assert np.array_equal(second.pixels, FIXED.gray(high))


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        (plain(galaxy()), {}, "it has one plane and the network was trained on colour"),
        (plain(np.stack([galaxy()] * 5)), {}, "it has 5 planes and the network was trained on colour"),
        (bands("gr", g=galaxy(), r=galaxy()), {"bands": ("i", "r", "g")}, "no band i; its bands are g, r"),
        (plain(galaxy()), {"bands": ("3", "2", "1")}, "no band 3; its only plane has no name"),
        (
            plain(np.stack([galaxy()] * 2)),
            {"bands": ("z", "2", "1")},
            "no band z; its 2 planes have no",
        ),
        (bands("gr", g=galaxy(), r=galaxy()), {"bands": ("g", "r")}, "--bands must name three, not 2"),
        (bands("gri", g=galaxy(), r=galaxy(32), i=galaxy()), {"bands": ("g", "r", "i")}, "differ in size"),
    ],
)
def test_colour_that_is_not_there(data: bytes, options: dict[str, Any], reason: str) -> None:
    """A network trained on colour is not given gray in its place: the image is refused by name."""
    with pytest.raises(ImageError, match=reason) as caught:
        read_fits(data, FitsOptions(**options), color=True)
    assert caught.value.flag == Flag.UNSUPPORTED


def test_the_first_extension_with_an_image_or_the_one_named() -> None:
    """Tables and empty extensions are passed over; `--hdu` names one by number or name."""
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=np.arange(3))])
    data = saved(
        fits.PrimaryHDU(), table, fits.ImageHDU(galaxy(), name="SCI"), fits.ImageHDU(galaxy(32), name="VAR")
    )
    assert gray(data).pixels.shape == (64, 64)
    assert gray(data, FitsOptions(hdu="3")).pixels.shape == (32, 32)
    assert gray(data, FitsOptions(hdu="var")).pixels.shape == (32, 32)
    for hdu, reason in (
        ("9", "no extension 9"),
        ("1", "extension 1 holds no image"),
        ("X", "no extension X"),
    ):
        with pytest.raises(ImageError, match=reason):
            gray(data, FitsOptions(hdu=hdu))


def test_stored_numbers_are_flux() -> None:
    """BSCALE, BZERO and unsigned integers are undone; compression by fpack or gzip changes no pixel."""
    flux = np.round(galaxy())
    expected = gray(plain(flux))
    scaled = fits.PrimaryHDU(flux.copy())
    scaled.scale("int16", bscale=0.5, bzero=100)
    packed = fits.CompImageHDU(flux.astype(np.int16), compression_type="RICE_1")
    for data in (
        saved(scaled),
        plain(flux.astype(np.uint16)),
        plain(flux.astype(np.int64)),
        plain(flux.astype(">f8")),
        saved(fits.PrimaryHDU(), packed),
        gzip.compress(plain(flux)),
    ):
        assert same(gray(data), expected)


def test_blank_pixels_are_sky_and_flagged() -> None:
    """NaN, infinite and BLANK pixels are shown as sky, and their share is noted."""
    flux = galaxy()
    flux[:16] = np.nan
    flux[16, 0] = np.inf
    picture = gray(plain(flux), FitsOptions())
    assert picture.flag == Flag.BLANK_PIXELS
    assert picture.notes == ("25.02% of its pixels are blank",)
    assert not picture.pixels[:16].any()
    whole = np.full((8, 8), 7, np.int16)
    whole[0, 0] = -99
    blank = fits.PrimaryHDU(whole)
    blank.header["BLANK"] = -99
    assert gray(saved(blank)).flag == Flag.BLANK_PIXELS
    with pytest.raises(ImageError, match="all its pixels are blank"):
        gray(plain(np.full((8, 8), np.nan, np.float32)))


def groups() -> bytes:
    """Random groups, as radio interferometers write them: the first axis has no length."""
    cards = {"SIMPLE": "T", "BITPIX": -32, "NAXIS": 3, "NAXIS1": 0, "NAXIS2": 2, "NAXIS3": 2}
    cards |= {"GROUPS": "T", "PCOUNT": 1, "GCOUNT": 1}
    lines = [f"{name:8}= {value:>20}" for name, value in cards.items()]
    return "".join(line.ljust(80) for line in [*lines, "END"]).ljust(2880).encode() + bytes(2880)


def packed_bomb() -> bytes:
    """A small file that declares more pixels than are read."""
    return saved(
        fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((4097, 4097), np.uint8), compression_type="GZIP_1")
    )


@pytest.mark.parametrize(
    ("data", "reason", "flag"),
    [
        (plain(galaxy())[:8000], "damaged or incomplete FITS", Flag.DAMAGED),
        (gzip.compress(plain(galaxy()), mtime=0)[:2000], "incomplete gzip", Flag.DAMAGED),
        (gzip.compress(b"text", mtime=0), "a gzip file that holds no FITS", Flag.DAMAGED),
        (gzip.compress(bytes(MOST_BYTES + 1), 1, mtime=0), "unpacks to more than", Flag.TOO_LARGE),
        (groups(), "it holds random groups", Flag.UNSUPPORTED),
        (saved(fits.PrimaryHDU()), "it holds no image", Flag.UNSUPPORTED),
        (plain(np.zeros((2, 2, 8, 8), np.float32)), "an image of 4 axes", Flag.UNSUPPORTED),
        (plain(np.zeros((1, 300), np.float32)), "a spectrum or a line", Flag.UNSUPPORTED),
        (plain(np.zeros((65, 8, 8), np.uint8)), "a cube of 65 planes", Flag.TOO_LARGE),
        (packed_bomb(), "it declares 4,097 x 4,097 pixels", Flag.TOO_LARGE),
    ],
)
def test_what_is_not_read_is_named(data: bytes, reason: str, flag: Flag) -> None:
    """Damage, other contents and more pixels than are read have a reason each, before memory is spent."""
    with pytest.raises(ImageError, match=reason) as caught:
        gray(data)
    assert caught.value.flag == flag


@pytest.mark.parametrize("angle", [0.0, 33.0])
def test_a_radius_cuts_the_frame_of_the_training_images(angle: float) -> None:
    """With a radius in arcsec, the frame is the multiple of it that the training images had."""
    view = Preprocessing(32, 32, frame_radii=8.0)
    prepared = []
    for scale, side in ((0.5, 96), (0.25, 192)):
        flux = galaxy(side, radius=2 / scale)
        prepared.append(view.prepare(plain(flux, **sky(scale, angle)), GRAY, Radius(4.0)))
        assert prepared[-1].flag == Flag(0)
        # The frame is 32 arcsec.
        assert np.array_equal(view.prepare(plain(flux), GRAY, Radius(4.0, scale)).pixels, prepared[-1].pixels)
    first, second = (p.pixels.astype(float) for p in prepared)
    assert np.abs(first - second).mean() < 8
    assert first[16, 16] > 3 * first[0, 0]


def test_an_unknown_scale_is_flagged() -> None:
    """Without radius or scale the whole image is used and flagged; a frame beyond the image is flagged."""
    view = Preprocessing(32, 32, frame_radii=8.0)
    for data, radius in ((plain(galaxy(), **sky(0.5)), None), (plain(galaxy()), Radius(4.0))):
        prepared = view.prepare(data, GRAY, radius)
        assert prepared.flag == Flag.SCALE_UNKNOWN
        assert "scale unknown" in prepared.notes
    prepared = view.prepare(plain(galaxy(), **sky(0.5)), GRAY, Radius(8.0))
    assert prepared.flag == Flag.OFF_FRAME
    assert not prepared.pixels[0].any()
    with pytest.raises(ImageError, match=r"asks for a frame of 16,000 pixels"):
        view.prepare(plain(galaxy(), **sky(0.5)), GRAY, Radius(1000.0))


def test_an_id_from_the_header() -> None:
    """`--id-keyword` takes the id from the image's header or the first one."""
    data = saved(fits.PrimaryHDU(), fits.ImageHDU(galaxy()))
    assert gray(data, FitsOptions(id_keyword="OBJECT")).identifier == ""
    assert gray(plain(galaxy(), OBJECT="NGC 1"), FitsOptions(id_keyword="OBJECT")).identifier == "NGC 1"


@pytest.mark.parametrize("text", ["auto", "5", "0.1,8", "0.123456789,8,-3"])
def test_a_stretch_is_what_it_says(text: str) -> None:
    """A stretch is written so that it is read back to the last digit."""
    assert Stretch.parse(str(Stretch.parse(text))) == Stretch.parse(text)
