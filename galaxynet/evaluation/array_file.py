"""Small arrays in a file of a run folder: read within bounds, holding nothing but numbers and text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from galaxynet import atomic, untrusted
from galaxynet.errors import RunError


def write_arrays(path: Path, **arrays: npt.ArrayLike) -> None:
    """Write an `.npz` file in one step."""
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    atomic.write_bytes(path, content.getbuffer())


def read_arrays(path: Path, names: Sequence[str], most: int) -> list[npt.NDArray[Any]]:
    """Read arrays by name.

    Args:
        path: The file.
        names: The arrays.
        most: The largest size in bytes, of the file and of what it unpacks to.

    Raises:
        RunError: If the file is missing, damaged or too large.
    """
    try:
        # Opened here: numpy leaves a file open that it cannot make sense of.
        with untrusted.open_regular(path, most) as stream:
            _check_size(stream, most)
            with np.load(stream, allow_pickle=False) as content:
                return [content[name] for name in names]
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:  # zip files and numpy raise whatever they like over damaged bytes
        raise RunError(f"{path} is damaged: {error}.") from None


def _check_size(stream: BinaryIO, most: int) -> None:
    with zipfile.ZipFile(stream) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > most:
        raise ValueError(f"it unpacks to more than {most // untrusted.MIB} MiB")
    stream.seek(0)
