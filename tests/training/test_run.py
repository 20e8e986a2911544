from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_plugins import DATA, SPECS
from warm_process import WarmProcess

import galaxynet
from galaxynet.errors import OptionError, UsageError
from galaxynet.training.config import Components
from galaxynet.training.training_options import TrainingOptions

pytestmark = pytest.mark.usefixtures("toys")


def train(**options: Any) -> Any:
    return galaxynet.train("toynet", **{"epochs": 2, "lr": 0.01, **options})


@pytest.mark.figures
def test_a_run_is_kept_whole(tmp_path: Path) -> None:
    """After a training the folder holds record, curves, predictions, weights and figures that agree."""
    run = train(name="first")
    record = run.record
    assert record.status == "finished"
    assert record.splits == {"train": 81, "validation": 9, "test": 30}
    assert record.parameters == 8 * 64 + 8 + 3 * 8 + 3
    assert record.baseline is not None
    assert record.baseline.accuracy == pytest.approx(1 / 3)
    assert record.options.training["epochs"] == 2
    assert record.options.training["batch_size"] == 16  # the model's own default
    assert record.reference is not None
    assert record.reference.value == 0.5
    predictions = run.predictions()
    assert sum(predictions.correct) / len(predictions) == pytest.approx(record.metrics["test/accuracy"])
    assert len(set(predictions.ids)) == 30
    rows = run.metrics()
    assert [row["epoch"] for row in rows] == [0, 1]
    assert {"train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr"} <= set(rows[0])
    assert {path.name for path in run.checkpoints.iterdir()} == {"best.ckpt", "last.ckpt"}
    assert list(run.figures.glob("*.png"))
    assert galaxynet.find_run("first").record == record


@pytest.mark.promise("Measurements")
def test_the_same_seed_gives_the_same_digits() -> None:
    """On the CPU, the same options and seed give the same metrics to the last digit."""
    first, again = train(dropout=0.3, seed=4), train(dropout=0.3, seed=4)
    assert first.record.metrics == again.record.metrics
    assert first.metrics() == again.metrics()
    assert train(dropout=0.3, seed=5).record.metrics != first.record.metrics


@pytest.mark.promise("Strangers' files")
def test_weights_open_without_running_code() -> None:
    """A checkpoint is plain data: it opens with `weights_only` and executes nothing."""
    run = train(epochs=1)
    kept = torch.load(run.checkpoint(), weights_only=True)
    assert kept["hyper_parameters"]["options"]["hidden"] == 8
    assert kept["hyper_parameters"]["data_info"]["classes"] == ["top", "middle", "bottom"]


@pytest.mark.promise("Measurements")
def test_the_best_epoch_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test uses the weights of the epoch that validated best, not the last ones."""
    from lightning.pytorch import Trainer

    tested: list[str] = []
    plain = Trainer.test

    def spy(self: Trainer, *args: Any, **kwargs: Any) -> Any:
        tested.append(str(kwargs["ckpt_path"]))
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, "test", spy)
    run = train(epochs=2)
    assert tested == [str(run.checkpoint("best"))]


@pytest.mark.parametrize("name", ["last", "-x", "a/b", "two\nlines", " blank", "x" * 81])
def test_a_name_that_finds_nothing_is_refused(name: str) -> None:
    """A name by which a run could not be found again is refused before anything is trained."""
    with pytest.raises(UsageError, match="cannot be named"):
        train(name=name)


def test_patience_without_validation_is_refused() -> None:
    """Early stopping without anything to judge by is an error, not an option that does nothing."""
    with pytest.raises(UsageError, match="--patience needs a validation part"):
        train(patience=2, validation=0.0)


@pytest.mark.promise("Environment")
def test_a_process_of_another_launcher_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process started by torchrun is refused, and the error says how to use several."""
    described = {"RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    for name, value in {**described, "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=r"one of 2 processes.*--devices N"):
        train()


def test_a_path_means_the_same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files named by a relative path are recorded by their full one, so --like works from any folder."""
    monkeypatch.chdir(tmp_path)
    plan = Components.load("galaxy_alexnet").plan({"labels": "a.csv", "test_ids": "b.csv"})
    kept = plan.dataset_options.to_dict()
    assert (kept["labels"], kept["test_ids"]) == (str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))


def test_like_takes_the_options_of_a_run() -> None:
    """`like` repeats a run's options, and what is given beside it wins."""
    first = train(hidden=5, lr=0.02, epochs=1)
    again = galaxynet.train("toynet", like=first.record.id, lr=0.03)
    assert again.record.options.model["hidden"] == 5
    assert again.record.options.model["lr"] == 0.03
    assert again.record.options.training["epochs"] == 1


