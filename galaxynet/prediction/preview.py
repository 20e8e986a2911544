"""What a prediction would do, from a look at some of its images."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from galaxynet.catalogue.columns import Table, make_table
from galaxynet.images.decoding import prepare_one, usable_cores
from galaxynet.images.flags import ImageError
from galaxynet.prediction.rows import Catalogue

MOST = 2000
"""Images that are read; of more, this many evenly spread ones."""

_ROWS = 3


@dataclass(frozen=True)
class Preview:
    """What a prediction would do.

    Attributes:
        images: How many images there are.
        examined: How many of them were read.
        unusable: Those of them that cannot be used: path and reason.
        seconds: How long all would take.
        rows: The first rows of the catalogue.
    """

    images: int
    examined: int
    unusable: tuple[tuple[str, str], ...]
    seconds: float
    rows: Table


def preview(catalogue: Catalogue) -> Preview:
    """Look at the images of a prediction; nothing is written."""
    inputs = catalogue.inputs
    indices = range(0, len(inputs), max(1, -(-len(inputs) // MOST)))
    began = time.monotonic()
    with ThreadPoolExecutor(usable_cores()) as pool:
        reasons = list(pool.map(lambda index: _reason(catalogue, index), indices))
    decoding = (time.monotonic() - began) / len(indices)
    unusable = tuple(
        (inputs.name(index), reason) for index, reason in zip(indices, reasons, strict=True) if reason
    )
    head = replace(catalogue, inputs=inputs.part(0, min(len(inputs), 256)))
    began = time.monotonic()
    block = next(iter(head.blocks()))
    applying = time.monotonic() - began
    # The blocks of `head` are decoded too, so this is an upper bound.
    seconds = len(inputs) * max(decoding, applying / len(head.inputs))
    rows = {name: cells[:_ROWS] for name, cells in block.items()}
    table = make_table(catalogue.columns, rows)
    return Preview(len(inputs), len(indices), unusable, seconds, table)


def _reason(catalogue: Catalogue, index: int) -> str:
    """Why an image cannot be used; empty if it can."""
    try:
        prepare_one(catalogue.inputs, index, catalogue.network.preprocessing, catalogue.fits)
    except ImageError as error:
        return error.reason
    return ""
