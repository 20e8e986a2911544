from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from idx_files import idx_bytes, make_idx_folder
from torch import nn

import galaxynet
from galaxynet.data.idx_images import describe
from galaxynet.errors import DataError, OptionError, RunError
from galaxynet.plugin import DataInfo
from galaxynet.report import figures
from galaxynet_mnist_cnn import MNIST, SPEC, MnistCnnOptions
from galaxynet_mnist_cnn.data import MnistData
from galaxynet_mnist_cnn.figures import first_kernels
from galaxynet_mnist_cnn.model import MnistCnn
from galaxynet_mnist_cnn.network import MnistCnnNetwork
from galaxynet_mnist_cnn.options import MnistOptions

_INFO = DataInfo("mnist", (1, 28, 28), tuple("0123456789"))


def data(folder: Path | None, data_dir: Path, **options: Any) -> MnistData:
    module = MnistData(MnistOptions(folder=folder), data_dir=data_dir, **options)
    module.setup("fit")
    return module


def test_images_are_known_by_all_of_them(tmp_path: Path) -> None:
    """Another training image, or another label of one, changes the digest in the record."""
    before = data(make_idx_folder(tmp_path / "own"), tmp_path).summary
    assert data(tmp_path / "own", tmp_path, seed=5).summary == before
    digests = {before["digest"]}
    for name, values in (
        ("train-images-idx3-ubyte.gz", np.zeros((60, 28, 28), np.uint8)),
        ("train-labels-idx1-ubyte.gz", np.zeros(60, np.uint8)),
    ):
        (tmp_path / "own" / name).write_bytes(gzip.compress(idx_bytes(values)))
        digests.add(data(tmp_path / "own", tmp_path).summary["digest"])
    assert len(digests) == 3


def test_the_network_has_the_tutorial_s_parameters() -> None:
    """It is the tutorial's network: 93,322 parameters for ten classes of 28 x 28 gray pixels."""
    network = MnistCnnNetwork((1, 28, 28), 10)

    assert sum(weights.numel() for weights in network.parameters()) == 93_322


@pytest.mark.parametrize("side", [18, 19, 28, 41])
def test_images_of_other_sizes_are_classified(side: int) -> None:
    """Any image of 18 pixels or more is taken, square or not."""
    assert MnistCnnNetwork((3, side, 30), 7)(torch.zeros(2, 3, side, 30)).shape == (2, 7)


def test_images_that_are_too_small_are_refused() -> None:
    """Below 18 pixels nothing would be left after the last convolution; a sentence says so."""
    with pytest.raises(DataError, match="at least 18 x 18 pixels; these have 17 x 28"):
        MnistCnnNetwork((1, 28, 17), 10)


def test_the_activation_reaches_every_hidden_layer() -> None:
    """`--act tanh` replaces all four activations, as the report's experiment did."""
    network = MnistCnnNetwork((1, 28, 28), 10, act="tanh")

    assert sum(isinstance(layer, nn.Tanh) for layer in network.modules()) == 4
    assert not any(isinstance(layer, nn.ReLU) for layer in network.modules())


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 30))
def test_softplus_is_lost_as_keras_would(seed: int, scale: float) -> None:
    """With --output softplus the loss is Keras' cross-entropy: cut off at 1e-7, then divided."""
    logits = scale * np.random.default_rng(seed).normal(size=(4, 10))
    targets = np.arange(4)
    outputs = np.log1p(np.exp(logits)).clip(1e-7, 1 - 1e-7)
    expected = -np.log(outputs[np.arange(4), targets] / outputs.sum(axis=1)).mean()
    network = MnistCnn(MnistCnnOptions(output="softplus"), _INFO)

    loss = network.loss(torch.from_numpy(logits).float(), torch.from_numpy(targets))

    assert float(loss.detach()) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_softplus_pushes_no_output_that_exceeds_one() -> None:
    """What the help says of softplus is so: an output above 1 has no gradient, one below has."""
    network = MnistCnn(MnistCnnOptions(output="softplus"), _INFO)
    logits = torch.tensor([[3.0, 2.0, -1.0, 0.0, *[-9.0] * 6]], requires_grad=True)

    network.loss(logits, torch.tensor([0])).backward()

    assert logits.grad is not None
    assert logits.grad[0, :2].tolist() == [0, 0]
    assert bool((logits.grad[0, 2:4] > 0).all())


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10_000), offset=st.floats(-200, 50))
def test_probabilities_of_softplus_name_the_class_that_is_counted(seed: int, offset: float) -> None:
    """Probabilities add up to one, and their largest is the answer whose accuracy is reported."""
    logits = torch.from_numpy(np.random.default_rng(seed).normal(offset, 8, (5, 10))).float()
    probabilities = MnistCnn(MnistCnnOptions(output="softplus"), _INFO).probabilities(logits)

    torch.testing.assert_close(probabilities.sum(1), torch.ones(5))
    best = logits.argmax(1, keepdim=True)
    torch.testing.assert_close(probabilities.gather(1, best)[:, 0], probabilities.max(1).values)


