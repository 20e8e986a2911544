"""Every command and every piece of Python that the documentation shows, executed page by page.

A page says in HTML comments what has to be there before: `real` (archives with real galaxies), `real: mnist`
(the published files of that dataset, in `~/Downloads/mnist`; several are separated by commas), `needs:
galaxy-sim` (the simulated dataset), `needs: runs` (two finished runs), `needs: cutouts` (a trained run and
images to apply it to), `interrupted: last` (the last run was stopped with Ctrl-C). What is fetched is
shortened: 70,000 published images to a few hundred, a novel to its first chapters. Blocks marked `sh` are not
executed: they need a GPU, a Kaggle account or user input, or install packages.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from docs_pages import Page, Step, cheap, pages
from idx_files import idx_bytes
from made_runs import add_curves, add_predictions, made_run
from warm_process import WarmProcess

from galaxynet.data.idx import read_idx
from galaxynet.runs import find

GALAXIES = 80
TESTED = 20
IMAGES = {"train": 400, "t10k": 100}
CHARACTERS = 60_000
# A test has no network to install from; it leaves what pip would leave.
INSTALL = "pip install --no-deps ."


def _parameters() -> list[object]:
    parameters: list[object] = []
    for page in pages():
        if page.runs_something:
            real = any(note.partition(":")[0] == "real" for note in page.notes)
            marks = [pytest.mark.slow, *([pytest.mark.real] if real else [])]
            parameters.append(pytest.param(page, id=page.path, marks=marks))
    return parameters


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a few simulated galaxies."""
    folder = tmp_path_factory.mktemp("simulated")
    command = ["galaxynet", "fetch", "galaxy-sim", "--count", "60", "--data-dir", str(folder), "--quiet"]
    subprocess.run([sys.executable, "-m", "galaxynet.cli.main", *command[1:]], check=True, timeout=300)
    return folder


