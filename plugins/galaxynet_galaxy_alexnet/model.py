"""galaxy_alexnet as a LightningModule."""

from __future__ import annotations

from galaxynet.plugin import DataInfo
from galaxynet.tasks.classifier import Classifier
from galaxynet_galaxy_alexnet.network import GalaxyAlexNetNetwork
from galaxynet_galaxy_alexnet.options import GalaxyAlexNetOptions

_SMALL = 64 * 64
"""Pixels of images for which an update takes a few milliseconds on a GPU, and some batches little memory."""


class GalaxyAlexNet(Classifier):
    """Trains a `GalaxyAlexNetNetwork` to name the class of a galaxy.

    Args:
        options: Activation, extra convolutions and optimiser.
        data_info: Shape of an image, (channels, height, width), and the classes.
    """

    def __init__(self, options: GalaxyAlexNetOptions, data_info: DataInfo) -> None:
        network = GalaxyAlexNetNetwork(
            data_info.image_shape, data_info.class_count, options.act, options.extra_convs
        )
        super().__init__(network, options, data_info)
        _, height, width = data_info.image_shape
        if height * width <= _SMALL:
            self.updates_per_step = 4
