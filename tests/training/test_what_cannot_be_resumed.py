"""Runs that `--resume` refuses, and what it says."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest
import torch
from interrupting import interrupted, train

import galaxynet
from galaxynet.errors import RunError
from galaxynet.locks import Lock
from galaxynet.runs.lock import locked
from galaxynet.training.builders import build_network
from galaxynet.training.checkpoint import AtomicCheckpointIO, checkpoint_to_resume
from galaxynet.training.config import Components
from galaxynet.training.metrics_file import ROWS

pytestmark = pytest.mark.usefixtures("toys")


@pytest.mark.promise("Interruptions")
def test_a_damaged_checkpoint_is_named() -> None:
    """A damaged checkpoint is named with the way out, and the record does not change."""
    run = interrupted(1)
    before = (run.path / "run.json").read_text()
    last = run.checkpoint("last")
    last.write_bytes(last.read_bytes()[:500])
    with pytest.raises(RunError, match=rf"last\.ckpt is damaged.*--like {run.record.id}"):
        galaxynet.train("toynet", resume=run.record.id)
    assert (run.path / "run.json").read_text() == before


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize("part", ["callbacks", "optimizer_states", "state_dict", ROWS])
def test_a_checkpoint_that_does_not_fit_is_named(part: str) -> None:
    """A checkpoint whose contents make no sense is named with the way out."""
    run = interrupted(1)
    kept = torch.load(run.checkpoint("last"), weights_only=True)
    kept[part] = {name: {"a": 1} for name in kept[part]} if isinstance(kept[part], dict) else [{"a": "b"}]
    torch.save(kept, run.checkpoint("last"))
    with pytest.raises(RunError, match=rf"last\.ckpt.*--like {run.record.id}"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize("emptied", ["loops", "fit_loop", "epoch_progress"])
def test_a_checkpoint_without_its_epochs_is_named(emptied: str) -> None:
    """A checkpoint that lacks how far the training was is refused, and does not begin again unasked."""
    run = interrupted(1)
    kept = torch.load(run.checkpoint("last"), weights_only=True)
    holder = {"loops": kept, "fit_loop": kept["loops"]}.get(emptied, kept["loops"]["fit_loop"])
    holder[emptied] = {}
    torch.save(kept, run.checkpoint("last"))
    with pytest.raises(RunError, match=rf"last\.ckpt.*--like {run.record.id}"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Several processes")
def test_two_processes_do_not_go_on_with_one_run() -> None:
    """While one process continues a run, another is refused."""
    run = interrupted(1)
    with (
        locked(run),
        pytest.raises(RunError, match="Another process"),
        locked(run),
    ):
        pass


@pytest.mark.promise("Several processes")
def test_a_run_that_another_process_has_finished_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that another process resumes and finishes while this one prepares its data is left as it is."""
    run = interrupted(1)
    finished: list[Any] = []

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr("galaxynet.training.fit.build_network", build_network)
        finished.append(galaxynet.train("toynet", resume=run.record.id))
        return build_network(*args)

    monkeypatch.setattr("galaxynet.training.fit.build_network", meanwhile)
    with pytest.raises(RunError, match="has continued the run"):
        galaxynet.train("toynet", resume=run.record.id)
    assert galaxynet.find_run(run.record.id).record == finished[0].record


@pytest.mark.promise("Interruptions")
def test_a_run_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resuming a run on a read-only disk is refused in one sentence, which names the folder."""
    run = interrupted(1)

    def read_only(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(run.path / ".lock"))

    monkeypatch.setattr(Lock, "acquire", read_only)
    with pytest.raises(RunError, match=f"cannot be written: Read-only file system .{run.path}"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Interruptions")
def test_a_full_disk_is_called_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full during a training is named as such, with the command that goes on."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(AtomicCheckpointIO, "save_checkpoint", full)
    with pytest.raises(RunError, match=r"The disk is full .*Make room.*--resume"):
        train()


def test_a_run_that_seems_to_run_elsewhere_can_be_forced() -> None:
    """A run that died on another machine is refused; the error names the flag that continues it anyway."""
    run = interrupted(1)
    run.record.status, run.record.environment.host = "running", "elsewhere"
    plan = Components.load("toynet").plan({}, like=run.record)
    with pytest.raises(RunError, match=r"on elsewhere.*--force"):
        checkpoint_to_resume(run, plan)
    assert checkpoint_to_resume(run, plan, force=True) == run.checkpoint("last")


def test_a_finished_run_is_not_resumed() -> None:
    """Resuming what is finished is refused, with the way to train it again."""
    run = train(epochs=1)
    with pytest.raises(RunError, match=rf"finished.*--like {run.record.id}"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Measurements")
def test_other_data_are_not_resumed_on() -> None:
    """A run is not resumed on data that changed: no run mixes two test sets."""
    run = interrupted(1)
    run.record.options.dataset["samples"] = 160
    run.save()
    with pytest.raises(RunError, match="have changed since the run"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Measurements")
def test_other_data_to_learn_from_are_noticed() -> None:
    """A run is not resumed when only its training data changed."""
    run = interrupted(1)
    run.record.data["colours"] = 1
    assert galaxynet.train("toynet", resume=run.record.id).record.status == "finished"  # no notes any more
    again = interrupted(1)
    again.record.data["images"] = 119
    again.save()
    with pytest.raises(RunError, match="have changed since the run"):
        galaxynet.train("toynet", resume=again.record.id)
