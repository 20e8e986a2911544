"""A run on a few made galaxies, and images to apply it to."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

import galaxynet
from galaxynet.runs import Run


def galaxy(seed: int, side: int = 424) -> npt.NDArray[np.uint8]:
    """A coloured ellipse on black, RGB; odd seeds are flat, even ones round."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    angle = chance.uniform(0, np.pi)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    ratio = 0.3 if seed % 2 else 0.95
    light = np.exp(-np.hypot(along, across / ratio) / 0.06)
    colour = chance.uniform(0.6, 1.0, 3)
    noise = chance.normal(6, 2, (side, side, 3))
    return np.asarray((240 * light[..., None] * colour + noise).clip(0, 255), np.uint8)


def encoded(pixels: npt.NDArray[np.uint8], suffix: str = ".jpg") -> bytes:
    """An image file of RGB or gray pixels."""
    order = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    done, data = cv2.imencode(suffix, np.ascontiguousarray(order))
    assert done
    return bytes(data)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one epoch on 40 made galaxies of two classes."""
    folder = tmp_path_factory.mktemp("trained")
    data = folder / "data" / "galaxy-zoo"
    data.mkdir(parents=True)
    with zipfile.ZipFile(data / "images_training_rev1.zip", "w") as archive:
        for seed in range(40):
            archive.writestr(f"images_training_rev1/{100_000 + seed}.jpg", encoded(galaxy(seed)))
    labels = folder / "labels.csv"
    rows = [f"{100_000 + seed},{'flat' if seed % 2 else 'round'}" for seed in range(40)]
    labels.write_text("GalaxyID,label\n" + "\n".join(rows) + "\n")
    return galaxynet.train(
        "galaxy_alexnet",
        labels=str(labels),
        crop=212,
        size=24,
        epochs=1,
        threads=1,
        name="made",
        precision="float32",
        runs_dir=folder / "runs",
        data_dir=folder / "data",
    )


@pytest.fixture(scope="session")
def cutout_files() -> dict[str, bytes]:
    """Thirty image files by path: JPEGs, with some PNGs, one of them in a folder below."""
    files = {}
    for seed in range(30):
        suffix = ".png" if seed % 5 == 0 else ".jpg"
        folder = "more/" if seed == 25 else ""
        files[f"{folder}J{seed:04d}{suffix}"] = encoded(galaxy(1000 + seed), suffix)
    return files


@pytest.fixture
def cutouts(tmp_path: Path, cutout_files: dict[str, bytes]) -> Path:
    """A folder of them."""
    folder = tmp_path / "cutouts"
    (folder / "more").mkdir(parents=True)
    for name, content in cutout_files.items():
        (folder / name).write_bytes(content)
    return folder
