"""Galaxies without votes or labels in the training, those of the challenge's test set among them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from zoo_files import jpeg, make_zoo, picture, write_csv, write_images

from galaxynet.errors import DataError
from galaxynet_galaxy_sim.data import GalaxySimData
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData
from galaxynet_galaxy_zoo.options import GalaxyZooOptions

GALAXIES = range(100, 130)
LABELLED = range(100, 120)
TEST_SET = range(500, 512)


def galaxies(
    data_dir: Path, kind: type[GalaxyZooData] = GalaxyZooData, *, unlabelled: bool = True, **options: Any
) -> GalaxyZooData:
    module = kind(GalaxyZooOptions(**{"size": 16, **options}), data_dir=data_dir, batch_size=8)
    module.with_unlabelled = unlabelled
    module.prepare_data()
    module.setup("fit")
    return module


def zoo(data_dir: Path, name: str = "galaxy-zoo") -> Path:
    return make_zoo(data_dir / name, GALAXIES)


def write_test_set(folder: Path, ids: Iterable[int] = TEST_SET, width: int = 64) -> None:
    images = {f"{i}.jpg": jpeg(picture(i, width)) for i in ids}
    write_images(folder / "images_test_rev1.zip", images, folder="images_test_rev1/")


def own_labels(path: Path) -> Path:
    """Labels x and y by turns for the first twenty galaxies."""
    return write_csv(path, "GalaxyID,label", [f"{i},{'xy'[i % 2]}" for i in LABELLED])


def added(module: GalaxyZooData) -> set[int]:
    return {int(module.ids[row]) for row in module.data.unlabelled}


def test_both_archives_have_galaxies_without_a_label(tmp_path: Path) -> None:
    """With a table of labels, the galaxies that it does not name are added, and the challenge's test set."""
    write_test_set(zoo(tmp_path))
    labels = str(own_labels(tmp_path / "mine.csv"))
    module = galaxies(tmp_path, labels=labels)
    assert added(module) == {*range(120, 130), *TEST_SET}
    plain = galaxies(tmp_path, unlabelled=False, labels=labels)
    assert module.sizes == {**plain.sizes, "unlabelled": 22}
    assert module.test_ids == plain.test_ids
    assert module.data.normalization == plain.data.normalization
    assert module.summary["classes"] == plain.summary["classes"]


def test_galaxies_without_votes_have_unknown_ones(tmp_path: Path) -> None:
    """Beside vote fractions, galaxies without any vote or label are added; their votes are unknown."""
    write_test_set(zoo(tmp_path))
    rows = [
        *(f"{i},0.{i % 10},{1 - i % 10 / 10:.1f},0" for i in LABELLED),
        *(f"{i},,," for i in range(120, 125)),
    ]
    table = write_csv(tmp_path / "votes.csv", "GalaxyID,Class1.1,Class1.2,Class1.3", rows)
    also = write_csv(tmp_path / "also.csv", "GalaxyID,label", ["123,x", "100,y", "101,x", "102,x"])
    module = galaxies(tmp_path, labels="votes", votes=table, also=(f"shape={also}",))
    assert added(module) == {*range(120, 130), *TEST_SET} - {123}
    assert np.isnan(module.data.targets[module.data.unlabelled]).all()
    assert module.data.targets.shape == (42, 38)


def test_a_test_galaxy_never_enters(tmp_path: Path) -> None:
    """A galaxy that the test ids name is not added: not without a label, and not from the other archive."""
    folder = zoo(tmp_path)
    write_test_set(folder, [*TEST_SET, 101, 125])
    tested = write_csv(tmp_path / "test.csv", "GalaxyID", ["100", "101", "120", "121", "500"])
    labels = str(own_labels(tmp_path / "mine.csv"))
    module = galaxies(tmp_path, labels=labels, test_ids=tested)
    assert set(module.test_ids) == {100, 101}
    assert added(module) == {*range(122, 130), *range(501, 512)}
    first = list(module.ids).index(125)
    assert first in module.data.unlabelled.tolist(), "of two images of a galaxy, that beside the labelled"
    assert module.sizes["unlabelled"] == 19


def test_without_the_test_archive_its_command_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the challenge's test images are missing, a line says how to fetch them; simulated have none."""
    zoo(tmp_path)
    zoo(tmp_path, "galaxy-sim")
    labels = str(own_labels(tmp_path / "mine.csv"))
    assert galaxies(tmp_path, labels=labels).sizes["unlabelled"] == 10
    assert "galaxynet fetch galaxy-zoo --with test" in " ".join(capsys.readouterr().err.split())
    assert galaxies(tmp_path, GalaxySimData, labels=labels).sizes["unlabelled"] == 10
    assert "fetch" not in capsys.readouterr().err
    assert "unlabelled" not in galaxies(tmp_path).sizes, "each galaxy has votes"


def test_images_of_another_width_are_refused(tmp_path: Path) -> None:
    """Both archives have images of one width, or a crop would be another part of the sky."""
    write_test_set(zoo(tmp_path), width=80)
    with pytest.raises(DataError, match=r"are 80 pixels wide.*and those of images_training_rev1.zip 64"):
        galaxies(tmp_path)
