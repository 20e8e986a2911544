"""The options of mnist_cnn and of mnist. Imports no torch: `--help` reads this module."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from galaxynet.plugin import Activation, OptimizerOptions, Options, option


class MnistCnnOptions(OptimizerOptions):
    """What can be chosen of the network and of how it learns.

    The tutorial's optimiser is Keras' Adam with its learning rate of 0.001. Keras adds 1e-7 to the
    denominator and PyTorch 1e-8, which is what is used here: it matters for gradients below 1e-6 alone.
    """

    act: Activation = option("relu", "activation of the convolutions and of the hidden dense layer")
    output: Literal["softmax", "softplus"] = option(
        "softmax",
        "function of the last layer that gives probabilities; softplus is clipped to 1 and "
        "divided by the sum, as in Keras' cross-entropy, so an output above 1 has no gradient",
    )


class MnistOptions(Options):
    """Options of the dataset `mnist`."""

    folder: Path | None = option(
        None,
        "folder of idx files to use instead of the fetched ones, named like MNIST's",
        metavar="FOLDER",
    )
