"""The digits as batches."""

from __future__ import annotations

from galaxynet.data.idx_images import IdxImages


class MnistData(IdxImages):
    """Handwritten digits, the published 60,000 and 10,000."""

    name = "mnist"
    names = tuple("0123456789")
