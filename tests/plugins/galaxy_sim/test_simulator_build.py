"""The archives of a simulated survey."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import multiprocessing
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from galaxynet.errors import OptionError
from galaxynet.images.votes import check_votes
from galaxynet_galaxy_sim import build
from galaxynet_galaxy_sim.build import simulate
from galaxynet_galaxy_sim.options import SimulatorOptions
from galaxynet_galaxy_zoo.tree import TREE
from galaxynet_galaxy_zoo.votes import COLUMNS


def survey(folder: Path, **options: int) -> Path:
    folder.mkdir()
    simulate(folder, SimulatorOptions(**options))
    return folder


def images(folder: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(folder / "images_training_rev1.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".jpg")}


def rows(folder: Path) -> list[list[str]]:
    with zipfile.ZipFile(folder / "training_solutions_rev1.zip") as archive:
        return list(csv.reader(io.StringIO(archive.read("training_solutions_rev1.csv").decode())))


@pytest.mark.promise("Measurements")
def test_same_seed_same_bytes(tmp_path: Path) -> None:
    """Simulating twice with one seed writes the same files to the byte."""
    first = survey(tmp_path / "first", count=10, seed=3)
    again = survey(tmp_path / "again", count=10, seed=3)
    other = survey(tmp_path / "other", count=10, seed=4)
    for name in ("images_training_rev1.zip", "training_solutions_rev1.zip"):
        assert (first / name).read_bytes() == (again / name).read_bytes()
        assert (first / name).read_bytes() != (other / name).read_bytes()


def test_small_survey_is_the_beginning_of_a_large_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first galaxies do not depend on the count, nor on how many processes draw them."""
    monkeypatch.setattr(build, "_cores", lambda: 2)
    few, many = survey(tmp_path / "few", count=10), survey(tmp_path / "many", count=36)
    assert len(images(many)) == 36
    assert list(images(many).items())[:10] == list(images(few).items())
    assert rows(many)[:11] == rows(few)


def test_archives_look_like_the_competitions(tmp_path: Path) -> None:
    """Frames are 424 x 424 colour JPEGs, stored, under rising six-digit numbers, one for each row."""
    folder = survey(tmp_path / "survey", count=12, seed=1)
    table = rows(folder)
    assert table[0] == ["GalaxyID", *COLUMNS]
    ids = [row[0] for row in table[1:]]
    assert ids == sorted(set(ids), key=int)
    assert len(ids) == 12
    assert all(len(galaxy) == 6 for galaxy in ids)
    assert list(images(folder)) == [f"images_training_rev1/{galaxy}.jpg" for galaxy in ids]
    for jpeg in images(folder).values():
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (424, 424, 3)
        assert picture[200:224, 200:224].mean() > picture[:24, :24].mean() + 20
    with zipfile.ZipFile(folder / "images_training_rev1.zip") as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}


def test_written_votes_obey_the_tree(tmp_path: Path) -> None:
    """The fractions in the file, rounded as they are, add up as the decision tree demands to 1e-6."""
    table = rows(survey(tmp_path / "survey", count=20, seed=2))
    fractions = np.array([[float(value) for value in row[1:]] for row in table[1:]])
    check_votes(TREE, fractions, tolerance=1e-6)
    assert not np.isnan(fractions).any()
    assert all(len(value) <= len("0.123456789") for row in table[1:] for value in row[1:])


@pytest.mark.promise("Interruptions")
def test_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up ends a simulation with the system's error instead of a short archive."""

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space left"):
        simulate(tmp_path, SimulatorOptions(**{"count": 10}))


@pytest.mark.promise("Interruptions")
def test_interrupt_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt ends a simulation and its processes at once."""

    @contextlib.contextmanager
    def interrupted(*_arguments: object) -> Iterator[Callable[[int], None]]:
        def advance(_steps: int) -> None:
            raise KeyboardInterrupt

        yield advance

    monkeypatch.setattr(build, "_cores", lambda: 2)
    monkeypatch.setattr(build, "progress", interrupted)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path, SimulatorOptions(**{"count": 5000}))
    assert not multiprocessing.active_children()
    assert time.monotonic() - started < 30


def test_script_needs_no_main_guard(tmp_path: Path) -> None:
    """A script that simulates unguarded by `if __name__ == "__main__":` is run once, and ends."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from galaxynet_galaxy_sim import build\n"
        "from galaxynet_galaxy_sim.options import SimulatorOptions\n"
        "print('run', flush=True)\n"
        "build._cores = lambda: 2\n"
        f"build.simulate(Path({str(tmp_path)!r}), SimulatorOptions(count=40))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["run"]
    assert len(images(tmp_path)) == 40


@pytest.mark.parametrize("wrong", [{"count": 9}, {"count": 200_001}, {"seed": -1}, {"volunteers": 2}])
def test_options_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    """A survey of too few or too many galaxies, or a negative seed, is refused before anything is drawn."""
    with pytest.raises(OptionError, match=next(iter(wrong))):
        SimulatorOptions(**wrong)
