from __future__ import annotations

import resource
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupting import interrupted, train

import galaxynet
from galaxynet.errors import UsageError
from galaxynet.training.checkpoint import AtomicCheckpointIO
from galaxynet.training.metrics_file import ROWS

pytestmark = pytest.mark.usefixtures("toys")


@pytest.mark.promise("Interruptions")
def test_an_interrupted_run_repeats_an_uninterrupted_one() -> None:
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
    assert (done.record.steps, done.record.world_size) == (whole.record.steps, 1)
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
def test_resuming_costs_one_epoch_at_most() -> None:
    """Resuming repeats at most one epoch."""
    run = interrupted(5, epochs=6, lr=1e-12)
    assert torch.load(run.checkpoint("last"), weights_only=True)["epoch"] == 4
    assert torch.load(run.checkpoint("best"), weights_only=True)["epoch"] == 0


def test_a_run_is_resumed_as_what_it_is(distribution: Any) -> None:
    """Another network is not trained into a run's folder, and the record does not change."""
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
def test_a_run_without_a_checkpoint_begins_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A run without a checkpoint resumes with its first epoch, and says so."""
    run = interrupted(1)
    run.checkpoint("last").unlink()
    done = galaxynet.train("toynet", resume=run.record.id)
    assert "no epoch was kept, so training starts again with the first" in capsys.readouterr().err
    assert done.metrics() == train().metrics()


@pytest.mark.promise("Interruptions")
def test_the_rows_of_an_epoch_are_in_its_checkpoint(distribution: Any) -> None:
    """The checkpoint of an epoch has the rows of `metrics.csv`, also of what is not logged in every epoch."""
    distribution(
        "rare",
        {
            "rare": """
                import dataclasses, toys
                SPEC = dataclasses.replace(toys.NET, name="rare", module="rarely:Net")
            """,
            "rarely": """
                from toy_model import Net as Plain
                class Net(Plain):
                    def on_train_epoch_end(self):
                        super().on_train_epoch_end()
                        if self.current_epoch % 2 == 0:
                            self.log("rare", 1.0)
            """,
        },
        {"galaxynet.models": {"rare": "rare:SPEC"}},
    )
    for validation in (0.1, 0.0):
        run = galaxynet.train("rare", epochs=4, validation=validation)
        assert torch.load(run.checkpoint("last"), weights_only=True)[ROWS] == run.metrics()
        assert [row.get("rare") for row in run.metrics()] == [1.0, None, 1.0, None]


@pytest.mark.promise("Interruptions")
def test_a_run_of_an_earlier_version_is_resumed() -> None:
    """A run of galaxynet 0.1.0, whose checkpoints have no metrics, resumes with the rows of its file."""
    whole = train(epochs=3)
    run = interrupted(2, epochs=3)
    kept = torch.load(run.checkpoint("last"), weights_only=True)
    del kept[ROWS]
    torch.save(kept, run.checkpoint("last"))
    assert galaxynet.train("toynet", resume=run.record.id).metrics() == whole.metrics()


@pytest.mark.promise("Interruptions")
def test_a_run_whose_updates_were_not_grouped_is_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that began with one update in a training step resumes with several, to the last digit."""
    whole = train(epochs=3)
    run = interrupted(2, epochs=3)
    monkeypatch.setattr("toy_model.Net.updates_per_step", 4)
    resumed = galaxynet.train("toynet", resume=run.record.id)
    assert resumed.metrics() == whole.metrics()
    assert resumed.record.steps == whole.record.steps


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize("epochs", [1, 2])
def test_a_run_with_grouped_updates_repeats_an_uninterrupted_one(
    epochs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with several updates in a training step resumes to the last digit."""
    whole = train(epochs=3)
    monkeypatch.setattr("toy_model.Net.updates_per_step", 4)
    run = interrupted(epochs, epochs=3)
    resumed = galaxynet.train("toynet", resume=run.record.id)
    assert resumed.metrics() == whole.metrics()
    assert resumed.record.steps == whole.record.steps


@pytest.mark.promise("Interruptions")
def test_a_run_may_be_moved_and_resumed(tmp_path: Path) -> None:
    """An interrupted run that was moved to another folder resumes with its best score."""
    options = {"epochs": 4, "lr": 1e-12}  # the first epoch stays the best
    whole = train(**options)
    run = interrupted(2, **options)
    moved = run.path.rename(tmp_path / run.path.name)
    done = galaxynet.train("toynet", resume=str(moved))
    assert done.record.metrics == whole.record.metrics
    assert torch.load(done.checkpoint("best"), weights_only=True)["epoch"] == 0


@pytest.mark.promise("Interruptions")
def test_the_best_score_is_that_of_the_weights() -> None:
    """The best score is that of the weights in the best checkpoint, also where a kill fell between both."""
    run = interrupted(2, epochs=3)
    for name in ("best", "last"):
        kept = torch.load(run.checkpoint(name), weights_only=True)
        if name == "best":  # that of the epoch in which the process was killed
            kept["epoch"] = 2
        else:
            (state,) = (state for key, state in kept["callbacks"].items() if key.endswith("[best]"))
            state["best_model_score"] = torch.tensor(2.0)  # of weights that were replaced
        torch.save(kept, run.checkpoint(name))
    done = galaxynet.train("toynet", resume=run.record.id)
    assert done.record.metrics["best/val/accuracy"] == done.metrics()[2]["val/accuracy"]


@pytest.mark.promise("Interruptions")
def test_early_stopping_survives_an_interruption() -> None:
    """A run interrupted after early stopping trains no further epoch when it is resumed."""
    run = train(epochs=9, lr=1e-12, patience=2)
    before = run.record
    assert before.epochs == 3
    run.record.status = "interrupted"
    run.save()
    done = galaxynet.train("toynet", resume=run.record.id)
    assert (done.record.epochs, done.record.metrics) == (3, before.metrics)


@pytest.mark.promise("Interruptions")
def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    """On a full disk the last complete checkpoint stays, and nothing is left beside it."""
    path = tmp_path / "kept" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"epoch": 1}, path)
    big = {"epoch": 2, "weights": torch.zeros(100_000)}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limit[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            AtomicCheckpointIO().save_checkpoint(big, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["last.ckpt"]
