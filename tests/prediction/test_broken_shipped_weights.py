"""Weights of a package that are damaged, missing or of another version."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from in_process import run_here
from spirals_package import Spirals

import galaxynet
from galaxynet.errors import RunError

pytestmark = pytest.mark.xdist_group("shipped_weights")  # exported once for all of them


def _truncate(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def _flip(folder: Path) -> None:
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _remove(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()


def _remove_all(folder: Path) -> None:
    shutil.rmtree(folder)


def _newer(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "schema": 99}))


def _not_exported(folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "exported": None}))


@pytest.mark.parametrize(
    ("damage", "message", "listed"),
    [
        (_truncate, "bytes in place of", True),
        (_flip, "digest", False),
        (_remove, "is missing", True),
        (_remove_all, "not a run folder", True),
        (_newer, "has layout 99", True),
        (_not_exported, "was not written by", True),
    ],
)
def test_broken_weights_give_a_sentence_and_stay_alone(
    copied: Spirals, damage: Callable[[Path], None], message: str, listed: bool
) -> None:
    """Whatever is wrong with a shipped folder is said in a sentence, and the listing has all others."""
    damage(copied.weights)
    with pytest.raises(RunError, match=message) as failed:
        galaxynet.load("spirals")
    assert "galaxynet-spirals" in str(failed.value)
    rows = json.loads(run_here("plugins", "--format", "json").stdout)
    problems = {(row["kind"], row["name"]): row["problem"] for row in rows}
    assert bool(problems["weights", "spirals"]) is listed
    assert problems["model", "spirals"] == ""
    assert problems["model", "galaxy_alexnet"] == ""
    checked = run_here("plugins", "--check")
    assert checked.returncode == 1  # with --check the digest is compared, too
    assert "spirals" in checked.stdout


def test_weights_of_an_older_network_do_not_fit(copied: Spirals) -> None:
    """Weights that do not fit the installed network name it and its version."""
    model = copied.project / "galaxynet_spirals" / "model.py"
    model.write_text(model.read_text().replace("AdaptiveAvgPool2d(4)", "AdaptiveAvgPool2d(2)"))
    model.write_text(model.read_text().replace("16 * options.width", "4 * options.width"))
    with pytest.raises(RunError, match=r"spirals is not that of galaxynet-spirals 1\.2"):
        galaxynet.load("spirals")


def test_a_spec_for_a_newer_contract_is_listed_as_broken(copied: Spirals) -> None:
    """A plugin of a newer contract is listed with its problem, and its weights are unknown with a hint."""
    spec = copied.project / "galaxynet_spirals" / "__init__.py"
    spec.write_text(spec.read_text().replace('dataset="galaxy-zoo",', 'dataset="galaxy-zoo", contract=99,'))
    assert "asks for version 99" in " ".join(run_here("plugins").stdout.split())
    with pytest.raises(RunError, match=r"galaxynet-spirals does not load"):
        galaxynet.load("spirals")
