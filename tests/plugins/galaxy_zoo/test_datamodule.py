"""The data module of the galaxies, on small archives."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from zoo_files import jpeg, make_zoo, picture, write_csv, write_images

from galaxynet.data.batches import Normalization
from galaxynet.errors import DataError
from galaxynet_galaxy_sim import SPEC as GALAXY_SIM
from galaxynet_galaxy_sim.data import GalaxySimData
from galaxynet_galaxy_zoo import GALAXY_ZOO
from galaxynet_galaxy_zoo.check import check
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData
from galaxynet_galaxy_zoo.options import GalaxyZooOptions


def galaxies(data_dir: Path, kind: type[GalaxyZooData] = GalaxyZooData, **options: Any) -> GalaxyZooData:
    module = kind(
        GalaxyZooOptions(**{"size": 16, **options}), data_dir=data_dir, batch_size=8, validation=0.2, seed=1
    )
    module.prepare_data()
    module.setup("fit")
    return module


def own_table(path: Path) -> Path:
    """Labels x and y by turns for the first twenty galaxies."""
    return write_csv(path, "GalaxyID,label", [f"{id_},{'xy'[id_ % 2]}" for id_ in range(100, 120)])


def test_archives_become_batches(tmp_path: Path) -> None:
    """From the two archives to normalised batches with the right labels, for the simulated dataset too."""
    make_zoo(tmp_path / "galaxy-sim")
    module = galaxies(tmp_path, GalaxySimData, channels="rgb")
    assert module.info.dataset == "galaxy-sim"
    assert module.info.input_shape == (3, 16, 16)
    assert module.sizes == {"train": 17, "validation": 4, "test": 9}
    names = ("Class1.1", "Class1.2", "Class6.1")  # the votes of the archive, by turns
    for batch in module.train_dataloader():
        assert batch.inputs.dtype == torch.float32
        for target, row in zip(batch.targets.tolist(), batch.indices.tolist(), strict=True):
            assert module.info.classes[target] == names[(int(module.ids[row]) - 100) % 3]


def test_inputs_have_mean_zero_and_deviation_one(tmp_path: Path) -> None:
    """The training part is normalised channel by channel, and the figures are kept with the weights."""
    make_zoo(tmp_path / "galaxy-zoo")
    module = galaxies(tmp_path, channels="rgb", crop=32)
    inputs = torch.cat([batch.inputs for batch in module.train_dataloader()])
    assert torch.allclose(inputs.mean((0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(inputs.std((0, 2, 3)), torch.ones(3), atol=1e-3)
    extra = module.info.extra
    assert len(extra["mean"]) == len(extra["std"]) == 3
    assert (extra["crop"], extra["width"]) == (32, 64)


def test_normalization_measures_what_numpy_measures() -> None:
    """Mean and deviation are those of the images, computed without loss in integers."""
    images = np.random.default_rng(1).integers(0, 256, (40, 9, 9, 2), dtype=np.uint8)
    normalization = Normalization.measured(images, np.arange(5, 35))
    assert np.allclose(normalization.mean, images[5:35].mean((0, 1, 2)))
    assert np.allclose(normalization.std, images[5:35].std((0, 1, 2)))
    black = Normalization.measured(np.zeros((3, 4, 4, 1), np.uint8), np.arange(3))
    assert black.std == (1.0,)


def test_augment_changes_the_training_part_alone(tmp_path: Path) -> None:
    """With `augment` the training images move; validation and test images never do."""
    make_zoo(tmp_path / "galaxy-zoo")
    plain, moved = galaxies(tmp_path), galaxies(tmp_path, augment=True)
    for loader in ("val_dataloader", "test_dataloader"):
        pairs = zip(getattr(plain, loader)(), getattr(moved, loader)(), strict=True)
        assert all(torch.equal(plain_batch.inputs, moved_batch.inputs) for plain_batch, moved_batch in pairs)
    plain_batch, moved_batch = next(iter(plain.train_dataloader())), next(iter(moved.train_dataloader()))
    assert torch.equal(plain_batch.indices, moved_batch.indices)
    assert not torch.allclose(plain_batch.inputs, moved_batch.inputs, atol=0.05)


@pytest.mark.promise("Inputs")
def test_a_corrupt_image_is_named_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged JPEG does not stop a training: it is named, left out and counted in the record."""
    folder = make_zoo(tmp_path / "galaxy-zoo")
    images = {f"{id_}.jpg": jpeg(picture(id_, 64)) for id_ in range(100, 130)}
    images["117.jpg"] = images["117.jpg"][:500]
    write_images(folder / "images_training_rev1.zip", images)
    module = galaxies(tmp_path)
    assert "117.jpg: a damaged or incomplete JPEG: its header is damaged" in capsys.readouterr().err
    assert module.summary["images"] == 29
    assert module.summary["images_left_out"] == 1
    assert 117 not in module.ids


@pytest.mark.promise("Inputs")
def test_a_truncated_image_is_counted_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An image that was cut off before its end marker was put back is named and counted, not trained on."""
    folder = make_zoo(tmp_path / "galaxy-zoo")
    images = {f"{id_}.jpg": jpeg(picture(id_, 64)) for id_ in range(100, 130)}
    images["117.jpg"] = images["117.jpg"][:-80] + b"\xff\xd9"
    write_images(folder / "images_training_rev1.zip", images)
    module = galaxies(tmp_path)
    message = "117.jpg: a damaged or incomplete JPEG: Corrupt JPEG data: premature end"
    assert message in capsys.readouterr().err
    assert module.summary["images_left_out"] == 1
    assert 117 not in module.ids


def test_labels_choose_the_classes(tmp_path: Path) -> None:
    """The same images serve plurality, the five-class rule and a user's label table."""
    make_zoo(tmp_path / "galaxy-zoo")
    assert galaxies(tmp_path).info.classes[4] == "Class6.2"
    assert galaxies(tmp_path, labels="morphology5").summary["labelled"] == 20
    own = own_table(tmp_path / "own.csv")
    assert galaxies(tmp_path, labels=str(own)).info.classes == ("x", "y")
    assert len(list((tmp_path / "galaxy-zoo" / "arrays").glob("[!.]*"))) == 1


