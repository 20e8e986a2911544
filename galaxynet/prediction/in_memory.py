"""Predicting in Python, as `galaxynet predict` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from galaxynet.catalogue.columns import Block, Table, clean_text, make_table
from galaxynet.errors import UsageError
from galaxynet.images.fits import DEFAULT
from galaxynet.images.flags import ImageError
from galaxynet.images.input_search import find_inputs
from galaxynet.images.inputs import Inputs
from galaxynet.images.picture import Picture
from galaxynet.images.sources import Files
from galaxynet.prediction.highlights import watched
from galaxynet.prediction.network import AppliedNetwork
from galaxynet.prediction.picture_page import check_page, highlights_of, write_page
from galaxynet.prediction.provenance import provenance, title_of, weights_digest
from galaxynet.prediction.rows import Catalogue

if TYPE_CHECKING:
    from galaxynet.runs import Run

Image = str | Path | npt.NDArray[np.uint8]
"""A file, or pixels: uint8, shape (height, width) for gray or (height, width, 3) in the order RGB."""


class _Mixed:
    """Files and arrays in one list."""

    def __init__(self, images: Sequence[Image]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def name(self, index: int) -> str:
        image = self.images[index]
        return f"array-{index}" if isinstance(image, np.ndarray) else str(image)

    def read(self, index: int) -> bytes | Picture:
        image = self.images[index]
        if not isinstance(image, np.ndarray):
            return Files([str(image)]).read(0)
        if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (1, 3))):
            raise ImageError(
                f"an array of {image.dtype} and shape {image.shape}; uint8 of (height, width) or (height, "
                "width, 3) is taken"
            )
        return Picture(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)

    def stamp(self, index: int) -> str:
        image = self.images[index]
        return "" if isinstance(image, np.ndarray) else Files([str(image)]).stamp(0)


def predict_images(
    run: Run,
    network: AppliedNetwork,
    images: Sequence[Image] | str | Path,
    gallery: Path | None = None,
) -> Table:
    """Apply a network to images, in memory.

    Args:
        run: The run of the network.
        network: The network.
        images: Files and arrays, or a folder, zip archive, list or table as `galaxynet predict` takes it.
        gallery: A page of pictures to write; one that exists is replaced.

    Raises:
        DataError: If a folder or table cannot be read. An image that cannot be used has a row that says so.
    """
    if gallery is not None:
        check_page(gallery, overwrite=True)
    if isinstance(images, str | Path):
        inputs = find_inputs([str(images)])
    elif not len(images):
        raise UsageError("There are no images to predict.")
    else:
        inputs = Inputs((_Mixed(images),), 0, len(images))
    catalogue = Catalogue(inputs, network, DEFAULT)
    highlights = None if gallery is None else highlights_of(run, catalogue)
    blocks: list[Block] = list(watched(catalogue.blocks(), highlights))
    if gallery is not None and highlights is not None:
        write_page(gallery, run, catalogue, highlights)
    values: dict[str, Any] = {
        column.name: np.concatenate([block[column.name] for block in blocks]) for column in catalogue.columns
    }
    created = clean_text(np.datetime_as_string(np.datetime64("now"), unit="s") + "Z")
    facts = provenance(run, weights_digest(run), created, catalogue.fits, network)
    return make_table(catalogue.columns, values, facts, title_of(run))
