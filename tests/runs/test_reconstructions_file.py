"""The file of reconstructions."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from galaxynet.runs.reconstructions import ReconstructedSamples


@pytest.mark.parametrize(("mask", "mode"), [(0o027, 0o640), (0o002, 0o664)])
def test_the_file_is_for_those_whom_the_umask_lets(tmp_path: Path, mask: int, mode: int) -> None:
    """Samples of a private dataset are not opened to the whole machine."""
    images = np.ones((1, 1, 2, 2), np.float32)
    before = os.umask(mask)
    try:
        ReconstructedSamples(["a"], ["shoe"], images, 2 * images).write(tmp_path / "file.npz")
    finally:
        os.umask(before)
    assert (tmp_path / "file.npz").stat().st_mode & 0o777 == mode
    assert [path.name for path in tmp_path.iterdir()] == ["file.npz"]
    samples_read = ReconstructedSamples.read(tmp_path / "file.npz")
    assert (samples_read.ids, samples_read.classes) == (["a"], ["shoe"])
    assert samples_read.decodings.tolist() == (2 * images).tolist()
