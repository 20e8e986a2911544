"""Images prepared once for all trainings: one array, kept under all that determines it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxynet.data.arrays import Block, CachedArray, Recipe, cached_array
from galaxynet.errors import DataError
from galaxynet.images.decoding import prepared_batches
from galaxynet.images.flags import UNUSABLE, Flag, ImageError
from galaxynet.images.inputs import Inputs
from galaxynet.images.picture import Picture
from galaxynet.images.preprocessing import Preprocessing, read_picture
from galaxynet.terminal import progress

VERSION = 1
"""Part of the cache's key: raise it when other pixels or other images come out of here."""

_SAMPLE = 64


def load_images(
    inputs: Inputs, ids: Sequence[str], cache: Path, view: Preprocessing, origin: str
) -> CachedArray:
    """Some images as an array. Those that cannot be used are left out and named in `skipped`.

    Its `extra` has the `pixels`, a digest of all rows; `frame`, the side that `crop` refers to; and `flags`,
    how many images have each bit of `galaxynet.images.flags.Flag`.

    Args:
        inputs: The images.
        ids: Their ids.
        cache: Folder for prepared arrays.
        view: How they are prepared; `frame` is measured where there is a crop and it is 0.
        origin: Where the images and labels lie: arrays of an earlier state of the same are removed.

    Raises:
        DataError: If none of them can be used, or the crop is larger than they.
    """
    state = hashlib.sha256()
    for row, identifier in enumerate(ids):
        state.update(f"{identifier}\0{inputs.stamp(row)}\n".encode())
    key = {
        "version": VERSION,
        # A fingerprint as of one file, so that arrays of an earlier state are found.
        "source": {"name": "", "size": len(ids), "changed": state.hexdigest()[:16], "path": origin},
        "size": view.width,
        "channels": view.channels,
        "crop": view.crop,
        **({"frame": view.frame} if view.frame else {}),
        "fits": view.fits.to_dict(),
    }
    images = cached_array(cache, key, lambda: _recipe(inputs, ids, view))
    if not images.ids:
        reason, count = Counter(images.skipped.values()).most_common(1)[0]
        raise DataError(f"None of the {len(ids):,} images can be used; {count:,} of them: {reason}.")
    return images


def _recipe(inputs: Inputs, ids: Sequence[str], view: Preprocessing) -> Recipe:
    extra: dict[str, Any] = {"frame": 0, "flags": {}, "pixels": ""}
    pixels = hashlib.sha256()
    flags: Counter[str] = Counter()

    def blocks() -> Iterator[Block]:
        frame = (view.frame or _usual_side(inputs, view)) if view.crop else 0
        extra["frame"] = frame
        whole = dataclasses.replace(view, frame=frame)
        with progress("reading images", len(ids), "images") as advance:
            for batch in prepared_batches(inputs, whole, fits=view.fits):
                usable = (batch.flags & int(UNUSABLE)) == 0
                rows = batch.pixels[usable]
                pixels.update(np.ascontiguousarray(rows).data)
                here = ids[batch.start : batch.start + len(batch)]
                for flag in batch.flags[usable & (batch.flags != 0)].tolist():
                    flags.update(str(bit.name) for bit in Flag(flag))
                # Read from the index when all blocks are written.
                extra.update(pixels=pixels.hexdigest()[:16], flags=dict(flags))
                yield Block(
                    rows,
                    [identifier for identifier, good in zip(here, usable, strict=True) if good],
                    {
                        inputs.name(batch.start + row): batch.reasons[row]
                        for row in np.flatnonzero(~usable).tolist()
                    },
                )
                advance(len(batch))

    return Recipe(rows=len(ids), shape=view.shape, blocks=blocks, extra=extra)


def _usual_side(inputs: Inputs, view: Preprocessing) -> int:
    """The shorter side that most of the images have, by a few dozen spread over all."""
    sides: Counter[int] = Counter()
    for row in range(0, len(inputs), max(1, len(inputs) // _SAMPLE)):
        try:
            content = inputs.read(row)
            if not isinstance(content, Picture):
                content = read_picture(content, view.fits, color=view.channels == "rgb")
            sides[min(content.pixels.shape[:2])] += 1
        except ImageError:
            continue
    side = max(sides, key=lambda length: (sides[length], length), default=0)
    if sides and view.crop > side:
        raise DataError(
            f"--crop {view.crop}: most images have {side} pixels a side.", f"Give at most {side}."
        )
    return side
