"""Reference pages that are written by hand, beside the code that they describe."""

from __future__ import annotations

import re
from pathlib import Path

from docs_pages import ROOT

from galaxynet.runs import Environment, ExportedWeights, RunRecord

REFERENCE = ROOT / "docs" / "reference"


def keys_of(page: Path) -> set[str]:
    """What stands in code marks in the first cells of the page's tables."""
    first = [line.split("|")[1] for line in page.read_text().splitlines() if line.startswith("| ")]
    return {key for cell in first for key in re.findall(r"`([^`]+)`", cell)}


def test_every_key_of_a_record_is_documented() -> None:
    """The page on the run folder has every key of run.json, and no key that does not exist."""
    parts = (RunRecord, Environment, ExportedWeights)
    fields = [field for part in parts for field in part.model_fields.items()]
    keys = {field.alias or name for name, field in fields}
    documented = {key for key in keys_of(REFERENCE / "run-folder.md") if "/" not in key}
    assert documented == keys


def test_every_variable_is_documented() -> None:
    """The page on the environment has every variable that the program reads."""
    sources = [*(ROOT / "galaxynet").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    read = {name for path in sources for name in re.findall(r'"(GALAXYNET_[A-Z_]+)"', path.read_text())}
    # Set by a process for those that it starts.
    internal = {"GALAXYNET_SWEEP_MODULES"}
    assert read - internal == {name for name in keys_of(REFERENCE / "environment.md") if "GALAXYNET" in name}


def test_pictures_are_small_and_name_no_other_site() -> None:
    """The pictures of the documentation are under 300 KB, and none fetches anything when it is shown."""
    pictures = [path for path in (ROOT / "docs" / "images").iterdir() if path.is_file()]
    assert all(path.stat().st_size < 300_000 for path in pictures)
    for path in pictures:
        if path.suffix == ".svg":
            assert "url(http" not in path.read_text()
            assert "@font-face" not in path.read_text()
