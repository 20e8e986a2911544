"""Checkpoints that carry a program in place of plain values."""

from __future__ import annotations

import ast
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import galaxynet
from galaxynet.errors import RunError
from galaxynet.evaluation.restore import restore
from galaxynet.runs import Run
from galaxynet.training import checkpoint as resuming

pytestmark = pytest.mark.usefixtures("toys")


class Payload:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def resume(run: Run) -> None:
    galaxynet.train("toynet", resume=run.record.id)


def resume_unchecked(run: Run) -> None:
    """Lightning's own reading of a checkpoint, past the look that galaxynet takes before."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(resuming, "_read_validated", lambda *_: {"epoch": 0})
        with contextlib.suppress(Exception):
            resume(run)
    raise RunError("It cannot be read.")


def first_kernels(run: Run) -> None:
    pytest.importorskip("galaxynet_mnist_cnn.figures").first_kernels(run)


@pytest.mark.promise("Strangers' files")
def test_a_checkpoint_executes_nothing(tmp_path: Path) -> None:
    """A checkpoint with a pickle payload executes nothing, wherever it is opened, and is refused."""
    run = galaxynet.train("toynet", epochs=1)
    plain = {name: run.checkpoint(name).read_bytes() for name in ("best", "last")}
    marker = tmp_path / "executed"
    cases: list[tuple[str, Callable[[Run], object]]] = [
        ("best", restore),
        ("last", lambda run: restore(run, "last")),
        ("best", first_kernels),
        ("last", resume),
        ("best", resume),
        ("last", resume_unchecked),
        ("best", resume_unchecked),
    ]
    for number, (name, reading) in enumerate(cases):
        for each, content in plain.items():
            (run.checkpoints / f"{each}.ckpt").write_bytes(content)
        run.record.status = "interrupted"
        run.save()
        path = run.checkpoints / f"{name}.ckpt"
        kept = torch.load(path, weights_only=True)
        torch.save({"payload": Payload(marker), **kept}, path)
        with pytest.raises(RunError, match=r"damaged or|cannot be read"):
            reading(run)
        assert not marker.exists(), number
    torch.load(path, weights_only=False)
    assert marker.exists()  # it would have


@pytest.mark.promise("Strangers' files")
def test_nothing_reads_pickles() -> None:
    """Every file of PyTorch is read with weights_only, and every file of NumPy without pickles."""
    root = Path(galaxynet.__file__).parents[1]
    checked = 0
    for path in [*root.glob("galaxynet/**/*.py"), *root.glob("plugins/**/*.py")]:
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if "load" in text else ():
            if not isinstance(node, ast.Call):
                continue
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            if ast.unparse(node.func) == "torch.load":
                checked += 1
                assert options.get("weights_only") == "True", (path, node.lineno)
            if ast.unparse(node.func) == "np.load":
                assert options.get("allow_pickle", "False") == "False", (path, node.lineno)
            assert not ast.unparse(node.func).endswith("load_from_checkpoint"), (path, node.lineno)
    assert checked >= 3
