"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that GALAXYNET_TEST_DATA names; the test is skipped where there is none."""
    folder = Path(os.environ.get("GALAXYNET_TEST_DATA", "../shared/data"))
    if not folder.is_absolute():
        folder = Path(__file__).parent.parent / folder
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set GALAXYNET_TEST_DATA")
    return folder


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep every test away from the data and the runs of the person who runs it."""
    monkeypatch.setenv("GALAXYNET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GALAXYNET_RUNS", str(tmp_path / "runs"))
    for variable in ("GALAXYNET_PLUGINS", "GALAXYNET_DEBUG"):
        monkeypatch.delenv(variable, raising=False)
