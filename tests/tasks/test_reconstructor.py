from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from idx_files import make_idx_folder

import galaxynet
from galaxynet.data.batches import Batch
from galaxynet.data.idx import read_idx
from galaxynet.errors import RunError
from galaxynet.plugin import DataInfo
from galaxynet.runs.reconstructions import RECONSTRUCTIONS, ReconstructedSamples
from galaxynet_fashion_ae import FashionAeOptions
from galaxynet_fashion_ae.model import FashionAe


def train(folder: Path, **options: Any) -> Any:
    return galaxynet.train(
        "fashion_ae",
        **{"folder": folder, "epochs": 2, "batch_size": 25, "code": 4, "accelerator": "cpu", **options},
    )


def test_the_epoch_sum_is_that_of_the_batches(tmp_path: Path) -> None:
    """`train/epoch_sum` adds up the mean squared errors of the batches, the small last one as well."""
    run = train(make_idx_folder(tmp_path / "idx"), lr=1e-12, epochs=1)  # 60 images: 25, 25 and 10
    network = FashionAe.load_from_checkpoint(
        run.checkpoint("last"),
        options=FashionAeOptions.from_dict(run.record.options.model),
        data_info=DataInfo("fashion-mnist", (1, 28, 28)),
        weights_only=True,
    )
    data = galaxynet_data(tmp_path / "idx")
    with torch.no_grad():
        losses = [float(network.training_step(batch, 0)) for batch in data.train_dataloader()]

    assert run.record.metrics["train/epoch_sum"] == pytest.approx(sum(losses), rel=1e-4)
    weighted = (25 * losses[0] + 25 * losses[1] + 10 * losses[2]) / 60
    assert run.record.metrics["train/mse"] == pytest.approx(weighted, rel=1e-4)


def galaxynet_data(folder: Path) -> Any:
    from galaxynet_fashion_ae.data import FashionMnistData
    from galaxynet_fashion_ae.options import FashionMnistOptions

    data = FashionMnistData(
        FashionMnistOptions(folder=folder), data_dir=folder.parent, batch_size=25, validation=0.0
    )
    data.setup("fit")
    return data


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(pixels=st.sampled_from(["raw", "unit"]), seed=st.integers(0, 1000))
def test_the_error_is_in_grey_levels_whatever_the_network_is_given(pixels: Any, seed: int) -> None:
    """Networks on 0 to 255 and on 0 to 1 report their error in one unit, so they can be compared."""
    torch.manual_seed(seed)
    network = FashionAe(FashionAeOptions(code=3, pixels=pixels), DataInfo("d", (1, 5, 4)))
    images = torch.rand(6, 1, 5, 4)
    batch = Batch(images, torch.zeros(6, dtype=torch.int64), torch.arange(6))

    loss = network.training_step(batch, 0)
    decoded = network(network.scaled(images)) * network.to_pixels

    expected = float(((decoded - 255 * images) ** 2).mean().detach())
    assert float(loss.detach()) * network.to_pixels**2 == pytest.approx(expected, rel=1e-4)


def test_the_run_keeps_test_images_and_what_came_back(tmp_path: Path) -> None:
    """The run folder has the first test images, in grey levels, and their decodings, with id and class."""
    folder = make_idx_folder(tmp_path / "idx", test=80)
    run = train(folder)
    kept = ReconstructedSamples.read(run.path / RECONSTRUCTIONS)
    images = read_idx(folder / "t10k-images-idx3-ubyte.gz", axes=3)

    assert len(kept.ids) == 64
    np.testing.assert_allclose(kept.originals[:, 0], images[:64], atol=1e-3)
    assert [identifier[-5:] for identifier in kept.ids] == [f"{number:05d}" for number in range(64)]
    assert list(kept.classes[:2]) == ["T-shirt/top", "Trouser"]
    assert run.record.task == "reconstruction"
    assert run.record.metric == "test/mse"
    assert not run.record.higher_is_better
    assert run.record.baseline is None


def test_validation_chooses_the_epoch_of_the_smallest_error(tmp_path: Path) -> None:
    """With a validation part, the best checkpoint is that of the smallest validation error."""
    run = train(make_idx_folder(tmp_path / "idx"), validation=0.2, epochs=3, pixels="unit", lr=0.5)
    errors = [row["val/mse"] for row in run.metrics()]

    assert run.record.metrics["best/val/mse"] == pytest.approx(min(errors))


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_file_of_reconstructions_is_named(damage: str, tmp_path: Path) -> None:
    """A file that is gone, cut short or something else is refused in a sentence."""
    path = tmp_path / RECONSTRUCTIONS
    images = np.zeros((2, 1, 3, 3), np.float32)
    ReconstructedSamples(["a", "b"], ["", ""], images, images).write(path)
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        np.savez(path, ids=np.array(["a"]), classes=np.array([""]), originals=images, decodings=images)

    with pytest.raises(RunError, match=r"reconstructions\.npz is (missing|damaged)"):
        ReconstructedSamples.read(path)
