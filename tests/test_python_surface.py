"""Everything that the command line does, Python does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import galaxynet
from galaxynet import RunError, UsageError
from galaxynet.paths import data_dir

SCRIPT = """
from pathlib import Path

import torch

import galaxynet
from galaxynet import Evaluation, GalaxynetError, Run, TrainedModel

folder: Path = galaxynet.fetch("galaxy-sim", count=60).folder
run: Run = galaxynet.train("galaxy_alexnet", dataset="galaxy-sim", act="tanh", epochs=1)
accuracy: float | None = run.record.metrics["test/accuracy"]
runs: list[Run] = galaxynet.sweep("galaxy_alexnet", act=["relu", "tanh"], seeds=2)
rows = galaxynet.compare(run, *runs, columns=["run", "accuracy", "low", "high"])
paths: list[Path] = galaxynet.figures(run, kinds=["confusion"], formats=["png"])
evaluation: Evaluation = galaxynet.evaluate(run, against="last")
error: float = evaluation.classification.uncalibrated.error.value if evaluation.classification else 0.0
model: TrainedModel = galaxynet.load(run)
outputs: torch.Tensor = model.network(torch.zeros(1, 1, 60, 60))
text: str = "".join(galaxynet.generate("last", length=20))
try:
    galaxynet.find_run("nothing")
except GalaxynetError as error:
    print(error.message, error.hint, galaxynet.__version__)
"""


def test_every_public_name_is_there() -> None:
    """Each name of `galaxynet.__all__` can be imported, and is listed; no module would take its place."""
    for name in galaxynet.__all__:
        assert getattr(galaxynet, name) is not None
    assert set(galaxynet.__all__) <= set(dir(galaxynet))
    # Once it is imported, a submodule is an attribute of the package.
    assert not set(galaxynet.__all__) & {path.stem for path in Path(galaxynet.__file__).parent.iterdir()}


def test_importing_galaxynet_imports_next_to_nothing() -> None:
    """`import galaxynet` loads no PyTorch, and not even the functions, until one is used."""
    code = "import galaxynet, sys; print([m for m in sys.modules if m.startswith(('galaxynet', 'torch'))])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "['galaxynet']\n"


@pytest.mark.slow
def test_a_users_script_is_typed(tmp_path: Path) -> None:
    """A script that uses every function passes `mypy --strict` against the installed package."""
    (tmp_path / "script.py").write_text(SCRIPT)
    words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run([*words, "script.py"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("toys")
def test_a_run_is_compared_drawn_and_loaded(tmp_path: Path) -> None:
    """`compare`, `figures` and `load` take runs, ids, names and folders, and return plain objects."""
    first = galaxynet.train("toynet", epochs=1, hidden=4, name="small")
    galaxynet.train("toynet", epochs=1, hidden=8, name="large")
    rows = galaxynet.compare(columns=["run", "hidden", "accuracy"], sort="hidden")
    assert [(row["run"], row["hidden"]) for row in rows] == [("small", 4), ("large", 8)]
    assert galaxynet.compare(first, "large", where=["hidden>4"])[0]["hidden"] == 8
    with pytest.raises(RunError, match="no run 'smal'"):
        galaxynet.compare("smal", "x")
    with pytest.raises(UsageError, match="names its runs itself"):
        galaxynet.compare(first, sweep="twelve")
    written = galaxynet.figures("small", kinds=["confusion"], formats=["svg"])
    assert written == [first.path / "figures" / "confusion.svg"]
    together = galaxynet.figures(
        "small", "large", kinds=["learning-curves"], formats=["png"], out=tmp_path / "f"
    )
    assert [path.name for path in together] == ["toynet-learning-curves.png"]
    model = galaxynet.load("small")
    assert not model.network.training
    assert model.run.record.id == first.record.id
    with torch.no_grad():
        assert model.network(torch.zeros(2, *model.task.data_info.input_shape)).shape == (2, 3)


def test_a_dataset_is_fetched() -> None:
    """`fetch` puts a dataset where training looks for it, once, and refuses what does not exist."""
    outcome = galaxynet.fetch("galaxy-sim", count=12)
    assert outcome.folder == data_dir() / "galaxy-sim"
    assert outcome.fetched
    assert not galaxynet.fetch("galaxy-sim", count=12).fetched
    with pytest.raises(UsageError, match="no dataset 'galaxi'"):
        galaxynet.fetch("galaxi")
