"""A network applied to images that are to be evaluated: the cells of those that can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import terminal
from galaxynet.errors import DataError
from galaxynet.evaluation.scores import Share
from galaxynet.images.flags import UNUSABLE
from galaxynet.images.inputs import Inputs
from galaxynet.prediction.network import NOVELTY_COLUMN, AppliedNetwork
from galaxynet.prediction.rows import FLAG, Catalogue


@dataclass(frozen=True)
class AppliedImages:
    """What a network says of images.

    Attributes:
        cells: The columns of a catalogue, of the images that can be used alone.
        usable: Which images these are, shape (images,).
        novel: Images with a novelty above 1; None where novelty is not measured.
    """

    cells: dict[str, npt.NDArray[Any]]
    usable: npt.NDArray[np.bool_]
    novel: Share | None

    @property
    def samples(self) -> int:
        """How many images can be used."""
        return int(self.usable.sum())

    @property
    def unusable(self) -> int:
        """How many cannot."""
        return int((~self.usable).sum())


def apply_to_images(network: AppliedNetwork, inputs: Inputs) -> AppliedImages:
    """Apply a network to all images.

    Raises:
        DataError: If none of the images can be used.
    """
    blocks = []
    with terminal.progress("predicting", len(inputs), "images") as advance:
        for block in Catalogue(inputs, network).blocks():
            blocks.append(block)
            advance(len(block[FLAG.name]))
    cells = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    usable = (cells[FLAG.name] & int(UNUSABLE)) == 0
    if not usable.any():
        raise DataError("None of the images can be used.", "galaxynet predict --dry-run says why.")
    cells = {name: values[usable] for name, values in cells.items()}
    novel = None
    if network.novelty is not None:
        novel = Share(int((cells[NOVELTY_COLUMN.name] > 1).sum()), len(cells[NOVELTY_COLUMN.name]))
    return AppliedImages(cells, usable, novel)