def test_the_published_files_and_figure_are_those_of_mnist() -> None:
    """Four files with the published checksums, fetched over https or from Kaggle's copy; 98.74 % for relu."""
    assert {file.name: file.md5 for file in MNIST.files} == {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    https, kaggle = MNIST.sources
    assert all(mirror.startswith("https://") for mirror in https.mirrors)  # type: ignore[attr-defined]
    assert kaggle.members["train-images-idx3-ubyte.gz"] == (  # type: ignore[attr-defined]
        "train-images.idx3-ubyte",
        "train-images-idx3-ubyte/train-images-idx3-ubyte",
    )
    assert [(reference.options, reference.metrics) for reference in SPEC.references] == [
        ({"act": "relu", "output": "softplus", "folder": None}, {"test/accuracy": 0.9874})
    ]
    assert SPEC.training == {"epochs": 5, "batch_size": 32, "precision": "float32"}


@pytest.mark.parametrize("name", ["galaxynet_mnist_cnn", "galaxynet_fashion_ae"])
def test_listing_the_plugin_imports_no_torch(name: str) -> None:
    """`galaxynet plugins` and `--help` stay quick: the spec imports no torch, lightning or numpy."""
    code = (
        f"import sys, {name} as plugin; plugin.SPEC.options.fields();"
        "print([m for m in ('torch', 'lightning', 'numpy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_published_division_is_kept(tmp_path: Path) -> None:
    """The test part is the test file, and the validation part comes out of the training file by class."""
    module = data(make_idx_folder(tmp_path / "mnist"), tmp_path, validation=0.5)

    assert module.sizes == {"train": 30, "validation": 30, "test": 30}
    assert [identifier[-5:] for identifier in map(str, module.test_ids)] == [f"{n:05d}" for n in range(30)]
    assert np.bincount(module.data.targets[module.data.split.validation]).tolist() == [3] * 10
    batch = next(iter(module.test_dataloader()))
    assert batch.inputs.shape == (30, 1, 28, 28)
    assert 0 <= float(batch.inputs.min()) < float(batch.inputs.max()) == pytest.approx(250 / 255)


def test_runs_on_other_images_do_not_count_as_comparable(tmp_path: Path) -> None:
    """Two different folders have different test ids; the same folder has the same ids each time."""
    first = data(make_idx_folder(tmp_path / "a"), tmp_path)
    other = data(make_idx_folder(tmp_path / "b", seed=1), tmp_path)

    assert not set(first.test_ids) & set(other.test_ids)
    assert first.test_ids == data(tmp_path / "a", tmp_path).test_ids


@pytest.mark.promise("Inputs")
def test_files_may_be_named_and_packed_as_copies_have_them(tmp_path: Path) -> None:
    """Unpacked MNIST files, with a dot or a dash before `idx`, are accepted like the published ones."""
    folder = make_idx_folder(tmp_path / "idx")
    for path in list(folder.iterdir()):
        name = path.name.removesuffix(".gz")
        name = name.replace("-idx", ".idx") if "train" in name else name
        (folder / name).write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()

    assert data(folder, tmp_path).sizes["test"] == 30


def test_more_classes_than_ten_are_numbered(tmp_path: Path) -> None:
    """A folder with 13 classes is taken, and they are called by their numbers."""
    assert data(make_idx_folder(tmp_path / "idx", classes=13), tmp_path).info.classes == tuple(
        map(str, range(13))
    )


def test_missing_files_are_named_with_the_command_that_fetches_them(tmp_path: Path) -> None:
    """Without data the message says which file is missing and how to get it."""
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is missing.*galaxynet fetch mnist"):
        data(None, tmp_path)
    with pytest.raises(DataError, match=r"is missing.*It needs train-images-idx3-ubyte"):
        data(tmp_path, tmp_path)


@pytest.mark.promise("Inputs")
def test_labels_that_do_not_belong_to_the_images_are_refused(tmp_path: Path) -> None:
    """Images with another number of labels are not trained on."""
    folder = make_idx_folder(tmp_path / "mnist")
    assert describe(folder) == ["60 training images and 30 test images of 28 x 28 pixels"]
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(idx_bytes(np.zeros(59, np.uint8)))

    with pytest.raises(DataError, match=r"60 images in train-images.* and 59 labels"):
        describe(folder)


def test_wrong_options_are_refused() -> None:
    """An output that there is not is named with its flag."""
    with pytest.raises(OptionError, match="--output"):
        MnistCnnOptions.from_dict({"output": "hardmax"})


def test_a_run_has_filters_until_its_checkpoint_is_gone(tmp_path: Path) -> None:
    """A trained run draws its first kernels; if its checkpoint is gone or damaged, it says so."""
    run = galaxynet.train(
        "mnist_cnn", folder=make_idx_folder(tmp_path / "idx"), epochs=1, output="softplus", accelerator="cpu"
    )
    assert {"learning-curves", "confusion", "filters"} <= set(figures.names(run))
    figure = figures.draw([run, run], "filters")
    assert first_kernels(run).shape == (32, 3, 3)
    assert len([axes for axes in figure.axes if axes.images]) == 2
    assert run.record.reference is None  # published of other digits
    assert sum(run.predictions().correct) / 30 == pytest.approx(run.record.metrics["test/accuracy"])

    run.checkpoint("best").write_bytes(b"PK")
    with pytest.raises(RunError, match=r"best\.ckpt cannot be read"):
        figures.draw(run, "filters")
    run.checkpoint("best").unlink()
    with pytest.raises(RunError, match="has no best checkpoint"):
        figures.draw(run, "filters")


@pytest.mark.real
def test_the_real_digits_are_read(real_data: Path) -> None:
    """The official files give 60,000 and 10,000 digits, and every class has its published count."""
    module = data(None, real_data, validation=0.0)

    assert module.sizes == {"train": 60_000, "validation": 0, "test": 10_000}
    counts = np.bincount(module.data.targets[module.data.split.test])
    assert counts.tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
