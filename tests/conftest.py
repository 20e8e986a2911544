"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import settings

from galaxynet import registry, terminal

pytest_plugins = ["browser", "in_process", "toy_plugins", "undrawn", "warm_process"]

# A shell that starts the tests in the background has them ignore Ctrl-C, and nohup has them ignore SIGHUP; so
# would all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Threads of several processes that share few cores wait for one another ten times as long as they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The commands that the tests start need not compile the package again, each of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says more of the machine's load than of the code.
settings.register_profile("galaxynet", deadline=None)
settings.load_profile("galaxynet")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Half as many workers again as cores: many tests wait for a process, a pause or a time-out."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ or not hasattr(os, "sched_getaffinity"):
        return None
    return len(os.sched_getaffinity(0)) * 3 // 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that no worker is left with one at the end; otherwise in random order."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


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
def _own_signals() -> None:
    """Let no test end the Ray of another: its handler, which stays, would stop the cluster at a SIGTERM."""
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep every test away from the data and the runs of the person who runs it."""
    monkeypatch.setenv("GALAXYNET_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GALAXYNET_RUNS", str(tmp_path / "runs"))
    for variable in ("GALAXYNET_PLUGINS", "GALAXYNET_DEBUG", "COLUMNS", "LINES"):
        monkeypatch.delenv(variable, raising=False)
    # A console takes its width from the environment when it is made.
    terminal.messages.cache_clear()
    terminal.set_quiet(False)


class Distribution(Protocol):
    """Makes a distribution and puts it on the path."""

    def __call__(
        self,
        name: str,
        modules: dict[str, str],
        entry_points: dict[str, dict[str, str]],
        version: str = "1.0",
    ) -> Path: ...


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Distribution]:
    """A function that makes an installed package of given modules and entry points, as pip would leave it.

    It is found in this process and in the commands that the test starts.
    """
    created: list[str] = []

    def make(
        name: str, modules: dict[str, str], entry_points: dict[str, dict[str, str]], version: str = "1.0"
    ) -> Path:
        folder = tmp_path / "site" / name
        for module, text in modules.items():
            path = folder / f"{module.replace('.', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
            created.append(module.split(".")[0])
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [
            line
            for group, points in entry_points.items()
            for line in (f"[{group}]", *(f"{key} = {value}" for key, value in points.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(str(folder))
        before = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{before}" if before else str(folder))
        registry.clear_cache()
        return folder

    yield make
    registry.clear_cache()
    for module in [known for known in sys.modules if known.split(".")[0] in created]:
        del sys.modules[module]
