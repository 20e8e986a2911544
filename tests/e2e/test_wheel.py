"""The package as others get it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("wheel")  # built once for all of them
ROOT = Path(__file__).parents[2]
SHIPPED = ("weights.safetensors", "run.json", "card.md", "novelty.npz")
MORE_WEIGHTS = "galaxynet_galaxy_votes/weights/one-more"
MOST_WEIGHTS = 4_000_000
"""Bytes of the weights of one network."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the project, in which a network has one more folder of weights."""
    folder, project = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("project")
    for name in ("galaxynet", "plugins"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".gitignore"):
        shutil.copy(ROOT / name, project)
    weights = project / "plugins" / MORE_WEIGHTS
    weights.mkdir(parents=True)
    for name in SHIPPED:
        (weights / name).write_bytes(b"a file of exported weights")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(project)], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.mark.promise("Environment")
@pytest.mark.slow
def test_a_wheel_brings_the_plugins_and_works(wheel: Path, tmp_path: Path) -> None:
    """A wheel in an empty environment brings the command and every built-in plugin."""
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    site = next(environment.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # The dependencies (gigabytes) are those of this environment; galaxynet itself must not come from there.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    check = """
import json, pathlib, sys
from importlib import import_module
from galaxynet import registry
found = {}
for kind in registry.GROUPS:
    for plugin in registry.plugins(kind):
        spec = plugin.load()
        found[f"{kind} {plugin.name}"] = import_module(spec.module.partition(":")[0]).__file__
from galaxynet.runs import shipped_weights
weights = {shipped.names[0]: str(shipped.open(verify=True).path) for shipped in shipped_weights()}
print(json.dumps([found, weights]))
"""
    python = environment / "bin" / "python"
    done = subprocess.run([python, "-c", check], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    origins, weights = json.loads(done.stdout)
    assert {"model galaxy_alexnet", "dataset galaxy-zoo", "dataset galaxy-sim"} <= set(origins)
    assert all(Path(path).is_relative_to(environment) for path in (*origins.values(), *weights.values()))
    assert all((Path(folder) / "card.md").is_file() for folder in weights.values())
    shown = subprocess.run(
        [python, "-m", "galaxynet.cli.main", "plugins"], capture_output=True, text=True, cwd=tmp_path
    )
    assert "galaxy_alexnet" in shown.stdout


def test_a_wheel_holds_what_belongs_there(wheel: Path) -> None:
    """The wheel has core, plugins with their weights, and licence; no tests, no data; it is small."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        sizes = {member.filename: member.compress_size for member in archive.infolist()}
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert "galaxynet" in tops
    assert all(top.startswith("galaxynet") for top in tops)
    assert "galaxynet/py.typed" in names
    templates = ("base.html.j2", "page.html.j2", "pictures.html.j2", "page.css", "page.js")
    assert {f"galaxynet/report/html/templates/{name}" for name in templates} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {f"{MORE_WEIGHTS}/{name}" for name in SHIPPED} <= set(names)
    folders: Counter[str] = Counter()
    for name, size in sizes.items():
        if "/weights/" in name:
            folders[name.rpartition("/")[0]] += size
    assert all(size <= MOST_WEIGHTS for size in folders.values())
    assert wheel.stat().st_size - folders.total() < 1_000_000
