"""Images out of the archive into an array."""

from __future__ import annotations

import tempfile
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo_files import declaring, jpeg, picture, write_images

from galaxynet.errors import DataError
from galaxynet.images.preprocessing import Preprocessing
from galaxynet_galaxy_zoo import archives
from galaxynet_galaxy_zoo.archives import load_images


def square(size: int, channels: Literal["gray", "rgb"] = "gray", crop: int = 0) -> Preprocessing:
    return Preprocessing(size, size, channels, crop=crop)


GRAY = square(60)


def plainly(data: bytes, view: Preprocessing) -> np.ndarray[Any, Any]:
    """The textbook way: decode at full size, cut out, shrink by area, convert."""
    pixels = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    if view.crop:
        start = (pixels.shape[0] - view.crop) // 2
        pixels = pixels[start : start + view.crop, start : start + view.crop]
    pixels = cv2.resize(pixels, (view.width, view.width), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None] if view.channels == "gray" else pixels


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(
    "view",
    [
        GRAY,
        square(60, "rgb"),
        square(60, "gray", 212),
        square(60, "rgb", 200),
        square(100, "gray", 107),
        square(200, "gray", 150),
    ],
    ids=str,
)
def test_the_array_shows_what_the_images_show(tmp_path: Path, view: Preprocessing, deflate: bool) -> None:
    """Decoding at reduced size and cropping give the picture that full decoding gives, in the right place."""
    images = {f"{id_}.jpg": jpeg(picture(id_)) for id_ in (300, 100, 200)}
    source = write_images(tmp_path / "images.zip", images, deflate=deflate)
    array = load_images(source, tmp_path / "arrays", view)
    assert array.ids == [300, 100, 200]
    assert array.rows.shape == (3, *view.shape)
    for row, data in zip(array.rows, images.values(), strict=True):
        difference = np.abs(row.astype(int) - plainly(data, view).astype(int))
        assert difference.mean() < 1.5
        assert difference.max() < 16


DAMAGE = {
    "whole": lambda data: data,
    "cut": lambda data: data[: len(data) // 2],
    "cut, end marker put back": lambda data: data[: len(data) // 2] + b"\xff\xd9",
    "last byte lost, end marker put back": lambda data: data[:-3] + b"\xff\xd9",
    "end marker lost": lambda data: data[:-2],
    "huge by its header": lambda data: declaring(data, 65_500),
    "empty": lambda _data: b"",
    "text": lambda _data: b"<html>not found</html>",
    "header alone": lambda data: data[:2] + b"\xff\xd9",
    "scrambled": lambda data: data[:2] + bytes(len(data) - 4) + data[-2:],
    "oblong": lambda _data: jpeg(picture(1, 424, 300)),
    "small": lambda _data: jpeg(picture(1, 100)),
}


@pytest.mark.promise("Inputs")
@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(sorted(DAMAGE)), min_size=1, max_size=12))
def test_any_damaged_images_are_left_out_and_named(kinds: list[str]) -> None:
    """Whichever images are damaged, the others are read in order, and each damaged one is named."""
    kinds = ["whole"] * 13 + kinds  # the whole ones are the majority, which tells the width
    images = {f"{index}.jpg": DAMAGE[kind](GOOD) for index, kind in enumerate(kinds)}
    with tempfile.TemporaryDirectory() as folder:
        source = write_images(Path(folder, "images.zip"), images)
        array = load_images(source, Path(folder, "arrays"), square(16, "gray"))
        assert array.ids == [index for index, kind in enumerate(kinds) if kind == "whole"]
        assert len(array.rows) == len(array.ids)
        named = {int(Path(name).stem) for name in array.skipped}
        assert named == {index for index, kind in enumerate(kinds) if kind != "whole"}


GOOD = jpeg(picture(7))


