"""Small images and tables of labels, for the tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt


def picture(seed: int, side: int = 48) -> npt.NDArray[np.uint8]:
    """Smooth colours, RGB."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def encoded(pixels: npt.NDArray[np.uint8], suffix: str = ".jpg") -> bytes:
    """An image file of RGB pixels."""
    done, data = cv2.imencode(suffix, np.ascontiguousarray(pixels[..., ::-1]))
    assert done
    return bytes(data)


def write_folder(folder: Path, ids: Iterable[int], side: int = 48) -> Path:
    """A folder of JPEGs named by ids."""
    folder.mkdir(parents=True)
    for identifier in ids:
        (folder / f"{identifier}.jpg").write_bytes(encoded(picture(identifier, side)))
    return folder


def write_labels(path: Path, rows: dict[str, str], header: str = "id,label") -> Path:
    """A table of labels, CSV."""
    path.write_text(header + "\n" + "".join(f"{key},{label}\n" for key, label in rows.items()))
    return path
