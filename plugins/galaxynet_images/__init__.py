"""Your own images with your own labels: the dataset `images`."""

from __future__ import annotations

from galaxynet.plugin import DatasetSpec
from galaxynet_images.options import ImagesOptions

SPEC = DatasetSpec(
    name="images",
    summary="your own images and labels, named by --images and --labels (JPEG, PNG, TIFF, FITS)",
    options=ImagesOptions,
    module="galaxynet_images.datamodule:ImagesData",
)
