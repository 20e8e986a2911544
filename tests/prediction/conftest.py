"""A run on a few made galaxies, images to apply it to, and a package that ships weights."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from made_galaxies import encoded, galaxy
from spirals_package import MODEL, NOTES, PYPROJECT, SPEC, Spirals, forget

import galaxynet
from galaxynet import registry
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


@pytest.fixture(scope="session")
def spirals(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Spirals:
    """A package of a third party's, with a network trained on made galaxies and its exported weights."""
    project = tmp_path_factory.mktemp("spirals") / "author home" / "galaxynet-spirals"
    package = project / "galaxynet_spirals"
    package.mkdir(parents=True)
    (project / "pyproject.toml").write_text(PYPROJECT)
    (package / "__init__.py").write_text(SPEC)
    (package / "model.py").write_text(MODEL)
    (project / "notes.md").write_text(NOTES)
    # What pip leaves of a package, so that the network can be trained before there is a wheel.
    info = project / "galaxynet_spirals-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: galaxynet-spirals\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[galaxynet.models]\nspirals = galaxynet_spirals:SPEC\n")
    folder = trained.path.parents[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project))
        registry.clear_cache()
        run = galaxynet.train(
            "spirals",
            labels=str(folder / "labels.csv"),
            crop=212,
            size=24,
            epochs=2,
            validation=0.45,
            threads=1,
            name="made-spirals",
            precision="float32",
            runs_dir=folder / "spiral-runs",
            data_dir=folder / "data",
        )
        shipped = Spirals(project, run, folder / "data")
        galaxynet.export_weights(run, shipped.weights, notes=project / "notes.md", data_dir=shipped.data_dir)
    forget()
    return shipped


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """A function that puts a package on the path of this process and of the commands that it starts."""

    def put(site: Path) -> None:
        monkeypatch.syspath_prepend(str(site))
        before = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), before])))
        registry.clear_cache()

    yield put
    forget()


@pytest.fixture
def installed(spirals: Spirals, install: Callable[[Path], None]) -> Spirals:
    """The package, installed."""
    install(spirals.project)
    return spirals


@pytest.fixture
def copied(spirals: Spirals, install: Callable[[Path], None], tmp_path: Path) -> Spirals:
    """A copy of the package, installed, to be damaged."""
    project = tmp_path / "copied"
    shutil.copytree(spirals.project, project)
    install(project)
    return spirals._replace(project=project)
