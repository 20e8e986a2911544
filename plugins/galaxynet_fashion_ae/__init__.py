"""The network fashion_ae, an autoencoder of one or three hidden layers, and the dataset fashion-mnist.

This module is imported for listings and for `--help`, so it imports no torch.
"""

from __future__ import annotations

from galaxynet.plugin import DataFile, DatasetSpec, Https, KaggleDataset, ModelSpec, Reference
from galaxynet_fashion_ae.options import FashionAeOptions, FashionMnistOptions

__all__ = ["FASHION_MNIST", "SPEC", "FashionAeOptions", "FashionMnistOptions"]

_REPORT = "2019 student report, 100 epochs of 600 batches"
_AS_REPORTED = {"act": "sigmoid", "pixels": "raw", "epochs": 100, "batch_size": 100, "folder": None}

# The report's sums are lower than any network with a linear output layer behind a code of that size can
# reach on these pixels (the error of as many principal components: 797,000, 590,000 and 403,000), so they
# must be in other units. They are shown next to our runs because they are what the report printed.
SPEC = ModelSpec(
    name="fashion_ae",
    summary="autoencoder with a code of any size, for pictures of clothes",
    options=FashionAeOptions,
    module="galaxynet_fashion_ae.model:FashionAe",
    dataset="fashion-mnist",
    # All 60,000 images are trained on, so that the sum over an epoch is one over 600 batches. In bf16 the
    # error of a pixel of 255 would be one grey level, and so small a network would not be any faster.
    training={"epochs": 100, "batch_size": 100, "validation": 0.0, "precision": "float32"},
    references=tuple(
        Reference({"code": code, **_AS_REPORTED}, {"train/epoch_sum": total}, _REPORT)
        for code, total in ((16, 190_000.0), (32, 157_000.0), (64, 130_000.0))
    ),
    claims="galaxynet_fashion_ae.claims:CLAIMS",
    figures={"reconstructions": "galaxynet_fashion_ae.figures:reconstructions"},
)

_FILES = (
    DataFile(
        name="train-images-idx3-ubyte.gz",
        summary="60,000 training images",
        size=26_421_880,
        md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    ),
    DataFile(
        name="train-labels-idx1-ubyte.gz",
        summary="their labels",
        size=29_515,
        md5="25c81989df183df01b3e8a0aad5dffbe",
    ),
    DataFile(
        name="t10k-images-idx3-ubyte.gz",
        summary="10,000 test images",
        size=4_422_102,
        md5="bef4ecab320f06d8554ea6380940ec79",
    ),
    DataFile(
        name="t10k-labels-idx1-ubyte.gz",
        summary="their labels",
        size=5_148,
        md5="bb300cfdad3c16e7a12a480ee83cd310",
    ),
)

FASHION_MNIST = DatasetSpec(
    name="fashion-mnist",
    summary="70,000 pictures of clothes in ten classes, 28 x 28 pixels (Zalando Research)",
    options=FashionMnistOptions,
    module="galaxynet_fashion_ae.data:FashionMnistData",
    files=_FILES,
    sources=(
        Https(
            mirrors=(
                # Zalando's own bucket: the published address, a web site without https, names the same files.
                "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            )
        ),
        KaggleDataset(
            slug="zalando-research/fashionmnist",
            members={file.name: (file.name.removesuffix(".gz"),) for file in _FILES},
        ),
    ),
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    check="galaxynet.data.idx_images:describe",
)
