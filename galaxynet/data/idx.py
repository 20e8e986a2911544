"""The idx format of MNIST and its descendants: one array of bytes, plain or compressed with gzip.

A file is four bytes (two zeros, the type of the values, the number of axes), the length of each axis as a
big-endian 32-bit number, and the values, last axis fastest. Source: LeCun, Cortes and Burges, "The MNIST
database", http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from galaxynet.errors import DataError

MOST_BYTES = 4 * 2**30
"""A file that claims to hold more values than this is refused."""

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08
_TYPES = {0x09: "signed bytes", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
_KINDS = {1: "labels", 3: "gray images"}
_CHUNK = 2**24


def read_idx(path: Path, axes: int) -> npt.NDArray[np.uint8]:
    """Read an idx file of unsigned bytes.

    No more is unpacked than the header declares, and no more memory is used than there are values.

    Args:
        path: The file. Its first bytes, not its name, decide whether it is compressed.
        axes: How many axes the array must have: 1 for labels, 3 for gray images.

    Returns:
        The array, writeable; its first axis is the samples.

    Raises:
        DataError: If the file is missing, damaged or truncated, is not an idx file, has other contents, or
            is longer than its header declares.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=plain, mode="rb") as stream:
                    return _read(stream, path, axes)
            return _read(plain, path, axes)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except EOFError:
        raise DataError(f"{path} is only a part of a gzip file.", _AGAIN) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}.", _AGAIN) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None


_AGAIN = "Fetch it again with --force; if it is your own file, copy it again."


def _read(stream: BinaryIO | gzip.GzipFile, path: Path, axes: int) -> npt.NDArray[np.uint8]:
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in {_UNSIGNED_BYTE, *_TYPES} or not start[3]:
        raise DataError(f"{path} is not an idx file: it begins with {start.hex(' ') or 'nothing'}.", _AGAIN)
    if start[2] != _UNSIGNED_BYTE:
        raise DataError(
            f"{path} holds {_TYPES[start[2]]}; images and labels are unsigned bytes.",
            "Write it again as unsigned bytes: type 08 in its third byte.",
        )
    if start[3] != axes:
        content = _KINDS.get(start[3], f"an array of {start[3]} axes")
        raise DataError(
            f"{path} holds {content} where {_KINDS.get(axes, f'{axes} axes')} are expected.",
            "Check whether two files have each other's names.",
        )
    lengths = stream.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise DataError(f"{path} is cut short: it ends in the header.", _AGAIN)
    shape = struct.unpack(f">{axes}I", lengths)
    size = math.prod(shape)
    if size > MOST_BYTES:
        raise DataError(f"{path} announces {size:,} values, more than any such dataset has.", _AGAIN)
    values = bytearray()
    while len(values) < size:
        # In pieces: a false header must not cost the memory that it declares.
        piece = stream.read(min(_CHUNK, size - len(values)))
        if not piece:
            raise DataError(f"{path} is cut short: it has {len(values):,} of {size:,} values.", _AGAIN)
        values += piece
    if stream.read(1):
        raise DataError(f"{path} goes on after the {size:,} values that it announces.", _AGAIN)
    return np.frombuffer(values, np.uint8).reshape(shape)
