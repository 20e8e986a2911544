"""`galaxynet fetch` and `galaxynet datasets`, as installed, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

STARS = """
from galaxynet.plugin import *

class Nothing(Options):
    pass

class Sky(Options):
    count: int = option(3, "how many stars", ge=1)

SPEC = DatasetSpec(
    name="stars", summary="simulated stars", options=Nothing, module="nowhere:Module",
    files=(DataFile(name="images.zip", folder="images"),),
    sources=(Simulator(function="stars_of_a_stranger:simulate", options=Sky),),
)

def simulate(folder, options):
    import zipfile
    with zipfile.ZipFile(folder / "images.zip", "w") as archive:
        for number in range(options.count):
            archive.writestr(f"images/{number}.jpg", b"star")
"""


def galaxynet(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    command = [str(Path(sys.executable).with_name("galaxynet")), *words]
    environment = {**os.environ, "COLUMNS": "160"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def stars(distribution: Any) -> None:
    """A stranger's simulated dataset."""
    distribution(
        "stars-of-a-stranger",
        {"stars_of_a_stranger": STARS},
        {"galaxynet.datasets": {"stars": "stars_of_a_stranger:SPEC"}},
    )


@pytest.mark.usefixtures("stars")
def test_from_simulation_to_removal(tmp_path: Path) -> None:
    """A stranger's simulator gets a command with its own flags; what it made is listed, verified, removed."""
    assert "--count" in galaxynet("fetch", "stars", "--help").stdout
    assert galaxynet("fetch", "stars", "--count", "5").returncode == 0
    again = galaxynet("fetch", "stars", "--count", "5")
    assert "already present, nothing fetched" in again.stderr
    rows = json.loads(galaxynet("datasets", "--verify", "--format", "json").stdout)
    assert next(row for row in rows if row["name"] == "stars")["status"] == "verified"
    assert galaxynet("datasets", "remove", "stars", "--yes").returncode == 0
    assert not (tmp_path / "data" / "stars").exists()


@pytest.mark.usefixtures("stars")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fetch", "strs"], "There is no dataset 'strs'. Did you mean 'stars'?"),
        (["fetch", "stars", "--from", "/nowhere/at/all"], "There is no folder /nowhere/at/all."),
        (["fetch", "stars", "--link"], "--link requires --from"),
        (["fetch", "stars", "--from", ".", "--count", "2"], "cannot be used with --from"),
        (["fetch", "stars", "--source", "kaggle"], "stars has no source 'kaggle'. It has: simulator."),
        (["fetch", "stars", "--with", "more"], "no group of files called 'more'"),
        (["datasets", "remove", "stars", "--yes"], "There is no dataset 'stars' in"),
    ],
)
def test_wrong_calls_end_with_2(words: list[str], message: str) -> None:
    """A wrong call is one sentence, with exit status 2 and no traceback."""
    done = galaxynet(*words)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("stars")
def test_quiet_prints_nothing_and_dry_run_writes_nothing(tmp_path: Path) -> None:
    """`--quiet` is quiet, and `--dry-run` shows the plan without touching the disk."""
    dry = galaxynet("fetch", "stars", "--dry-run")
    assert "images.zip" in dry.stdout
    assert not (tmp_path / "data").exists()
    done = galaxynet("fetch", "stars", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_dataset_without_files_says_how_to_use_it() -> None:
    """`text` needs no fetch: that is no failure, the listing says so, and a command that runs is named."""
    done = galaxynet("fetch", "text")
    assert done.returncode == 0
    assert "galaxynet train MODEL --dataset text --help" in done.stderr
    assert "--file" in galaxynet("train", "charrnn", "--dataset", "text", "--help").stdout
    assert galaxynet("fetch", "text", "--from", ".").returncode == 2
    rows = json.loads(galaxynet("datasets", "--format", "json").stdout)
    assert next(row for row in rows if row["name"] == "text")["status"] == "nothing to fetch"


@pytest.mark.real
def test_kaggles_own_archives_are_taken(real_data: Path, tmp_path: Path) -> None:
    """The archives of the competition are taken out of a folder, counted and entered."""
    folder = real_data / "galaxy-zoo"
    done = galaxynet("fetch", "galaxy-zoo", "--from", str(folder))
    assert done.returncode == 0, done.stderr
    fetched = tmp_path / "data" / "galaxy-zoo"
    assert (fetched / "images_training_rev1.zip").stat().st_size == (
        folder / "images_training_rev1.zip"
    ).stat().st_size
    with zipfile.ZipFile(folder / "images_training_rev1.zip") as archive:
        images = sum(not member.is_dir() for member in archive.infolist())
    assert f"{images:,}" in done.stdout
    assert json.loads((fetched / "receipt.json").read_text())["dataset"] == "galaxy-zoo"


@pytest.mark.real
def test_images_without_votes_are_taken(real_data: Path, tmp_path: Path) -> None:
    """A user with their own labels can fetch the images alone; a note names the option for the labels."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "images_training_rev1.zip").symlink_to(real_data / "galaxy-zoo" / "images_training_rev1.zip")
    done = galaxynet("fetch", "galaxy-zoo", "--link", "--from", str(folder))
    assert done.returncode == 0, done.stderr
    assert "does not contain the volunteers' votes" in done.stderr
    assert re.search(r"^[\d,]+ images, no votes: .*--labels FILE.csv", done.stdout)
    (folder / "images_training_rev1.zip").unlink()
    done = galaxynet("fetch", "galaxy-zoo", "--from", str(folder), "--data-dir", str(tmp_path / "other"))
    assert done.returncode == 1
    assert "does not contain JPEG images of the galaxies" in done.stderr


@pytest.mark.real
def test_a_bundle_of_the_real_archives_is_taken_apart(real_data: Path, tmp_path: Path) -> None:
    """Kaggle's "Download all", zips within a zip, serves as well."""
    folder = real_data / "galaxy-zoo"
    bundle = tmp_path / "galaxy-zoo-the-galaxy-challenge.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        for name in ("images_training_rev1.zip", "training_solutions_rev1.zip"):
            archive.write(folder / name, name)
    done = galaxynet("fetch", "galaxy-zoo", "--from", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for name in ("images_training_rev1.zip", "training_solutions_rev1.zip"):
        assert (tmp_path / "data/galaxy-zoo" / name).read_bytes() == (folder / name).read_bytes()
