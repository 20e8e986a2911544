"""Tiny idx files, made in the test that reads them."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt


def idx_bytes(values: npt.NDArray[np.uint8]) -> bytes:
    """An idx file of unsigned bytes."""
    return bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def make_idx_folder(
    folder: Path, train: int = 60, test: int = 30, side: int = 28, classes: int = 10, seed: int = 0
) -> Path:
    """Four files as MNIST has them; the class of an image is the row that is bright in it."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    for part, count in (("train", train), ("t10k", test)):
        labels = (np.arange(count) % classes).astype(np.uint8)
        images = chance.integers(0, 40, (count, side, side), dtype=np.uint8)
        images[np.arange(count), 2 * labels.astype(int) + 2] = 250
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            (folder / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(idx_bytes(values)))
    return folder
