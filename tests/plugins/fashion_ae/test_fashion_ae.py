from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from idx_files import make_idx_folder
from torch import nn

import galaxynet
from galaxynet.errors import OptionError, RunError, UsageError
from galaxynet.report import figures
from galaxynet.report.figures import write_joint_figures
from galaxynet.runs import ReferenceValue
from galaxynet.runs.reconstructions import RECONSTRUCTIONS
from galaxynet.training.config import Components
from galaxynet.training.record import reference_for
from galaxynet_fashion_ae import FASHION_MNIST, SPEC, FashionAeOptions
from galaxynet_fashion_ae.data import FashionMnistData
from galaxynet_fashion_ae.network import FashionAeNetwork
from galaxynet_fashion_ae.options import FashionMnistOptions


def train(folder: Path, **options: Any) -> Any:
    return galaxynet.train(
        "fashion_ae", **{"folder": folder, "epochs": 1, "batch_size": 30, "accelerator": "cpu", **options}
    )


@pytest.mark.parametrize(
    ("code", "hidden", "units"),
    [(16, 0, [784, 16, 784]), (16, 32, [784, 32, 16, 32, 784]), (1, 0, [784, 1, 784])],
)
def test_the_layers_are_those_asked_for(code: int, hidden: int, units: list[int]) -> None:
    """784-c-784, or with --hidden 784-h-c-h-784; every layer but the last has its activation."""
    network = FashionAeNetwork((1, 28, 28), code, hidden)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]

    assert [layers[0].in_features, *(layer.out_features for layer in layers)] == units
    assert sum(isinstance(layer, nn.Sigmoid) for layer in network.modules()) == len(layers) - 1
    assert isinstance(network.decoder[-1], nn.Linear)
    assert network(torch.rand(3, 1, 28, 28)).shape == (3, 1, 28, 28)


def test_weights_start_as_in_the_cited_code() -> None:
    """All weights and biases are drawn from N(0, 1)."""
    torch.manual_seed(0)
    for parameter in FashionAeNetwork((1, 28, 28), 64).requires_grad_(False).parameters():
        assert abs(float(parameter.mean())) < 0.5
        assert float(parameter.std()) == pytest.approx(1, abs=0.3)


def test_without_options_the_cited_code_s_training_is_done() -> None:
    """Sigmoid, raw pixels, Adagrad 0.1, 100 epochs of 600 batches of 100, with no image held out."""
    options = FashionAeOptions()

    assert (options.act, options.pixels, options.optimizer, options.lr) == ("sigmoid", "raw", "adagrad", 0.1)
    assert SPEC.training["epochs"] == SPEC.training["batch_size"] == 100
    assert SPEC.training["validation"] == 0


@pytest.mark.parametrize("options", [{"code": 0}, {"hidden": -1}, {"pixels": "byte"}])
def test_options_that_make_no_network_are_refused(options: dict[str, object]) -> None:
    """A code of 0 is refused with its flag before anything is read."""
    with pytest.raises(OptionError, match="--" + next(iter(options))):
        FashionAeOptions.from_dict(options)


def test_the_published_sum_stands_beside_the_runs_it_applies_to() -> None:
    """A run with code 16 is set beside the report's epoch sum, one with another code or unit is not."""

    def published(dataset: str = "fashion-mnist", **options: Any) -> ReferenceValue | None:
        return reference_for(Components.load("fashion_ae", dataset).plan(options), "test/mse")

    reference = published(code=16, hidden=32)
    assert reference is not None
    assert (reference.metric, reference.value) == ("train/epoch_sum", 190_000)
    assert published(code=17) is None
    assert published(code=16, pixels="unit") is None
    assert published(code=16, epochs=2) is None  # the sum of the hundredth epoch is no measure of the second
    assert published(code=16, folder="mine") is None
    assert published("mnist", code=16) is None


def test_the_published_files_are_those_of_fashion_mnist() -> None:
    """Four files with the published checksums, over https first."""
    assert [file.md5 for file in FASHION_MNIST.files] == [
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ]
    assert all(mirror.startswith("https://") for mirror in FASHION_MNIST.sources[0].mirrors)  # type: ignore[attr-defined]


def test_an_autoencoder_learns(tmp_path: Path) -> None:
    """In a few epochs the error falls well below that of guessing the mean image."""
    folder = make_idx_folder(tmp_path / "idx", train=60)
    run = train(folder, code=12, pixels="unit", optimizer="adam", lr=0.02, epochs=60, batch_size=10)
    rows = run.metrics()

    assert rows[-1]["train/mse"] < 0.1 * rows[0]["train/mse"]


