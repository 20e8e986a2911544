from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from idx_files import idx_bytes

from galaxynet.data.idx import read_idx
from galaxynet.errors import DataError

_QUICK = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_QUICK
@given(
    values=arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, max_side=9)),
    packed=st.booleans(),
)
def test_what_was_written_is_read(values: np.ndarray, packed: bool, tmp_path: Path) -> None:
    """Labels and images come out as they went in, compressed or not, whatever the file is called."""
    content = idx_bytes(values)
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if packed else content)

    result = read_idx(path, axes=values.ndim)

    np.testing.assert_array_equal(result, values)
    assert result.flags.writeable


@pytest.mark.promise("Inputs")
@_QUICK
@given(missing=st.integers(1, 256), packed=st.booleans())
def test_a_file_that_was_cut_short_is_refused(missing: int, packed: bool, tmp_path: Path) -> None:
    """A truncated idx file is refused by name, however much of it is missing, and never read in part."""
    content = idx_bytes(np.arange(240, dtype=np.uint8).reshape(10, 4, 6))
    whole = gzip.compress(content, mtime=0) if packed else content
    path = tmp_path / "images.gz"
    path.write_bytes(whole[: -min(missing, len(whole))])

    with pytest.raises(DataError, match=r"images\.gz"):
        read_idx(path, axes=3)


@pytest.mark.promise("Strangers' files")
@_QUICK
@given(content=st.binary(max_size=60), packed=st.booleans())
def test_any_other_file_is_refused_and_nothing_crashes(content: bytes, packed: bool, tmp_path: Path) -> None:
    """Any bytes are an idx file of the right length or one clear error."""
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(content) if packed else content)
    try:
        result = read_idx(path, axes=3)
    except DataError as error:
        message: str | None = error.message
    else:
        message = None
        assert len(content) == 16 + result.size
    assert message is None or str(path) in message


def test_labels_where_images_are_wanted_are_named(tmp_path: Path) -> None:
    """If two files are mixed up, the error names what the file holds and what was expected."""
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(idx_bytes(np.zeros(5, np.uint8)))

    with pytest.raises(DataError, match=r"train-images.* holds labels where gray images are expected"):
        read_idx(path, axes=3)


def test_numbers_of_another_type_are_named(tmp_path: Path) -> None:
    """A file of floats is not read as bytes."""
    path = tmp_path / "f"
    path.write_bytes(bytes([0, 0, 0x0D, 1, 0, 0, 0, 1]) + struct.pack(">f", 1))

    with pytest.raises(DataError, match="holds float32; images and labels are unsigned bytes"):
        read_idx(path, axes=1)


def test_bytes_behind_the_end_are_refused(tmp_path: Path) -> None:
    """A file that is longer than it says is not the file it says it is."""
    path = tmp_path / "f"
    path.write_bytes(idx_bytes(np.zeros(5, np.uint8)) + b"x")

    with pytest.raises(DataError, match="goes on after the 5 values"):
        read_idx(path, axes=1)


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize("axes", [(2**32 - 1,), (60_000, 10_000, 3)])
def test_a_header_that_lies_costs_no_memory(axes: tuple[int, ...], tmp_path: Path) -> None:
    """An idx header that announces gigabytes is refused without allocating them."""
    path = tmp_path / "bomb.gz"
    header = bytes([0, 0, 8, len(axes)]) + struct.pack(f">{len(axes)}I", *axes)
    path.write_bytes(gzip.compress(header + bytes(1000)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"cut short|announces"):
            read_idx(path, axes=len(axes))
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()


@pytest.mark.promise("Strangers' files")
def test_no_more_is_unpacked_than_announced(tmp_path: Path) -> None:
    """A gzip file is unpacked no further than its idx header announces."""
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(idx_bytes(np.zeros(5, np.uint8)))
        for _ in range(20):
            stream.write(bytes(10_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="goes on after the 5 values"):
            read_idx(path, axes=1)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message names the file that is not there."""
    with pytest.raises(DataError, match=r"There is no file .*labels"):
        read_idx(tmp_path / "labels", axes=1)