def test_like_across_networks_takes_what_both_have(distribution: Any) -> None:
    """Of another network's run only data and training are taken: not its learning rate."""
    source = SPECS[SPECS.index("from") :].replace('"toynet"', '"other"').replace('"blobs"', '"spots"')
    distribution("others", {"others": source}, {"galaxynet.models": {"other": "others:NET"}})
    first = train(hidden=5, lr=0.02, epochs=1, samples=80)
    plan = Components.load("other", "blobs").plan({}, like=first.record)
    assert plan.model_options.to_dict()["hidden"] == 8
    assert plan.model_options.to_dict()["lr"] != 0.02
    assert plan.dataset_options.to_dict()["samples"] == 80
    assert plan.training.epochs == 1


def test_no_sample_for_validation_is_no_validation(distribution: Any) -> None:
    """Where the held-out part comes to no sample, the last weights are tested, as with --validation 0."""
    distribution(
        "few",
        {
            "few": "from toys import BLOBS; import dataclasses\n"
            "SPEC = dataclasses.replace(BLOBS, name='few', module='few_data:Blobs')",
            "few_data": DATA.replace("validation=self.validation", "validation=0.0"),
        },
        {"galaxynet.datasets": {"few": "few:SPEC"}},
    )
    run = train(dataset="few")
    assert run.record.splits["validation"] == 0
    assert run.record.status == "finished"
    assert run.checkpoint("best").is_file()
    with pytest.raises(UsageError, match="needs a validation part"):
        train(dataset="few", patience=1)


def test_patience_ends_a_training_that_no_longer_gains() -> None:
    """Early stopping ends the training after N epochs without a better validation metric."""
    run = train(epochs=50, lr=1e-12, patience=2)
    assert run.record.status == "finished"
    assert run.record.epochs == 3


SCORED = """
from toy_model import Net as Plain
class Net(Plain):
    higher_is_better = {higher}
    def on_validation_epoch_end(self):
        self.log("val/accuracy", {scores}[self.current_epoch])
"""


@pytest.mark.promise("Measurements")
@pytest.mark.parametrize("higher", [True, False])
def test_patience_waits_for_what_is_better(distribution: Any, higher: bool) -> None:
    """Early stopping and the best checkpoint take the better value, whether that is higher or lower."""
    scores = [0.1, 0.2, 0.3, 0.2, 0.1, 0.0] if higher else [0.5, 0.4, 0.3, 0.4, 0.5, 0.6]
    distribution(
        "scored",
        {
            "scored": "from toys import NET; import dataclasses\n"
            "SPEC = dataclasses.replace(NET, name='scored', module='scored_net:Net')",
            "scored_net": SCORED.format(higher=higher, scores=scores),
        },
        {"galaxynet.models": {"scored": "scored:SPEC"}},
    )
    run = galaxynet.train("scored", epochs=6, patience=2)
    assert run.record.epochs == 5
    assert torch.load(run.checkpoint("best"), weights_only=True)["epoch"] == 2
    assert run.record.metrics["best/val/accuracy"] == pytest.approx(0.3)


def test_without_validation_the_last_epoch_is_tested() -> None:
    """With no part held out all training samples are trained on, and the last weights are tested."""
    run = train(validation=0.0)
    assert run.record.splits["validation"] == 0
    assert run.record.status == "finished"
    assert "val/accuracy" not in run.record.metrics


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"accelerator": "gpu"}, UsageError, "no GPU"),
        ({"epochs": 0}, OptionError, "--epochs 0"),
        ({"hiden": 3}, UsageError, "no option hiden"),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for GPUs that are there")
def test_a_wrong_call_leaves_no_run(options: dict[str, Any], error: type[Exception], message: str) -> None:
    """A call that cannot work is one sentence, before anything is made."""
    with pytest.raises(error, match=message):
        train(**options)
    assert galaxynet.list_runs() == []


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for GPUs that are there")
def test_more_devices_than_there_are_leave_no_run(warm: WarmProcess) -> None:
    """Two devices where there is one are a sentence, before anything is made."""
    done = warm.run("train", "toynet", "--devices", "2")
    assert (done.returncode, "--devices 2, but this machine has" in " ".join(done.stderr.split())) == (
        2,
        True,
    )
    assert galaxynet.list_runs() == []


@pytest.mark.promise("Measurements")
def test_the_rate_is_that_of_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorded samples per second are those of all processes together."""
    monkeypatch.setattr("galaxynet.training.callbacks.Throughput.total", lambda *_: 10**9)
    rate = train(epochs=1).record.samples_per_second
    assert rate is not None
    assert rate > 10**6


def test_metrics_file_is_plain_csv() -> None:
    """metrics.csv opens anywhere: a header, a row an epoch, numbers."""
    run = train(epochs=3)
    with (run.path / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3
    assert all(float(row["train/loss"]) > 0 for row in rows)


@pytest.mark.promise("Environment")
def test_auto_precision_is_never_emulated() -> None:
    """`--precision auto` takes bf16 only where the processor computes it and does not emulate it."""
    from galaxynet.training.device import choose_hardware

    able = torch.cpu.get_capabilities()
    fast = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    hardware = choose_hardware(TrainingOptions(accelerator="cpu"))
    assert hardware.precision == ("bf16" if fast else "float32")
