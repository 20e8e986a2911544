"""fashion_ae as a LightningModule."""

from __future__ import annotations

from galaxynet.plugin import DataInfo
from galaxynet.tasks.reconstructor import Reconstructor
from galaxynet_fashion_ae.network import FashionAeNetwork
from galaxynet_fashion_ae.options import FashionAeOptions

_SCALE = {"raw": 255.0, "unit": 1.0}


class FashionAe(Reconstructor):
    """Trains a `FashionAeNetwork` to give back the images that it is given.

    Args:
        options: Code, hidden layer, activation, pixels and optimiser.
        data_info: Shape of an image, (channels, height, width).
    """

    updates_per_step = 100

    def __init__(self, options: FashionAeOptions, data_info: DataInfo) -> None:
        network = FashionAeNetwork(data_info.image_shape, options.code, options.hidden, options.act)
        super().__init__(network, options, data_info, scale=_SCALE[options.pixels])
