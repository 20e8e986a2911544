"""How long a sweep takes, estimated and shown."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from made_runs import made_run

import galaxynet
from galaxynet.errors import DataError
from galaxynet.runs import OptionValues, PluginId, Run
from galaxynet.runs.folder import METRICS
from galaxynet.sweeps.dimensions import dimension_from
from galaxynet.sweeps.estimate import EtaTracker, estimate
from galaxynet.sweeps.sweep_plan import plan_sweep
from galaxynet.sweeps.time_steps import time_steps
from galaxynet.tasks.teaching import Teacher
from galaxynet.training.config import Components
from galaxynet.training.weight_average import WeightAverage


def at_epoch(run: Run, done: int) -> None:
    (run.path / METRICS).write_text("epoch,val/loss\n" + "".join(f"{epoch},1.0\n" for epoch in range(done)))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of 40 epochs that has done none."""
    run = made_run(tmp_path, status="running", options=OptionValues(training={"epochs": 40}))
    at_epoch(run, 0)
    return run


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test sets; it begins a little ahead of that of the files."""
    moment = [time.time() + 1]
    monkeypatch.setattr("galaxynet.sweeps.estimate.time.time", lambda: moment[0])
    return moment


def pass_epochs(run: Run, now: list[float], done: int, seconds: float) -> None:
    now[0] += seconds
    at_epoch(run, done)
    os.utime(run.path / METRICS, (now[0], now[0]))


def test_epochs_correct_the_estimate(run: Run, now: list[float]) -> None:
    """At 10 of 40 epochs, what is left is three times what has gone, whatever was estimated."""
    eta = EtaTracker({"a": 20.0}, 1)
    eta.start("a", None)
    eta.start("a", run)
    pass_epochs(run, now, 10, 100.0)
    assert eta.remaining({"a": run}, []) == pytest.approx(300.0)
    now[0] += 5.0
    assert eta.remaining({"a": run}, []) == pytest.approx(295.0)


def test_epochs_of_an_earlier_call_do_not_count_as_quick(run: Run, now: list[float]) -> None:
    """A run that is resumed at epoch 30 is not taken for one that did 31 epochs in ten seconds."""
    pass_epochs(run, now, 30, 0.0)
    eta = EtaTracker({"a": 20.0}, 1)
    eta.start("a", run)
    pass_epochs(run, now, 31, 10.0)
    assert eta.remaining({"a": run}, []) == pytest.approx(90.0)


def test_nothing_is_never_said_to_be_left(run: Run, now: list[float]) -> None:
    """While a trial without new epochs runs longer than estimated, no time is shown."""
    eta = EtaTracker({"a": 20.0}, 1)
    eta.start("a", run)
    now[0] += 15.0
    assert eta.remaining({"a": run}, []) == pytest.approx(5.0)
    now[0] += 15.0
    assert eta.remaining({"a": run}, []) is None
    pass_epochs(run, now, 39, 9.0)  # one second is left, and then that is over, too
    now[0] += 3.0
    assert eta.remaining({"a": run}, []) is None


def test_the_last_trial_shares_its_time_with_nobody(now: list[float]) -> None:
    """Four at once are done in a quarter of the time, but one trial alone takes all of its own."""
    eta = EtaTracker(dict.fromkeys("abcde", 20.0), 4)
    assert eta.remaining({}, list("abcd")) == pytest.approx(20.0)
    eta.start("e", None)
    assert eta.remaining({"e": None}, []) == pytest.approx(20.0)


STRICT = """
from galaxynet.errors import DataError
from toy_data import Blobs

class Data(Blobs):
    def load(self):
        if self.options.samples == 90:
            raise DataError("There are no 90 samples.")
        return super().load()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("toys")
def test_missing_data_of_some_trials_are_reported_beforehand(distribution: Any, tmp_path: Path) -> None:
    """Where the data of a few of many trials are not there, the sweep is refused before the first trial."""
    distribution(
        "strict",
        {
            "strict": "from toys import BLOBS; import dataclasses\n"
            "SPEC = dataclasses.replace(BLOBS, name='strict', module='strict_data:Data')",
            "strict_data": STRICT,
        },
        {"galaxynet.datasets": {"strict": "strict:SPEC"}},
    )
    components = Components.load("toynet", "strict")
    tried = {"hidden": range(1, 16), "samples": [120, 90]}
    dimensions = [dimension_from(components.fields()[name], values) for name, values in tried.items()]
    plan = plan_sweep(components, dimensions, runs_dir=tmp_path / "runs", data_dir=tmp_path / "data")
    # The fourth of sixteen networks, of which twelve are timed.
    trials = [t for t in plan.trials if t.values["samples"] == 120 or t.values["hidden"] == 3]
    with pytest.raises(DataError, match="no 90 samples"):
        estimate(plan, trials)


@pytest.mark.usefixtures("toys")
def test_timed_steps_are_those_of_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Teachers and averages of weights are timed, so that sweeps with them are not underestimated."""
    galaxynet.train("toynet", epochs=1, name="teacher", runs_dir=tmp_path / "runs")
    answered: list[int] = []
    averaging: list[float] = []
    answers, start = Teacher.answers, WeightAverage.on_train_start

    def answer(self: Teacher, inputs: Any) -> Any:
        answered.append(len(inputs))
        return answers(self, inputs)

    def average(self: WeightAverage, *training: Any) -> None:
        averaging.append(self.decay)
        start(self, *training)

    monkeypatch.setattr(Teacher, "answers", answer)
    monkeypatch.setattr(WeightAverage, "on_train_start", average)
    components = Components.load("toynet")
    options = {"batch_size": 10, "teacher": ["teacher"], "ema": 0.9}
    plan = components.plan(options, runs_dir=tmp_path / "runs")
    samples, sample_s = time_steps(plan, tmp_path / "data", tmp_path / "runs")
    assert sample_s > 0
    assert samples > 10
    assert max(answered) == 9  # nine equal batches of 81 samples, of at most ten
    assert averaging == [0.9]


def test_an_epoch_has_the_images_without_a_label(tmp_path: Path) -> None:
    """An earlier run that learnt from images without a label says how long a trial on as many takes."""
    components = Components.load("mnist_cnn")
    plan = plan_sweep(components, [], runs_dir=tmp_path, data_dir=tmp_path / "data")
    (trial,) = plan.trials
    made_run(
        tmp_path,
        model=PluginId(name="mnist_cnn", distribution="galaxynet", version="0.1.0"),
        dataset=PluginId(name="mnist", distribution="galaxynet", version="0.1.0"),
        options=OptionValues(**trial.plan.option_sets()),
        splits={"train": 400, "unlabelled": 600, "validation": 0, "test": 10},
        samples_per_second=10.0,
        accelerator="cuda",
    )
    seconds = estimate(plan, [trial]).seconds[trial.key]
    assert seconds is not None
    epochs = trial.plan.training.epochs
    assert seconds / (100.0 * epochs) == pytest.approx(1.0, abs=0.1)
