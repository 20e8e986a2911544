"""The preprocessing belongs to the run: training and use make the same inputs."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import galaxynet
from galaxynet.errors import RunError
from galaxynet.images.preprocessing import Preprocessing
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.runs import Run
from galaxynet_galaxy_zoo.datamodule import GalaxyZooData
from galaxynet_galaxy_zoo.options import GalaxyZooOptions


def data_of(run: Run) -> GalaxyZooData:
    data = GalaxyZooData(
        GalaxyZooOptions.from_dict(run.record.options.dataset),
        data_dir=run.path.parents[1] / "data",
        validation=run.record.options.training["validation"],
    )
    data.setup()
    return data


def test_training_and_use_make_the_same_pixels_and_logits(trained: Run) -> None:
    """For the same galaxies in the same batches, inputs and logits agree to the last bit."""
    data = data_of(trained)
    preprocessing = Preprocessing.from_dict(trained.record.preprocessing)
    network = applied_network(trained, accelerator="cpu")
    with zipfile.ZipFile(data.folder / "images_training_rev1.zip") as archive:
        files = {int(Path(name).stem): archive.read(name) for name in archive.namelist()}
    with torch.inference_mode():
        for batch in data.test_dataloader():
            pixels = np.stack([preprocessing.prepare(files[data.ids[row]]).pixels for row in batch.indices])
            assert np.array_equal(pixels, data.data.images[batch.indices.numpy()])
            inputs = network.inputs(pixels)
            assert torch.equal(inputs, batch.inputs)
            assert torch.equal(network.task(inputs), network.task(batch.inputs))


def test_the_probabilities_are_those_of_the_test(trained: Run, tmp_path: Path) -> None:
    """What `predict` gives for the test galaxies is what the training wrote of them."""
    recorded = trained.predictions()
    data = data_of(trained)
    with zipfile.ZipFile(data.folder / "images_training_rev1.zip") as archive:
        archive.extractall(tmp_path)
    paths = [tmp_path / "images_training_rev1" / f"{galaxy}.jpg" for galaxy in recorded.ids]
    table = galaxynet.load(trained).predict(paths)
    assert list(table["id"]) == list(recorded.ids)
    probabilities = np.stack([table[f"p_{name}"] for name in recorded.classes], axis=1)
    np.testing.assert_allclose(probabilities, np.array(recorded.probabilities), atol=2e-6)
    assert list(table["label"]) == list(recorded.predictions)


def test_a_run_needs_no_dataset(trained: Run, cutouts: Path, tmp_path: Path) -> None:
    """A copy of the run folder alone, on a machine without the data, predicts the same."""
    images = sorted(cutouts.glob("*.jpg"))
    copy = shutil.copytree(trained.path, tmp_path / "elsewhere" / trained.path.name)
    here, there = galaxynet.load(trained).predict(images), galaxynet.load(copy).predict(images)
    for name in here.names:
        assert np.array_equal(here[name], there[name]), name


def test_a_record_without_preprocessing_is_refused(trained: Run, tmp_path: Path) -> None:
    """A run of an older version is refused in a sentence, and so are values that cannot be."""
    copy = shutil.copytree(trained.path, tmp_path / trained.path.name)
    record = json.loads((copy / "run.json").read_text())
    for values, reason in (
        ({}, "keeps no preprocessing"),
        ({**record["preprocessing"], "width": 10**9}, "damaged"),
        ({**record["preprocessing"], "std": [0]}, "damaged"),
        ({**record["preprocessing"], "channels": "rgb"}, "does not fit its network"),
    ):
        (copy / "run.json").write_text(json.dumps({**record, "preprocessing": values}))
        with pytest.raises(RunError, match=reason):
            galaxynet.load(copy).predict([np.zeros((60, 60), np.uint8)])
