"""Small archives in the competition's form, for the tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from galaxynet_galaxy_zoo.votes import COLUMNS


def picture(seed: int, width: int = 424, height: int | None = None) -> npt.NDArray[np.uint8]:
    """A smooth coloured picture with a bright middle, RGB."""
    generator = np.random.default_rng(seed)
    height = height or width
    small = generator.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0:height, 0:width]
    light = np.exp(-((x - width / 2) ** 2 + (y - height / 2) ** 2) / (2 * (width / 6) ** 2))[..., None]
    return np.asarray(large * light, dtype=np.uint8)


def jpeg(rgb: npt.NDArray[np.uint8], *parameters: int) -> bytes:
    """A JPEG of it, as the competition's: quality 75 or so; made with parameters of `cv2.imencode`."""
    pixels = np.ascontiguousarray(rgb[..., ::-1])
    done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 80, *parameters])
    assert done
    return bytes(data)


def declaring(data: bytes, side: int) -> bytes:
    """A JPEG with another size in its header."""
    frame = data.index(b"\xff\xc0")
    return data[: frame + 5] + side.to_bytes(2, "big") * 2 + data[frame + 9 :]


def write_images(
    path: Path, images: Mapping[str, bytes], *, deflate: bool = False, folder: str = "images_training_rev1/"
) -> Path:
    """A zip archive with these members."""
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in images.items():
            archive.writestr(folder + name, data)
    return path


def write_votes(path: Path, rows: Mapping[int, Mapping[str, float]]) -> Path:
    """Solutions with these fractions, zero elsewhere."""
    text = io.StringIO()
    text.write(",".join(["GalaxyID", *COLUMNS]) + "\n")
    for galaxy, fractions in rows.items():
        text.write(",".join([str(galaxy), *(str(fractions.get(column, 0.0)) for column in COLUMNS)]) + "\n")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("training_solutions_rev1.csv", text.getvalue())
    return path


SMOOTH = {"Class1.1": 0.9, "Class1.2": 0.1, "Class7.1": 0.9, "Class6.2": 0.8, "Class6.1": 0.2}
DISK = {
    "Class1.2": 0.95,
    "Class1.1": 0.05,
    "Class2.2": 0.95,
    "Class4.1": 0.9,
    "Class6.2": 0.9,
    "Class6.1": 0.1,
}
ODD = {"Class1.1": 0.5, "Class1.2": 0.5, "Class6.1": 1.0, "Class8.6": 1.0}


def make_zoo(folder: Path, galaxies: Iterable[int] = range(100, 130), width: int = 64) -> Path:
    """A dataset folder with images and votes of three classes by turns."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = list(galaxies)
    write_images(folder / "images_training_rev1.zip", {f"{i}.jpg": jpeg(picture(i, width)) for i in ids})
    write_votes(
        folder / "training_solutions_rev1.zip",
        {i: (SMOOTH, DISK, ODD)[index % 3] for index, i in enumerate(ids)},
    )
    return folder


def write_csv(path: Path, header: str, rows: Iterable[str]) -> Path:
    """A CSV file of lines."""
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path
