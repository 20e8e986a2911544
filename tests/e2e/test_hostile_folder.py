"""Commands that start processes, in a folder of Python files named like the modules that they import."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import galaxynet
from galaxynet.runs import Run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("toys")]

COMMAND = (str(Path(sys.executable).with_name("galaxynet")),)
MODULE = (sys.executable, "-m", "galaxynet")
INNER_MODULE = (sys.executable, "-m", "galaxynet.cli.main")

# All but what Python imports itself for `-m` (contextlib, functools, types, ...), before galaxynet is asked.
NAMES = re.findall(
    r"\w+",
    """
    __future__ ast base64 bisect calendar copy csv cv2 dataclasses datetime difflib dis email enum filelock
    galaxynet_galaxy_zoo gzip hashlib heapq html http inspect ipaddress jinja2 json kaggle lightning
    lightning_utilities logging matplotlib mpmath multiprocessing networkx numbers numpy pathlib pickle
    platform pydantic queue random re requests rich secrets selectors shlex shutil signal sitecustomize socket
    string struct subprocess sympy tempfile textwrap threading tokenize torch torchmetrics traceback typer
    typing typing_extensions urllib uuid weakref yaml zipfile
    """,
)

CLAIMS = """
from galaxynet_reproduce import Claim, Reaches
from galaxynet.plugin import ModelSpec
from toys import NetOptions

SPEC = ModelSpec(name="papernet", summary="a net", options=NetOptions, module="toy_model:Net",
                 dataset="blobs", claims="paper:CLAIMS")
CLAIMS = (
    Claim(name="blobs/accuracy", says="It finds some.", source="a paper", arms={"net": {"epochs": 1}},
          rule=Reaches(arm="net", metric="test/accuracy", value=0.1), seeds=1),
)
"""


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Go to a folder of such files; gives a function that says which of them were imported."""
    folder, marks = tmp_path / "folder", tmp_path / "marks"
    folder.mkdir()
    marks.mkdir()
    assert len(NAMES) > 50
    for name in NAMES:
        mark = str(marks / name)
        (folder / f"{name}.py").write_text(f"open({mark!r}, 'w').close()\nraise ImportError('hostile')\n")
    monkeypatch.chdir(folder)
    return lambda: sorted(mark.name for mark in marks.iterdir())


def call(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return [int(child) for child, parent, state in rows if int(parent) == pid and not state.startswith("Z")]


def killed_when(true: Callable[[int], bool], *words: str) -> float:
    """Kill a command at a moment; the seconds until all processes that it had started are gone."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        try:
            while not true(process.pid):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            started = children(process.pid)
        finally:
            process.kill()
    since = time.monotonic()
    while time.monotonic() - since < 30:
        listed = subprocess.run(
            ["ps", "-o", "stat=", "-p", ",".join(map(str, started))], capture_output=True, text=True
        )
        if all(state.startswith("Z") for state in listed.stdout.split()):
            break
        time.sleep(0.1)
    return time.monotonic() - since


def training(pid: int) -> bool:
    """Whether a run has ended its first epoch."""
    return any(isinstance(run, Run) and run.metrics() for run in galaxynet.list_runs())


@pytest.mark.promise("Strangers' files")
def test_simulator(imported: Callable[[], list[str]], tmp_path: Path) -> None:
    """`fetch galaxy-sim` imports no file of the current directory, and kill -9 leaves no process of it."""
    data = tmp_path / "data"

    def simulating(pid: int) -> bool:
        images = list(data.rglob("images_training_rev1.zip"))
        return bool(images) and images[0].stat().st_size > 50_000

    words = ("fetch", "galaxy-sim", "--count", "5000", "--data-dir", str(data))
    assert killed_when(simulating, *COMMAND, *words) < 10
    assert imported() == []


@pytest.mark.promise("Strangers' files")
def test_training_in_two_processes(imported: Callable[[], list[str]]) -> None:
    """`train --devices 2` imports no file of the current directory, and kill -9 leaves no process of it."""
    words = (
        "train",
        "toynet",
        "--devices",
        "2",
        "--accelerator",
        "cpu",
        "--epochs",
        "900",
        "--pause",
        "0.05",
    )
    assert killed_when(training, *INNER_MODULE, *words) < 10
    assert imported() == []


@pytest.mark.promise("Strangers' files")
def test_sweep(imported: Callable[[], list[str]]) -> None:
    """`sweep` imports no file of the current directory, called by `python -m` too."""
    call(*MODULE, "sweep", "toynet", "--hidden", "4", "--epochs", "1", "--threads", "1")
    assert imported() == []
    (run,) = galaxynet.list_runs()
    assert run.record.options.training["threads"] == 1
    assert run.record.environment.load is None or run.record.environment.load >= 0


@pytest.mark.promise("Strangers' files")
def test_reproduction(imported: Callable[[], list[str]], distribution: Any) -> None:
    """`reproduce` imports no file of the current directory."""
    distribution("paper", {"paper": CLAIMS}, {"galaxynet.models": {"papernet": "paper:SPEC"}})
    call(*COMMAND, "reproduce", "blobs/accuracy")
    assert imported() == []
    assert len(galaxynet.list_runs()) == 1


@pytest.mark.promise("Strangers' files")
@pytest.mark.xdist_group("ray")
def test_sweep_on_ray(imported: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """`sweep --engine ray` imports no file of the current directory, and kill -9 stops its trials."""
    monkeypatch.setenv("RAY_ADDRESS", "local")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    Path("ray.py").write_text(Path("torch.py").read_text())
    words = ("sweep", "toynet", "--hidden", "4", "--epochs", "900", "--pause", "0.05", "--engine", "ray")
    killed_when(training, *COMMAND, *words)
    (run,) = galaxynet.list_runs()
    assert isinstance(run, Run)
    deadline = time.monotonic() + 30  # Ray's own processes take a while to notice
    while run.status == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.status == "interrupted"
    assert imported() == []
