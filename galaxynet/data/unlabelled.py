"""Images without a label: trained on beside those with one, since a teacher has an answer to them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet.data.array_module import ArrayData
from galaxynet.data.splits import Rows
from galaxynet.phrases import count


def add_unlabelled(
    data: ArrayData,
    rows: Rows,
    *,
    more: npt.NDArray[np.uint8] | None = None,
    more_ids: Sequence[int | str] = (),
) -> ArrayData:
    """Add images without a label to those that are trained on.

    They are in no part: validation, test, means, deviations and baselines do not have them. An image whose
    prepared pixels are those of a validation or test sample is left out, whatever its id.

    Args:
        data: The data with their parts.
        rows: The rows of the images; those of `more` begin at `len(data.images)`.
        more: Further images, of the shape of `data.images`.
        more_ids: Their ids.

    Returns:
        The data with these images; unchanged if none is left.
    """
    more = None if more is None or not len(more) else more
    targets = np.concatenate([data.targets, _unknown(data.targets, len(more_ids))])
    held_out = np.concatenate([data.split.validation, data.split.test])
    known = {_digest(data.images[row]) for row in held_out.tolist()}

    def image(row: int) -> npt.NDArray[np.uint8]:
        own = len(data.images)
        pixels: npt.NDArray[np.uint8] = data.images[row] if row < own or more is None else more[row - own]
        return pixels

    new = np.array([row for row in rows.tolist() if _digest(image(row)) not in known], np.int64)
    if not len(new):
        return data
    copies = len(rows) - len(new)
    note = f"{count(len(new), 'image')} without a label: the training learns the teacher's answers to them"
    if copies:
        note += f"; {copies:,} more left out, with the pixels of a validation or test image"
    return replace(
        data,
        targets=targets,
        ids=[*data.ids, *more_ids],
        more=more,
        unlabelled=new,
        summary={**data.summary, "unlabelled": len(new), "unlabelled_copies": copies},
        notes=(*data.notes, note),
    )


def _unknown(targets: npt.NDArray[Any], samples: int) -> npt.NDArray[Any]:
    """Targets of samples without a label: -1 for a class, NaN for numbers."""
    unknown = np.nan if targets.dtype.kind == "f" else -1
    return np.full((samples, *targets.shape[1:]), unknown, targets.dtype)


def _digest(pixels: npt.NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16).digest()
