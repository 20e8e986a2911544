from __future__ import annotations

import errno
import os
import resource
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

import galaxynet
from galaxynet import atomic
from galaxynet.errors import RunError, UsageError
from galaxynet.locks import Lock
from galaxynet.runs.lock import locked
from galaxynet.training.builders import build_network
from galaxynet.training.callbacks import EpochSeeds
from galaxynet.training.checkpoint import AtomicCheckpointIO, checkpoint_to_resume
from galaxynet.training.config import Components
from galaxynet.training.metrics_file import ROWS

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
def test_resuming_costs_one_epoch_at_most(interrupted: Callable[..., Any]) -> None:
    """Resuming repeats at most one epoch."""
    run = interrupted(5, epochs=6, lr=1e-12)
    assert torch.load(run.checkpoint("last"), weights_only=True)["epoch"] == 4
    assert torch.load(run.checkpoint("best"), weights_only=True)["epoch"] == 0


def test_a_run_is_resumed_as_what_it_is(distribution: Any, interrupted: Callable[..., Any]) -> None:
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
def test_a_damaged_checkpoint_is_named(interrupted: Callable[..., Any]) -> None:
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
def test_a_checkpoint_that_does_not_fit_is_named(interrupted: Callable[..., Any], part: str) -> None:
    """A checkpoint whose contents make no sense is named with the way out."""
    run = interrupted(1)
    kept = torch.load(run.checkpoint("last"), weights_only=True)
    kept[part] = {name: {"a": 1} for name in kept[part]} if isinstance(kept[part], dict) else [{"a": "b"}]
    torch.save(kept, run.checkpoint("last"))
    with pytest.raises(RunError, match=rf"last\.ckpt.*--like {run.record.id}"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Strangers' files")
@pytest.mark.parametrize("emptied", ["loops", "fit_loop", "epoch_progress"])
def test_a_checkpoint_without_its_epochs_is_named(interrupted: Callable[..., Any], emptied: str) -> None:
    """A checkpoint that lacks how far the training was is refused, and does not begin again unasked."""
    run = interrupted(1)
    kept = torch.load(run.checkpoint("last"), weights_only=True)
    holder = {"loops": kept, "fit_loop": kept["loops"]}.get(emptied, kept["loops"]["fit_loop"])
    holder[emptied] = {}
    torch.save(kept, run.checkpoint("last"))
    with pytest.raises(RunError, match=rf"last\.ckpt.*--like {run.record.id}"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Interruptions")
def test_a_run_without_a_checkpoint_begins_again(
    interrupted: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A run without a checkpoint resumes with its first epoch, and says so."""
    run = interrupted(1)
    run.checkpoint("last").unlink()
    done = galaxynet.train("toynet", resume=run.record.id)
    assert "no epoch was kept, so training starts again with the first" in capsys.readouterr().err
    assert done.metrics() == train().metrics()


class Killed(NamedTuple):
    """When a training is killed: while it writes `file` for the `number`th time."""

    file: str
    number: int


def train_until(killed: Killed, **options: Any) -> None:
    """Train in another process, which is killed by SIGKILL in the middle of a write."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # the child of threads has one thread, and needs no more
        child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        return
    try:
        written, plain = 0, atomic.write_bytes

        def write(path: Path, content: bytes | memoryview) -> None:
            nonlocal written
            written += path.name == killed.file
            if written == killed.number:
                path.with_name(f".{path.name}.abc.tmp").write_bytes(content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            plain(path, content)

        atomic.write_bytes = write
        train(**options)
    finally:
        os._exit(1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute with one thread: those of a pool do not survive a fork."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.promise("Interruptions")
@pytest.mark.usefixtures("one_thread")
def test_a_run_killed_in_any_write_repeats_an_uninterrupted_one() -> None:
    """A run killed at any write of an epoch and resumed equals an uninterrupted one, to the last digit."""
    options = {"epochs": 3, "lr": 0.05, "dropout": 0.3, "schedule": "one-cycle", "seed": 2}
    whole = train(**options)
    scores = [row["val/accuracy"] for row in whole.metrics()]
    bests = sum(score > max(scores[:epoch], default=0.0) for epoch, score in enumerate(scores))
    assert all({"train/loss", "train/accuracy", "val/loss", "lr"} <= row.keys() for row in whole.metrics())
    for killed in (
        *(Killed("best.ckpt", number + 1) for number in range(bests)),
        *(Killed("last.ckpt", number) for number in (1, 2, 3)),
        *(Killed("metrics.csv", number) for number in (1, 2, 3, 4, 6)),  # twice an epoch: validated, ended
    ):
        train_until(killed, **options)
        run = galaxynet.find_run("last")
        assert (run.status, len(list(run.path.rglob(".*.tmp")))) == ("interrupted", 1), killed
        done = galaxynet.train("toynet", resume=run.record.id)
        assert done.record.metrics == whole.record.metrics, killed
        assert done.metrics() == whole.metrics(), killed
        assert done.record.epochs == whole.record.epochs, killed
        assert done.predictions() == whole.predictions(), killed
        assert not list(run.path.rglob(".*.tmp")), killed


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
def test_a_run_of_an_earlier_version_is_resumed(interrupted: Callable[..., Any]) -> None:
    """A run of galaxynet 0.1.0, whose checkpoints have no metrics, resumes with the rows of its file."""
    whole = train(epochs=3)
    run = interrupted(2, epochs=3)
    kept = torch.load(run.checkpoint("last"), weights_only=True)
    del kept[ROWS]
    torch.save(kept, run.checkpoint("last"))
    assert galaxynet.train("toynet", resume=run.record.id).metrics() == whole.metrics()


@pytest.mark.promise("Interruptions")
def test_a_run_whose_updates_were_not_grouped_is_resumed(
    interrupted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
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
    epochs: int, interrupted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with several updates in a training step resumes to the last digit."""
    whole = train(epochs=3)
    monkeypatch.setattr("toy_model.Net.updates_per_step", 4)
    run = interrupted(epochs, epochs=3)
    resumed = galaxynet.train("toynet", resume=run.record.id)
    assert resumed.metrics() == whole.metrics()
    assert resumed.record.steps == whole.record.steps


@pytest.mark.promise("Interruptions")
def test_a_run_may_be_moved_and_resumed(interrupted: Callable[..., Any], tmp_path: Path) -> None:
    """An interrupted run that was moved to another folder resumes with its best score."""
    options = {"epochs": 4, "lr": 1e-12}  # the first epoch stays the best
    whole = train(**options)
    run = interrupted(2, **options)
    moved = run.path.rename(tmp_path / run.path.name)
    done = galaxynet.train("toynet", resume=str(moved))
    assert done.record.metrics == whole.record.metrics
    assert torch.load(done.checkpoint("best"), weights_only=True)["epoch"] == 0


@pytest.mark.promise("Interruptions")
def test_the_best_score_is_that_of_the_weights(interrupted: Callable[..., Any]) -> None:
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


@pytest.mark.promise("Several processes")
def test_two_processes_do_not_go_on_with_one_run(interrupted: Callable[..., Any]) -> None:
    """While one process continues a run, another is refused."""
    run = interrupted(1)
    with (
        locked(run),
        pytest.raises(RunError, match="Another process"),
        locked(run),
    ):
        pass


@pytest.mark.promise("Several processes")
def test_a_run_that_another_process_has_finished_meanwhile_stays(
    interrupted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
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
def test_a_run_folder_that_cannot_be_written_is_named(
    interrupted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_run_that_seems_to_run_elsewhere_can_be_forced(interrupted: Callable[..., Any]) -> None:
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
def test_other_data_are_not_resumed_on(interrupted: Callable[..., Any]) -> None:
    """A run is not resumed on data that changed: no run mixes two test sets."""
    run = interrupted(1)
    run.record.options.dataset["samples"] = 160
    run.save()
    with pytest.raises(RunError, match="have changed since the run"):
        galaxynet.train("toynet", resume=run.record.id)


@pytest.mark.promise("Measurements")
def test_other_data_to_learn_from_are_noticed(interrupted: Callable[..., Any]) -> None:
    """A run is not resumed when only its training data changed."""
    run = interrupted(1)
    run.record.data["colours"] = 1
    assert galaxynet.train("toynet", resume=run.record.id).record.status == "finished"  # no notes any more
    again = interrupted(1)
    again.record.data["images"] = 119
    again.save()
    with pytest.raises(RunError, match="have changed since the run"):
        galaxynet.train("toynet", resume=again.record.id)


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
