"""The clothes as batches."""

from __future__ import annotations

from galaxynet.data.idx_images import IdxImages


class FashionMnistData(IdxImages):
    """Pictures of clothes, the published 60,000 and 10,000."""

    name = "fashion-mnist"
    names = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
