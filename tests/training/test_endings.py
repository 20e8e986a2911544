"""How trainings end, and what their records say of it."""

from __future__ import annotations

from typing import Any

import pytest
from lightning.pytorch import Trainer

import galaxynet
from galaxynet import runs
from galaxynet.errors import RunError
from galaxynet.report import run_summary
from galaxynet.runs import Run
from galaxynet.training import builders
from galaxynet.training import fit as training


def train(**options: Any) -> Run:
    return galaxynet.train("toynet", **{"epochs": 2, "lr": 0.01, **options})


pytestmark = pytest.mark.usefixtures("toys")

GAPS = [
    "print_start",
    "process_group",
    "MetricsFile",
    "ProgressBar",
    "earlier_rows",
    "build_trainer",
    "Throughput",
]


@pytest.mark.promise("Environment")
@pytest.mark.parametrize("name", GAPS)
@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()], ids=["error", "exit"])
def test_whatever_raises_is_recorded(
    monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    """Whatever fails once the run folder exists, no run stays `running`."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(run_summary if name == "print_start" else training, name, fail)
    with pytest.raises((ValueError, RunError)):
        train()
    (run,) = galaxynet.list_runs()
    assert isinstance(run, Run)
    assert run.record.status == "failed"


@pytest.mark.promise("Environment")
def test_a_run_never_begun_does_not_say_that_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run says that it is running only while something sees to it that this is changed."""
    plain, seen = runs.create, []

    def create(*arguments: Any) -> Any:
        run = plain(*arguments)
        seen.append(Run.open(run.path).record.status)
        return run

    monkeypatch.setattr(runs, "create", create)
    train(epochs=1)
    assert seen == ["interrupted"]


@pytest.mark.promise("Environment")
@pytest.mark.parametrize(
    ("setting", "value", "steps"), [("limit_train_batches", 1, 2), ("max_steps", 3, 3), ("max_epochs", 1, 6)]
)
def test_another_training_than_asked_for_is_not_finished(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: int, steps: int
) -> None:
    """A training that took other steps than requested ends as failed, and its record has those it took."""

    def changed(**settings: Any) -> Trainer:
        return Trainer(**{**settings, setting: value})

    monkeypatch.setattr(builders, "Trainer", changed)
    with pytest.raises(RunError, match=r"not the .* requested"):
        train()
    (run,) = galaxynet.list_runs()
    assert isinstance(run, Run)
    assert run.record.status == "failed"
    assert run.record.steps == steps


@pytest.mark.promise("Environment")
def test_early_stopping_is_what_was_asked_for() -> None:
    """A run that stops early takes fewer steps than all epochs have, and is finished."""
    run = train(epochs=40, patience=1, lr=1e-9, batch_size=81)
    assert run.record.status == "finished"
    assert run.record.steps == run.record.epochs < 40


@pytest.mark.promise("Measurements")
def test_an_undefined_loss_is_a_result() -> None:
    """A loss that is not finite ends the run as diverged: no test, no invented accuracy."""
    run = train(explode=True)
    assert run.record.status == "diverged"
    assert "undefined in epoch 1" in run.record.message
    assert "test/accuracy" not in run.record.metrics


@pytest.mark.parametrize("end", ["sys.exit('bye')", "raise KeyboardInterrupt"])
def test_a_network_that_ends_the_training_itself_has_failed(distribution: Any, end: str) -> None:
    """A plugin that exits by itself fails; its run is not one that waits to be resumed."""
    distribution(
        "ending",
        {
            "ending": "from toys import NET; import dataclasses\n"
            "SPEC = dataclasses.replace(NET, name='ending', module='ending_net:Net')",
            "ending_net": "import sys\nfrom toy_model import Net as Plain\nclass Net(Plain):\n"
            f"    def training_step(self, batch, index):\n        {end}\n",
        },
        {"galaxynet.models": {"ending": "ending:SPEC"}},
    )
    with pytest.raises(RunError, match=r"ended the training itself: (SystemExit: bye|KeyboardInterrupt)"):
        galaxynet.train("ending")
    (run,) = galaxynet.list_runs()
    assert run.status == "failed"


@pytest.mark.promise("Interruptions")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("SIGINT", "training_step"),
        ("SIGTERM", "training_step"),
        ("SIGHUP", "training_step"),
        ("SIGTERM", "validation_step"),
        ("SIGTERM", "test_step"),
    ],
)
def test_a_signal_in_a_destructor_interrupts(distribution: Any, name: str, step: str) -> None:
    """A signal that comes while an object is destroyed, where Python ignores exceptions, is not lost."""
    distribution(
        "destroying",
        {
            "destroying": "from toys import NET; import dataclasses\n"
            "SPEC = dataclasses.replace(NET, name='destroying', module='destroying_net:Net')",
            "destroying_net": f"""
            import os, signal
            from toy_model import Net as Plain

            class Bomb:
                def __del__(self):
                    os.kill(os.getpid(), signal.{name})

            class Net(Plain):
                def {step}(self, batch, index):
                    Bomb()
                    return super().{step}(batch, index)
            """,
        },
        {"galaxynet.models": {"destroying": "destroying:SPEC"}},
    )
    run = galaxynet.train("destroying", epochs=2)
    assert run.status == "interrupted"
    if step == "training_step":
        assert run.record.steps == 1


@pytest.mark.promise("Interruptions")
def test_a_failing_network_leaves_a_failed_run(distribution: Any) -> None:
    """An exception in a network is recorded with its reason, and the run folder stays readable."""
    distribution(
        "faulty",
        {
            "faulty": "from toys import NET; import dataclasses\n"
            "SPEC = dataclasses.replace(NET, name='faulty', module='faulty_net:Net')",
            "faulty_net": "from toy_model import Net as Plain\n"
            "class Net(Plain):\n    def training_step(self, batch, index): raise ValueError('no')",
        },
        {"galaxynet.models": {"faulty": "faulty:SPEC"}},
    )
    with pytest.raises(ValueError, match="no"):
        galaxynet.train("faulty")
    record = galaxynet.find_run("last").record
    assert record.status == "failed"
    assert record.message == "ValueError: no"
