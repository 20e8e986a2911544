"""`predict` with full memory, a full disk, or interrupted."""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from in_process import call
from warm_process import WarmProcess

import galaxynet
from galaxynet.catalogue.reading import read_table
from galaxynet.errors import GalaxynetError
from galaxynet.images.input_search import find_inputs
from galaxynet.prediction import job, parts
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.prediction.rows import Catalogue
from galaxynet.runs import Run


def test_the_batch_halves_when_memory_runs_out(
    trained: Run, cutouts: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory, on a GPU or not, the batch is halved and said, and no figure changes."""
    files = sorted(cutouts.glob("*.png"))
    whole = galaxynet.load(trained).predict(files)
    network = applied_network(trained, accelerator="cpu", batch_size=32)
    outputs = network.task.outputs
    for error in (
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("can't allocate memory: 9 bytes"),
    ):
        network.batch_size = 32

        def scarce(inputs: torch.Tensor, error: Exception = error) -> Any:
            if len(inputs) > 2:
                raise error
            return outputs(inputs)

        monkeypatch.setattr(network.task, "outputs", scarce)
        (block,) = Catalogue(find_inputs([str(file) for file in files]), network).blocks()
        np.testing.assert_allclose(block["p_flat"], whole["p_flat"], atol=1e-6)
        assert network.batch_size == 2
        assert "out of memory: continuing with batches of 2" in capsys.readouterr().err

    def none(_: torch.Tensor) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(network.task, "outputs", none)
    with pytest.raises(GalaxynetError, match="Not even one image"):
        list(Catalogue(find_inputs([str(cutouts)]), network).blocks())


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize("fails", ["part", "catalogue", "page"])
def test_a_full_disk_loses_nothing(
    trained: Run,
    cutouts: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    """When the disk is full, `predict` stops with a sentence, leaves no half file and continues later."""
    monkeypatch.setattr(job, "PART_ROWS", 8)
    words = ["predict", trained.path, cutouts, "-o", tmp_path / "c.ecsv", "--gallery", tmp_path / "c.html"]
    words += ["--batch-size", 8]
    with monkeypatch.context() as full:
        written = 0

        def refuse(*_: Any, **__: Any) -> None:
            nonlocal written
            written += 1
            if fails != "part" or written > 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))

        add = parts.Parts.add

        def add_part(self: parts.Parts, number: int, block: Any) -> None:
            refuse()
            add(self, number, block)

        if fails == "part":
            full.setattr(parts.Parts, "add", add_part)
        else:
            full.setattr(job, "write_table" if fails == "catalogue" else "write_page", refuse)
        code, _, err = call(capsys, *words)
    assert code == 1
    assert "No space left on device" in err
    assert "the same command continues" in err
    assert not (tmp_path / "c.html").exists()
    code, _, err = call(capsys, *words)
    assert code == 0
    assert "continuing after" in err
    assert len(read_table(tmp_path / "c.ecsv")) == 30
    left = {path.name for path in tmp_path.iterdir()} - {"cutouts", "data"}
    assert left == {"c.ecsv", "c.html"}


@pytest.mark.slow
@pytest.mark.promise("Interruptions")
def test_an_interrupt_can_be_continued(
    trained: Run, cutouts: Path, tmp_path: Path, warm: WarmProcess
) -> None:
    """Ctrl-C ends `predict` with 130 and a sentence, and the same command continues."""
    code = "import galaxynet.prediction.job as j; j.PART_ROWS = 4; import galaxynet.cli.main as m; m.main()"
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{path}\n" for path in sorted(cutouts.glob("*.jpg"))))
    words = ["predict", str(trained.path), str(listed), "-o", "c.csv", "--batch-size", "2"]
    process = warm.start(*words, folder=tmp_path, code=code)
    first = tmp_path / "c.csv.parts" / "part-000000.npz"
    while process.poll() is None and not first.exists():
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode:  # on a quick machine it may have ended by itself
        assert process.returncode == 130, err
        assert "interrupted" in err
        assert "the same command continues" in err
        assert "Traceback" not in err
        assert json.loads((tmp_path / "c.csv.parts" / "job.json").read_text())["request"]
        assert warm.run(*words, folder=tmp_path, code=code).returncode == 0
    assert len(read_table(tmp_path / "c.csv")) == len(listed.read_text().splitlines())
    assert not (tmp_path / "c.csv.parts").exists()