@pytest.mark.promise("Inputs")
def test_a_truncated_jpeg_is_left_out_even_with_an_end_marker(tmp_path: Path) -> None:
    """A truncated JPEG is left out and named, even where its end marker was put back."""
    encodings = {
        "baseline": GOOD,
        "progressive": jpeg(picture(7), cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        "restart markers": jpeg(picture(7), cv2.IMWRITE_JPEG_RST_INTERVAL, 8),
    }
    images = {f"{number}.jpg": data for number, data in enumerate(encodings.values())}
    for number, data in enumerate(encodings.values(), start=1):
        for part, cut in enumerate(range(len(data) // 4, len(data) - 2, 599)):
            images[f"{number * 1000 + part}.jpg"] = data[:cut] + b"\xff\xd9"
    array = load_images(write_images(tmp_path / "images.zip", images), tmp_path / "arrays", GRAY)
    assert array.ids == [0, 1, 2]
    assert len(array.skipped) == len(images) - 3 > 20
    assert all("damaged or incomplete JPEG" in reason for reason in array.skipped.values())


@pytest.mark.promise("Inputs")
def test_bytes_after_the_end_of_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    """A JPEG with bytes after its end marker, as cameras and portals leave them, is read."""
    tails = (b"", b"\0" * 9, b"\n", b"appended by a portal" * 99, GOOD)
    images = {f"{number}.jpg": GOOD + tail for number, tail in enumerate(tails)}
    array = load_images(write_images(tmp_path / "images.zip", images), tmp_path / "arrays", GRAY)
    assert array.ids == [0, 1, 2, 3, 4]
    assert all(np.array_equal(row, array.rows[0]) for row in array.rows)


@pytest.mark.promise("Strangers' files")
def test_a_header_of_absurd_size_costs_nothing(tmp_path: Path) -> None:
    """Images that declare 65,500 x 65,500 pixels are refused by their headers, before they are decoded."""
    images = {f"{number}.jpg": declaring(GOOD, 65_500) for number in range(40)}
    source = write_images(tmp_path / "images.zip", images)
    started = time.process_time()
    with pytest.raises(DataError, match="declares 65,500 x 65,500 pixels; at most 4,096 x 4,096"):
        load_images(source, tmp_path / "arrays", GRAY)
    assert time.process_time() - started < 1
    images = dict.fromkeys(("1.jpg", "2.jpg", "3.jpg"), GOOD) | {"4.jpg": images["0.jpg"]}
    array = load_images(write_images(source, images), tmp_path / "arrays", GRAY)
    assert array.ids == [1, 2, 3]


@pytest.mark.promise("Strangers' files")
def test_an_image_that_unpacks_to_gigabytes_is_left_out(tmp_path: Path) -> None:
    """A member of an archive that unpacks to more than an image can have is left out, and fills no memory."""
    source = write_images(
        tmp_path / "images.zip", {"1.jpg": GOOD, "2.jpg": GOOD, "3.jpg": bytes(2**26)}, deflate=True
    )
    tracemalloc.start()
    array = load_images(source, tmp_path / "arrays", GRAY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert array.ids == [1, 2]
    assert "unpacks to more than" in array.skipped["images_training_rev1/3.jpg"]
    assert peak < 2**25


@pytest.mark.promise("Strangers' files")
def test_an_id_of_five_thousand_digits_is_a_bad_name(tmp_path: Path) -> None:
    """An image named by a number too large for an id is left out and named, and the others are read."""
    names = ["9" * 5000, "9" * 20, "0" * 5000 + "7", "1"]
    source = write_images(tmp_path / "images.zip", {f"{name}.jpg": GOOD for name in names}, folder="")
    array = load_images(source, tmp_path / "arrays", GRAY)
    assert array.ids == [7, 1]
    assert list(array.skipped.values()) == ["its name is not a GalaxyID"] * 2


@pytest.mark.promise("Inputs")
def test_a_zip_made_by_powershell_is_read(tmp_path: Path) -> None:
    r"""A zip whose member names separate folders by `\`, as PowerShell writes them, is read."""
    source = write_images(tmp_path / "images.zip", {"5.jpg": GOOD, "6.JPG": GOOD}, folder="images\\deep\\")
    assert load_images(source, tmp_path / "arrays", GRAY).ids == [5, 6]


def test_an_encrypted_image_is_left_out(tmp_path: Path) -> None:
    """A member that asks for a password costs that image alone."""
    source = write_images(tmp_path / "images.zip", {f"{number}.jpg": GOOD for number in range(3)})
    data = bytearray(source.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    source.write_bytes(data)
    array = load_images(source, tmp_path / "arrays", GRAY)
    assert array.ids == [1, 2]
    assert array.skipped == {"images_training_rev1/0.jpg": "it is encrypted"}


def test_a_member_with_a_wrong_checksum_is_left_out(tmp_path: Path) -> None:
    """A bit that fell over in the archive costs that one image, which is named with the reason."""
    source = write_images(tmp_path / "images.zip", {f"{id_}.jpg": jpeg(picture(id_)) for id_ in range(5)})
    spoilt = bytearray(source.read_bytes())
    with zipfile.ZipFile(source) as archive:
        spoilt[archive.infolist()[2].header_offset + 3000] ^= 0x55
    source.write_bytes(spoilt)
    array = load_images(source, tmp_path / "arrays", GRAY)
    assert array.ids == [0, 1, 3, 4]
    assert "CRC" in array.skipped["images_training_rev1/2.jpg"]


def test_odd_names_are_told_and_foreign_files_ignored(tmp_path: Path) -> None:
    """A JPEG that is named by no GalaxyID, or by one that was there, is named; a readme is nothing."""
    images = dict.fromkeys(("1.jpg", "thumb.jpg", "deeper/1.jpg", "2.JPEG", "._2.jpg", "README.txt"), GOOD)
    source = write_images(tmp_path / "images.zip", images, folder="")
    array = load_images(source, tmp_path / "arrays", GRAY)
    assert array.ids == [1, 2]
    assert set(array.skipped) == {"thumb.jpg", "deeper/1.jpg"}


def test_cutouts_of_another_size_are_fine(tmp_path: Path) -> None:
    """Images that are all of one other square size are read as they are, and crops count their pixels."""
    source = write_images(
        tmp_path / "images.zip", {f"{id_}.jpg": jpeg(picture(id_, 128)) for id_ in range(3)}
    )
    assert load_images(source, tmp_path / "arrays", GRAY).extra == {"width": 128}
    with pytest.raises(DataError, match="128 pixels wide"):
        load_images(source, tmp_path / "arrays", square(60, "gray", 129))


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ({}, "no JPEG images"),
        ({"1.png": GOOD}, "no JPEG images"),
        ({"1.jpg": b"x", "2.jpg": GOOD[:99]}, "cannot be read"),
        ({f"{n}.jpg": jpeg(picture(n, 100, 80)) for n in range(4)}, "not square: they are 100 x 80 pixels"),
        ({"1.jpg": GOOD[:400] + bytes(900) + GOOD[-2:]}, "can be used"),
    ],
    ids=["empty", "png", "damaged", "oblong", "body"],
)
def test_an_archive_of_no_use_is_one_sentence(
    tmp_path: Path, images: dict[str, bytes], sentence: str
) -> None:
    """Where no image can be used, one sentence says why, and it is said again at the next start."""
    source = write_images(tmp_path / "images.zip", images)
    for _ in range(2):
        with pytest.raises(DataError, match=sentence):
            load_images(source, tmp_path / "arrays", GRAY)


@pytest.mark.parametrize("size", [0, 10, 2000, -30])
def test_half_an_archive_is_one_sentence(tmp_path: Path, size: int) -> None:
    """A download that broke off is recognised before anything is read out of it."""
    source = write_images(tmp_path / "images.zip", {"1.jpg": GOOD})
    source.write_bytes(source.read_bytes()[:size])
    with pytest.raises(DataError, match="not a whole zip archive"):
        load_images(source, tmp_path / "arrays", GRAY)


def test_the_second_start_reads_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepared images are opened without a look into the archive; a new archive is read again."""
    source = write_images(tmp_path / "images.zip", {"1.jpg": GOOD})
    load_images(source, tmp_path / "arrays", GRAY)
    with monkeypatch.context() as patch:
        patch.setattr(archives, "open_archive", None)
        assert load_images(source, tmp_path / "arrays", GRAY).ids == [1]
    write_images(source, {"5.jpg": GOOD, "6.jpg": GOOD})
    assert load_images(source, tmp_path / "arrays", GRAY).ids == [5, 6]