def test_several_runs_are_drawn_side_by_side(tmp_path: Path) -> None:
    """`figures RUN RUN RUN --kind reconstructions` has a row of originals, and one for each run."""
    folder = make_idx_folder(tmp_path / "idx")
    runs = [train(folder, code=code, name=f"c{code}") for code in (2, 3)]
    assert "reconstructions" in figures.names(runs[0])

    figure = figures.draw(runs, "reconstructions")

    grid = [axes for axes in figure.axes if axes.images]
    assert len(grid) == 3 * 10
    shown = np.asarray(grid[0].images[0].get_array())
    batch = next(iter(_data(folder).test_dataloader()))
    np.testing.assert_allclose(shown, 255 * batch.inputs[0, 0].numpy(), atol=1e-3)
    assert [axes.get_ylabel() for axes in grid[::10]] == ["original", "code 2", "code 3"]
    figures.save(figure, tmp_path / "figure.svg")


def test_the_rows_of_a_figure_stand_close_and_its_words_apart(tmp_path: Path) -> None:
    """One run's rows are as near each other as three runs'; no words touch each other, images or the edge."""
    folder = make_idx_folder(tmp_path / "idx")
    runs = [train(folder, code=code, name=f"c{code}{'-long' * 15}") for code in (2, 3, 4)]
    distances = set()
    for drawn in (runs[:1], runs):
        figure = figures.draw(drawn, "reconstructions")
        title, footer = (text.get_window_extent() for text in figure.texts)
        columns = [axes.get_window_extent() for axes in figure.axes[::10]]
        distances |= {round(upper.y0 - lower.y1, 1) for upper, lower in itertools.pairwise(columns)}
        names = [axes.title.get_window_extent() for axes in figure.axes[:10]]
        assert max(name.y1 for name in names) + 5 < title.y0 < title.y1 < figure.bbox.y1 - 5
        assert 5 < footer.y0 < footer.y1 < columns[-1].y0 - 5
        labels = [text for axes in figure.axes[::10] for text in (axes.yaxis.label, *axes.texts)]
        assert all(5 < text.get_window_extent().x0 < columns[0].x0 for text in labels)
        assert max(axes.get_window_extent().x1 for axes in figure.axes) < figure.bbox.x1 - 5
    assert len(distances) == 1


def test_what_cannot_be_drawn_together_is_said_and_costs_the_others_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Runs on different images share learning curves; why they share no row of originals is a note."""
    runs = [train(make_idx_folder(tmp_path / str(seed), seed=seed), code=2) for seed in (0, 1)]
    capsys.readouterr()

    written = write_joint_figures(runs, tmp_path / "out", "fashion_ae", formats=["png"])

    assert [path.name for path in written] == ["fashion_ae-learning-curves.png"]
    assert "no joint figure reconstructions of these 2 runs" in capsys.readouterr().err
    same = [runs[0], train(tmp_path / "0", code=3)]
    names = [path.name for path in write_joint_figures(same, tmp_path / "out", "fashion_ae", formats=["png"])]
    assert "fashion_ae-reconstructions.png" in names
    with pytest.raises(UsageError, match="no figure 'pie'"):
        write_joint_figures(same, tmp_path / "out", "fashion_ae", ["pie"])
    with pytest.raises(UsageError, match=r"no figure 'confusion'.*: learning-curves, reconstructions"):
        figures.draw(same, "confusion")


def test_runs_on_different_images_are_not_drawn_together(tmp_path: Path) -> None:
    """Decodings of other images than the originals above them would mislead: it is refused."""
    runs = [train(make_idx_folder(tmp_path / str(seed), seed=seed), code=2) for seed in (0, 1)]

    with pytest.raises(RunError, match="different images"):
        figures.draw(runs, "reconstructions")


def test_the_figure_needs_neither_data_nor_weights(tmp_path: Path) -> None:
    """A run is drawn where data and checkpoint are gone; without its kept images it says so."""
    folder = make_idx_folder(tmp_path / "idx")
    run = train(folder, code=2)
    for path in [*folder.iterdir(), *run.checkpoints.iterdir()]:
        path.unlink()

    assert figures.draw(run, "reconstructions").axes
    (run.path / RECONSTRUCTIONS).unlink()
    with pytest.raises(RunError, match=r"reconstructions\.npz is missing"):
        figures.draw(run, "reconstructions")


def test_the_digits_can_be_encoded_as_well(tmp_path: Path) -> None:
    """`--dataset mnist` trains the same network on another dataset of images."""
    run = train(make_idx_folder(tmp_path / "idx"), dataset="mnist", code=3, act="relu", hidden=5)

    assert run.record.dataset.name == "mnist"
    assert run.record.parameters == 785 * 5 + 6 * 3 + 4 * 5 + 6 * 784


def _data(folder: Path) -> FashionMnistData:
    data = FashionMnistData(FashionMnistOptions(folder=folder), data_dir=folder.parent)
    data.setup("fit")
    return data


@pytest.mark.real
def test_the_real_clothes_are_read(real_data: Path) -> None:
    """The official files give 6,000 training and 1,000 test images of each of the ten classes."""
    data = FashionMnistData(FashionMnistOptions(), data_dir=real_data, validation=0.0)
    data.setup("fit")

    assert data.sizes == {"train": 60_000, "validation": 0, "test": 10_000}
    assert np.bincount(data.data.targets[data.data.split.test]).tolist() == [1000] * 10
    assert data.info.classes[9] == "Ankle boot"