class Reader:
    """Follows a page in a separate folder."""

    def __init__(self, folder: Path, warm: WarmProcess) -> None:
        self.warm = warm
        self.folder = folder / "work"
        self.data, self.runs, self.site = folder / "data", folder / "runs", folder / "site"
        self.home = folder / "home"
        for path in (self.folder, self.home, self.site):
            path.mkdir()
        self.environment = {
            **os.environ,
            "GALAXYNET_DATA": str(self.data),
            "GALAXYNET_RUNS": str(self.runs),
            "PYTHONPATH": str(self.site),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            # matplotlib would look for all fonts again in a new home.
            "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib")),
            "HOME": str(self.home),
            "OMP_NUM_THREADS": "1",
        }

    def follow(self, page: Page) -> None:
        """Do what the page says, in order; Python blocks with nothing between them are one program."""
        for kind, steps in itertools.groupby(page.steps, key=lambda step: step.kind):
            if kind == "python":
                self.call(code=cheap("\n".join(step.text for step in steps)))
            else:
                for step in steps:
                    self.take(step)

    def take(self, step: Step) -> None:
        if step.kind == "file":
            path = self.folder / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
        elif step.kind == "note" and step.text.startswith("interrupted: "):
            run = find(self.runs, step.text.removeprefix("interrupted: "))
            run.record.status = "interrupted"
            run.save()
        elif step.kind == "command" and step.text == INSTALL:
            self.install()
        elif step.kind == "command":
            self.command(cheap(step.text))

    def command(self, line: str) -> None:
        """Run a line of the shell; one that is only a call of galaxynet, in the warm process."""
        words = shlex.split(line)
        if words[0] == "galaxynet" and not set(line) & set("|<>&;$`*"):
            self.call(*(word.replace("~", str(self.home), 1) for word in words[1:]))
            if words[1] == "fetch":
                _shorten(self.data / words[2])
            return
        done = subprocess.run(
            ["bash", "-c", line], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"

    def call(self, *words: str, code: str = "") -> None:
        done = self.warm.run(*words, folder=self.folder, environment=self.environment, code=code)
        assert done.returncode == 0, (
            f"{words or code} ended with {done.returncode}\n{done.stdout}{done.stderr}"
        )

    def install(self) -> None:
        """Install the package in the folder, as far as its pyproject.toml says what belongs to it."""
        project = tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        package = project["name"].replace("-", "_")
        shutil.copytree(self.folder / package, self.site / package, dirs_exist_ok=True)
        info = self.site / f"{package}-{project['version']}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        lines = []
        for group, points in project["entry-points"].items():
            lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("page", _parameters())
def test_what_a_page_shows_works(
    page: Page, tmp_path: Path, warm: WarmProcess, request: pytest.FixtureRequest
) -> None:
    """Every command and every Python block of the documentation works, in page order."""
    reader = Reader(tmp_path, warm)
    if "real" in page.notes:
        _download(request.getfixturevalue("real_data") / "galaxy-zoo", reader)
    for note in page.notes:
        if note.startswith("real: "):
            for name in note.removeprefix("real: ").split(", "):
                _bring(request.getfixturevalue("real_data") / name, reader)
    if "needs: galaxy-sim" in page.notes:
        shutil.copytree(request.getfixturevalue("simulated"), reader.data)
    if "needs: runs" in page.notes:
        for seed, act in enumerate(("relu", "tanh")):
            metrics = {"test/accuracy": 0.7, "test/loss": 0.8, "val/accuracy": 0.69, "val/loss": 0.8}
            run = made_run(reader.runs, name=act, act=act, seed=seed, metrics=metrics)
            add_curves(run)
            add_predictions(run, seed=seed)
    if "needs: cutouts" in page.notes:
        _bring_cutouts(reader)
    reader.follow(page)


def _bring_cutouts(reader: Reader) -> None:
    """Train a run, and lay out images as an astronomer has them: a folder, a zip, a table, FITS."""
    # Conformal sets need 30 validation samples.
    reader.command("galaxynet train galaxy_alexnet --dataset galaxy-sim --epochs 1 --validation 0.75 -q")
    with zipfile.ZipFile(reader.data / "galaxy-sim" / "images_training_rev1.zip") as archive:
        images = [archive.read(name) for name in archive.namelist() if name.endswith(".jpg")][:6]
    for folder in ("cutouts", "big"):
        (reader.folder / folder).mkdir()
        for number, image in enumerate(images):
            (reader.folder / folder / f"{number}.jpg").write_bytes(image)
    (reader.folder / "cutouts" / "cut.jpg").write_bytes(images[0][:500])
    (reader.folder / "a.jpg").write_bytes(images[0])
    fits.PrimaryHDU(np.random.default_rng(0).normal(1, 0.1, (3, 64, 64))).writeto(reader.folder / "b.fits")
    with zipfile.ZipFile(reader.folder / "survey.zip", "w") as archive:
        for number, image in enumerate(images):
            archive.writestr(f"{number}.jpg", image)
    rows = [f"g{number},big/{number}.jpg,{5 + number}" for number in range(len(images))]
    (reader.folder / "targets.csv").write_text("\n".join(["id,file,petro_r90", *rows]))
    _bring_labels(reader, len(images))
    (reader.folder / "pile").mkdir()
    with zipfile.ZipFile(reader.data / "galaxy-sim" / "images_training_rev1.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        for number, name in enumerate(names[:12]):  # half of them have a label
            (reader.folder / "pile" / f"{number}.jpg").write_bytes(archive.read(name))


def _bring_labels(reader: Reader, count: int) -> None:
    """Labels of these images, and the same galaxies as cubes of three bands."""
    names = [f"{number},{'disk' if number % 2 else 'smooth'}" for number in range(count)]
    (reader.folder / "mine.csv").write_text("\n".join(["name,label", *names]))
    (reader.folder / "labelled.csv").write_text(
        "\n".join(["file,label", *(f"big/{name}".replace(",", ".jpg,") for name in names)])
    )
    (reader.folder / "test.csv").write_text("name\n0\n1\n")
    (reader.folder / "cubes").mkdir()
    for number in range(count):
        cube = fits.PrimaryHDU(np.random.default_rng(number).normal(1, 0.1, (3, 64, 64)))
        cube.header["BANDS"] = "gri"
        cube.writeto(reader.folder / "cubes" / f"{number}.fits")


def _bring(source: Path, reader: Reader) -> None:
    """Put the published files of a dataset where a user might already have them."""
    if not source.is_dir():
        pytest.skip(f"no real data at {source}")
    folder = reader.home / "Downloads" / source.name
    folder.mkdir(parents=True)
    for path in source.iterdir():
        (folder / path.name).symlink_to(path.resolve())


def _shorten(folder: Path) -> None:
    """Keep the first images and labels of idx files, and the first chapters of a novel.

    They are enough to see that a command works.
    """
    for novel in folder.glob("*.txt"):
        text = novel.read_text(encoding="utf-8")
        novel.unlink()  # it may be a link to the real file
        novel.write_text(text[:CHARACTERS], encoding="utf-8")
    for part, kept in IMAGES.items():
        for name, axes in (("images-idx3", 3), ("labels-idx1", 1)):
            path = folder / f"{part}-{name}-ubyte.gz"
            if path.is_file():
                path.write_bytes(gzip.compress(idx_bytes(read_idx(path, axes)[:kept])))


def _download(source: Path, reader: Reader) -> None:
    """Put a small part of the real archives where a browser would have put them."""
    downloads = reader.home / "Downloads"
    downloads.mkdir()
    if not source.is_dir():
        pytest.skip(f"no real galaxies at {source}")
    for table in source.glob("*.csv"):
        (downloads / table.name).symlink_to(table.resolve())
    shutil.copy(source / "training_solutions_rev1.zip", downloads)
    with zipfile.ZipFile(downloads / "training_solutions_rev1.zip") as archive:
        votes = io.StringIO(archive.read("training_solutions_rev1.csv").decode())
    voted = {row["GalaxyID"] for row in csv.DictReader(votes)}
    with (source / "fair_test_ids.csv").open() as stream:
        fair = {row["GalaxyID"] for row in csv.DictReader(stream)}
    with (
        zipfile.ZipFile(source / "images_training_rev1.zip") as archive,
        zipfile.ZipFile(downloads / "images_training_rev1.zip", "w") as selection,
    ):
        names = [name for name in archive.namelist() if Path(name).stem in voted]
        tested = [name for name in names if Path(name).stem in fair][:TESTED]
        others = [name for name in names if Path(name).stem not in fair][: GALAXIES - TESTED]
        for name in (*tested, *others):
            selection.writestr(name, archive.read(name))
    with (
        zipfile.ZipFile(source / "images_test_rev1.zip") as archive,
        zipfile.ZipFile(downloads / "images_test_rev1.zip", "w") as selection,
    ):
        for name in [name for name in archive.namelist() if name.endswith(".jpg")][:TESTED]:
            selection.writestr(name, archive.read(name))
    (reader.folder / "test_ids.csv").write_text("\n".join(["GalaxyID", *(Path(n).stem for n in tested)]))