def test_a_table_of_ones_own_needs_no_votes(tmp_path: Path) -> None:
    """A user with their own labels does not need Kaggle's solutions."""
    folder = make_zoo(tmp_path / "galaxy-zoo")
    (folder / "training_solutions_rev1.zip").unlink()
    own = own_table(tmp_path / "own.csv")
    assert galaxies(tmp_path, labels=str(own)).summary["labelled"] == 20
    with pytest.raises(
        DataError, match=r"training_solutions_rev1.zip is missing.*galaxynet fetch galaxy-zoo"
    ):
        galaxies(tmp_path)


def test_data_that_are_not_there_name_the_command_that_fetches_them(tmp_path: Path) -> None:
    """Training on what was never fetched says which command fetches it, for either dataset."""
    with pytest.raises(DataError, match="galaxynet fetch galaxy-zoo"):
        galaxies(tmp_path)
    with pytest.raises(DataError, match="galaxynet fetch galaxy-sim"):
        galaxies(tmp_path, GalaxySimData)


def test_a_misspelt_rule_is_one_sentence(tmp_path: Path) -> None:
    """`--labels` that is neither a rule nor a file says what it takes."""
    make_zoo(tmp_path / "galaxy-zoo")
    with pytest.raises(DataError, match="plurality, morphology5, votes, or a CSV file"):
        galaxies(tmp_path, labels="plurlity")


def test_the_second_start_is_immediate(tmp_path: Path) -> None:
    """Opening prepared images and dividing 2,000 galaxies takes a fraction of a second."""
    make_zoo(tmp_path / "galaxy-zoo")
    galaxies(tmp_path)
    started = time.perf_counter()
    galaxies(tmp_path)
    assert time.perf_counter() - started < 0.5


@pytest.mark.promise("Measurements")
def test_the_parts_do_not_depend_on_the_training_seed(tmp_path: Path) -> None:
    """Only `--split-seed` changes the test part, so runs with several seeds are comparable."""
    make_zoo(tmp_path / "galaxy-zoo")
    module = galaxies(tmp_path)
    other = GalaxyZooData(module.options, data_dir=tmp_path, batch_size=4, validation=0.2, seed=99)
    other.setup()
    assert other.test_ids == module.test_ids
    assert other.sizes == module.sizes
    assert galaxies(tmp_path, split_seed=1).test_ids != module.test_ids


def test_the_check_says_what_belongs_together(tmp_path: Path) -> None:
    """After a fetch one reads how many galaxies have image and votes, what is missing, whether sums hold."""
    folder = make_zoo(tmp_path / "galaxy-zoo")
    image = jpeg(picture(0, 48))
    write_images(folder / "images_training_rev1.zip", {f"{id_}.jpg": image for id_ in range(110, 150)})
    lines = check(folder)
    assert "40 images, 30 rows of votes: 20 galaxies have both" in lines[0]
    assert "20 images have no votes, 10 rows no image" in lines[0]
    assert "do not add up" in lines[1]
    assert "--labels" in lines[2]
    (folder / "images_training_rev1.zip").unlink()
    with pytest.raises(DataError, match=r"images_training_rev1.zip is missing"):
        check(folder)


@pytest.mark.promise("Fetching")
@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ({"110.jpg": b"", "111.jpg": b"no JPEG"}, "cannot be read"),
        ({"110.jpg": jpeg(picture(0, 48))}, "train"),
        ({"110.jpg": jpeg(picture(0, 48, 40))}, "not square"),
        ({"990.jpg": jpeg(picture(0, 48)), "991.jpg": jpeg(picture(0, 48))}, "has an image"),
    ],
    ids=["no JPEGs", "one class", "not square", "without votes"],
)
def test_the_check_refuses_what_training_refuses(
    tmp_path: Path, images: dict[str, bytes], reason: str
) -> None:
    """Galaxies that training would refuse are refused when they are fetched."""
    folder = make_zoo(tmp_path / "galaxy-zoo")
    write_images(folder / "images_training_rev1.zip", images)
    with pytest.raises(DataError, match=reason) as checked:
        check(folder)
    data = GalaxyZooData(GalaxyZooOptions(), data_dir=tmp_path)
    with pytest.raises(DataError) as trained:
        data.load()
    assert str(checked.value) == str(trained.value)


def test_the_specs_describe_the_files_that_are_read() -> None:
    """Both datasets name the archives, and only the real one asks Kaggle."""
    for spec in (GALAXY_ZOO, GALAXY_SIM):
        assert {"images_training_rev1.zip", "training_solutions_rev1.zip"} <= {
            file.name for file in spec.files
        }
        assert spec.options is GalaxyZooOptions


def test_specs_and_check_are_quick_to_import() -> None:
    """Listing datasets loads no numerical library, and the check after a fetch no torch."""
    code = (
        "import sys, galaxynet_galaxy_zoo; first = set(sys.modules)\n"
        "import galaxynet_galaxy_zoo.check\n"
        "assert not first & {'torch', 'lightning', 'numpy', 'cv2', 'pydantic'}, first\n"
        "assert not set(sys.modules) & {'torch', 'lightning'}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
