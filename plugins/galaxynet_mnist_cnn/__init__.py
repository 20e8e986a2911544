"""The network mnist_cnn, the convolutional network of TensorFlow's tutorial, and the dataset mnist.

This module is imported for listings and for `--help`, so it imports no torch.
"""

from __future__ import annotations

from galaxynet.plugin import DataFile, DatasetSpec, Https, KaggleDataset, ModelSpec, Reference
from galaxynet_mnist_cnn.options import MnistCnnOptions, MnistOptions

__all__ = ["MNIST", "SPEC", "MnistCnnOptions", "MnistOptions"]

# The report's network ended in softplus; its figure is also compared with the tutorial's softmax.
SPEC = ModelSpec(
    name="mnist_cnn",
    summary="the convolutional network of TensorFlow's tutorial, for handwritten digits",
    options=MnistCnnOptions,
    module="galaxynet_mnist_cnn.model:MnistCnn",
    dataset="mnist",
    # float32, as the tutorial: at 32 images a step bf16 is no faster, and other machines would differ more.
    training={"epochs": 5, "batch_size": 32, "precision": "float32"},
    references=(
        Reference(
            {"act": "relu", "output": "softplus", "folder": None},
            {"test/accuracy": 0.9874},
            "2019 student report, softplus for softmax",
        ),
    ),
    claims="galaxynet_mnist_cnn.claims:CLAIMS",
    figures={"filters": "galaxynet_mnist_cnn.figures:filters"},
)

_TRAIN_IMAGES = DataFile(
    name="train-images-idx3-ubyte.gz",
    summary="60,000 training images",
    size=9_912_422,
    md5="f68b3c2dcbeaaa9fbdd348bbdeb94873",
)
_TRAIN_LABELS = DataFile(
    name="train-labels-idx1-ubyte.gz",
    summary="their labels",
    size=28_881,
    md5="d53e105ee54ea40749a09fcbcd1e9432",
)
_TEST_IMAGES = DataFile(
    name="t10k-images-idx3-ubyte.gz",
    summary="10,000 test images",
    size=1_648_877,
    md5="9fb629c4189551a2d022fa330f9573f3",
)
_TEST_LABELS = DataFile(
    name="t10k-labels-idx1-ubyte.gz",
    summary="their labels",
    size=4_542,
    md5="ec29112dd5afa0611ce80d1b7f02629c",
)
_FILES = (_TRAIN_IMAGES, _TRAIN_LABELS, _TEST_IMAGES, _TEST_LABELS)


def _members(name: str) -> tuple[str, ...]:
    """The two places that Kaggle's copy has a file in, unpacked."""
    plain = name.removesuffix(".gz")
    return plain.replace("-idx", ".idx"), f"{plain}/{plain}"


MNIST = DatasetSpec(
    name="mnist",
    summary="70,000 handwritten digits, 28 x 28 pixels (LeCun, Cortes and Burges)",
    options=MnistOptions,
    module="galaxynet_mnist_cnn.data:MnistData",
    files=_FILES,
    sources=(
        Https(
            mirrors=(
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            )
        ),
        KaggleDataset(
            slug="hojjatk/mnist-dataset", members={file.name: _members(file.name) for file in _FILES}
        ),
    ),
    homepage="http://yann.lecun.com/exdb/mnist/",
    check="galaxynet.data.idx_images:describe",
)
