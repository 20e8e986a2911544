from __future__ import annotations

import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import galaxynet
from galaxynet.errors import RunError, UsageError
from galaxynet.training.callbacks import EpochSeeds
from galaxynet.training.checkpoints import WholeFiles
from galaxynet.training.plan import Parties
from galaxynet.training.resuming import checkpoint_to_resume, only_this_process

pytestmark = pytest.mark.usefixtures("toys")


def train(**options: Any) -> Any:
    return galaxynet.train("toynet", **{"epochs": 2, "lr": 0.01, **options})


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that trains and is interrupted when an epoch begins."""

    def train_until(epoch: int, **options: Any) -> Any:
        plain = EpochSeeds.on_train_epoch_start

        def start(self: EpochSeeds, trainer: Any, module: Any) -> None:
            if trainer.current_epoch == epoch:
                signal.raise_signal(signal.SIGINT)
            plain(self, trainer, module)

        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
        with monkeypatch.context() as patched:
            patched.setattr(EpochSeeds, "on_train_epoch_start", start)
            return train(**options)

    return train_until


@pytest.mark.promise("Interruptions")
def test_an_interrupted_run_repeats_an_uninterrupted_one(interrupted: Callable[..., Any]) -> None:
    """An interrupted and resumed run ends with the metrics of an uninterrupted one, to the last digit."""
    options = {"epochs": 4, "dropout": 0.3, "schedule": "one-cycle", "seed": 2}
    whole = train(**options)
    run = interrupted(2, **options)
    assert run.record.status == "interrupted"
    assert "test/accuracy" not in run.record.metrics
    spent = run.record.seconds["train"]
    done = galaxynet.train("toynet", resume=run.record.id)
    assert done.path == run.path
    assert done.record.status == "finished"
    assert done.record.metrics == whole.record.metrics
    assert done.metrics() == whole.metrics()
    assert done.record.seconds["train"] > spent


@pytest.mark.promise("Interruptions")
def test_a_run_that_was_interrupted_in_its_test_loses_nothing() -> None:
    """A run interrupted in its test resumes with the test alone and keeps every epoch's metrics."""
    run = train(epochs=2)
    before = dict(run.record.metrics)
    run.record.status, run.record.metrics = "interrupted", {}
    run.save()
    done = galaxynet.train("toynet", resume=run.record.id)
    assert done.record.status == "finished"
    assert done.record.metrics == before


@pytest.mark.promise("Interruptions")
def test_resuming_costs_one_epoch_at_most(interrupted: Callable[..., Any]) -> None:
    """Resuming repeats at most one epoch."""
    run = interrupted(5, epochs=6, lr=1e-12)
    assert torch.load(run.checkpoint("last"), weights_only=True)["epoch"] == 4
    assert torch.load(run.checkpoint("best"), weights_only=True)["epoch"] == 0


def test_a_run_is_resumed_as_what_it_is(distribution: Any, interrupted: Callable[..., Any]) -> None:
    """Another network is not trained into a run's folder, and the record stays as it was."""
    distribution(
        "others",
        {"others": "import dataclasses, toys\nSPEC = dataclasses.replace(toys.NET, name='other')"},
        {"galaxynet.models": {"other": "others:SPEC"}},
    )
    run = interrupted(1)
    before = (run.path / "run.json").read_text()
    with pytest.raises(UsageError, match="trains the network toynet, not other"):
        galaxynet.train("other", resume=run.record.id)
    assert (run.path / "run.json").read_text() == before


@pytest.mark.promise("Interruptions")
def test_a_damaged_checkpoint_is_named(interrupted: Callable[..., Any]) -> None:
    """A damaged checkpoint is named with the way out, and the record stays as it was."""
    run = interrupted(1)
    before = (run.path / "run.json").read_text()
    last = run.checkpoint("last")
    last.write_bytes(last.read_bytes()[:500])
    with pytest.raises(RunError, match=rf"last\.ckpt cannot be read.*--like {run.record.id}"):
        galaxynet.train("toynet", resume=run.record.id)
    assert (run.path / "run.json").read_text() == before


def test_a_checkpoint_that_is_gone_is_not_passed_over(interrupted: Callable[..., Any]) -> None:
    """A run whose ended epochs have no checkpoint any more is refused, not begun again without a word."""
    run = interrupted(1)
    run.checkpoint("last").unlink()
    with pytest.raises(RunError, match=r"is gone.*--like"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Several processes")
def test_two_processes_do_not_go_on_with_one_run(interrupted: Callable[..., Any]) -> None:
    """While one process continues a run, another is refused."""
    run = interrupted(1)
    with (
        only_this_process(run),
        pytest.raises(RunError, match="Another process"),
        only_this_process(run),
    ):
        pass


def test_a_run_that_seems_to_run_elsewhere_can_be_forced(interrupted: Callable[..., Any]) -> None:
    """A run that died on another machine is refused with the flag that goes on with it all the same."""
    run = interrupted(1)
    run.record.status, run.record.environment.host = "running", "elsewhere"
    plan = Parties.of("toynet").plan({}, like=run.record)
    with pytest.raises(RunError, match=r"on elsewhere.*--force"):
        checkpoint_to_resume(run, plan)
    assert checkpoint_to_resume(run, plan, force=True) == run.checkpoint("last")


def test_a_finished_run_is_not_resumed() -> None:
    """Resuming what is finished is refused, with the way to train it again."""
    run = train(epochs=1)
    with pytest.raises(RunError, match=rf"finished.*--like {run.record.id}"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Measurements")
def test_other_data_are_not_resumed_on(interrupted: Callable[..., Any]) -> None:
    """A run is not resumed on data that changed: no run mixes two test sets."""
    run = interrupted(1)
    run.record.options.dataset["samples"] = 160
    run.save()
    with pytest.raises(RunError, match="not those that the run"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Measurements")
def test_other_data_to_learn_from_are_noticed(interrupted: Callable[..., Any]) -> None:
    """A run is not resumed when only its training data changed."""
    run = interrupted(1)
    run.record.data["colours"] = 1
    assert galaxynet.train("toynet", resume=run.record.id).record.status == "finished"  # not told of any more
    again = interrupted(1)
    again.record.data["images"] = 119
    again.save()
    with pytest.raises(RunError, match="not those that the run"):
        galaxynet.train("toynet", resume=again.record.id)


@pytest.mark.promise("Interruptions")
def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    """On a full disk the last complete checkpoint stays, and nothing is left beside it."""
    path = tmp_path / "kept" / "last.ckpt"
    WholeFiles().save_checkpoint({"epoch": 1}, path)
    big = {"epoch": 2, "weights": torch.zeros(100_000)}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            WholeFiles().save_checkpoint(big, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["last.ckpt"]
