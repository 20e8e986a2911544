"""Images read and prepared on all cores, ahead of the network that they are for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from galaxynet.errors import GalaxynetError
from galaxynet.images.fits import DEFAULT, FitsOptions
from galaxynet.images.flags import Flag, ImageError
from galaxynet.images.inputs import Inputs
from galaxynet.images.picture import Picture
from galaxynet.images.preprocessing import Prepared, Preprocessing

_PIECE = 32
_AHEAD = 3
"""Batches that are being prepared while the network has one."""


@dataclass
class PreparedBatch:
    """Consecutive inputs.

    Attributes:
        start: Number of the first one.
        pixels: uint8, shape (n, height, width, channels); black where an image cannot be used.
        flags: Bits of `Flag`, int16, shape (n,).
        reasons: The same in words.
        identifiers: Ids that the images' headers give; empty texts elsewhere.
    """

    start: int
    pixels: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.int16]
    reasons: list[str]
    identifiers: list[str]
    pending: list[Future[None]] = field(default_factory=list, repr=False)

    def __len__(self) -> int:
        return len(self.pixels)


def prepared_batches(
    inputs: Inputs,
    preprocessing: Preprocessing,
    *,
    start: int = 0,
    size: int = 256,
    fits: FitsOptions = DEFAULT,
) -> Iterator[PreparedBatch]:
    """Read and prepare images, in order, a few batches ahead of their use.

    Args:
        inputs: The images.
        preprocessing: How they are prepared.
        start: The first image.
        size: Images in a batch.
        fits: How FITS is read.
    """
    starts = iter(range(start, len(inputs), size))
    waiting: deque[PreparedBatch] = deque()
    pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="image")

    def submit(first: int) -> PreparedBatch:
        count = min(size, len(inputs) - first)
        batch = PreparedBatch(
            first,
            np.zeros((count, *preprocessing.shape), np.uint8),
            np.zeros(count, np.int16),
            [""] * count,
            [""] * count,
        )
        for at in range(0, count, _PIECE):
            rows = range(at, min(at + _PIECE, count))
            batch.pending.append(pool.submit(_prepare_rows, batch, rows, inputs, preprocessing, fits))
        return batch

    try:
        for first in starts:
            waiting.append(submit(first))
            if len(waiting) > _AHEAD:
                yield _finished(waiting.popleft())
        while waiting:
            yield _finished(waiting.popleft())
    finally:
        pool.shutdown(cancel_futures=True)


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare_one(
    inputs: Inputs, index: int, preprocessing: Preprocessing, fits: FitsOptions = DEFAULT
) -> Prepared:
    """Read and prepare one image.

    Raises:
        ImageError: If it cannot be used.
    """
    content = inputs.read(index)
    if isinstance(content, Picture):
        return preprocessing.prepare_picture(content, inputs.radius(index))
    return preprocessing.prepare(content, fits, inputs.radius(index))


def _prepare_rows(
    batch: PreparedBatch, rows: range, inputs: Inputs, preprocessing: Preprocessing, fits: FitsOptions
) -> None:
    for row in rows:
        try:
            prepared = prepare_one(inputs, batch.start + row, preprocessing, fits)
        except ImageError as error:
            batch.flags[row], batch.reasons[row] = error.flag, error.reason
            continue
        except GalaxynetError:
            raise
        except Exception as error:  # any error of a library costs this image alone
            batch.flags[row] = Flag.DAMAGED
            batch.reasons[row] = f"it cannot be decoded: {type(error).__name__}"
            continue
        batch.pixels[row] = prepared.pixels
        batch.flags[row] = prepared.flag
        batch.reasons[row] = "; ".join(prepared.notes)
        batch.identifiers[row] = prepared.identifier


def _finished(batch: PreparedBatch) -> PreparedBatch:
    for future in batch.pending:
        future.result()
    batch.pending.clear()
    return batch
