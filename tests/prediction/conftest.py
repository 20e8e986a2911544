"""A run on a few made galaxies, and images to apply it to."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from made_galaxies import encoded, galaxy

import galaxynet
from galaxynet.runs import Run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one epoch on 100 made galaxies of two classes."""
    folder = tmp_path_factory.mktemp("trained")
    data = folder / "data" / "galaxy-zoo"
    data.mkdir(parents=True)
    with zipfile.ZipFile(data / "images_training_rev1.zip", "w") as archive:
        for seed in range(100):
            archive.writestr(f"images_training_rev1/{100_000 + seed}.jpg", encoded(galaxy(seed)))
    labels = folder / "labels.csv"
    rows = [f"{100_000 + seed},{'flat' if seed % 2 else 'round'}" for seed in range(100)]
    labels.write_text("GalaxyID,label\n" + "\n".join(rows) + "\n")
    return galaxynet.train(
        "galaxy_alexnet",
        labels=str(labels),
        crop=212,
        size=24,
        epochs=1,
        validation=0.45,
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
