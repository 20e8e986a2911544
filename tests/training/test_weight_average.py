"""`--ema`: the moving average of the weights is what is validated, tested and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from interrupting import interrupted_at
from torch import Tensor

import galaxynet
from galaxynet.errors import OptionError, RunError
from galaxynet.training.callbacks import EpochSeeds
from galaxynet.training.weight_average import AVERAGED

pytestmark = pytest.mark.usefixtures("toys", "normalised")


@pytest.fixture
def normalised(distribution: Any) -> None:
    """The toy network with batch normalisation, as `normed`."""
    distribution(
        "normed",
        {
            "normed": """
                import dataclasses, toys
                SPEC = dataclasses.replace(toys.NET, name="normed", module="normed_model:Net")
            """,
            "normed_model": """
                from torch import nn
                from toy_model import Net as Plain
                class Net(Plain):
                    def __init__(self, options, data_info):
                        super().__init__(options, data_info)
                        self.network.insert(2, nn.BatchNorm1d(options.hidden))
            """,
        },
        {"galaxynet.models": {"normed": "normed:SPEC"}},
    )


def train(**options: Any) -> Any:
    return galaxynet.train("normed", **{"epochs": 3, "batch_size": 12, "lr": 0.02, "ema": 0.9, **options})


def weights(run: Any, which: str = "best") -> dict[str, Tensor]:
    kept = torch.load(run.checkpoint(which), weights_only=True)["state_dict"]
    return {name: tensor for name, tensor in kept.items() if tensor.is_floating_point()}


@pytest.fixture
def each_update(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Tensor]]:
    """The weights before the first update and after each one, as the optimiser leaves them."""
    seen: list[dict[str, Tensor]] = []

    def copied(module: Any) -> None:
        state = module.state_dict()
        seen.append({name: value.clone() for name, value in state.items() if value.is_floating_point()})

    plain = EpochSeeds.on_train_epoch_start

    def start(self: EpochSeeds, trainer: Any, module: Any) -> None:
        if not seen:
            copied(module)
            trainer.optimizers[0].register_step_post_hook(lambda *_: copied(module))
        plain(self, trainer, module)

    monkeypatch.setattr(EpochSeeds, "on_train_epoch_start", start)
    return seen


@pytest.mark.parametrize("updates_per_step", [1, 4])
@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_what_is_kept_is_the_average_over_all_updates(
    each_update: list[dict[str, Tensor]],
    updates_per_step: int,
    validation: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A run keeps the average by its formula, batch statistics included, however updates are grouped."""
    monkeypatch.setattr("galaxynet.tasks.Task.updates_per_step", updates_per_step)
    run = train(validation=validation, seed=3)
    first, *updates = each_update
    assert len(updates) == run.record.steps
    average = dict(first)
    for number, after in enumerate(updates):
        decay = min(0.9, (1 + number) / (10 + number))
        average = {name: decay * value + (1 - decay) * after[name] for name, value in average.items()}
    kept = weights(run, "last")
    assert "network.2.running_mean" in kept
    for name, value in average.items():
        torch.testing.assert_close(kept[name], value, rtol=1e-4, atol=1e-5)
    continued = torch.load(run.checkpoint("last"), weights_only=True)[AVERAGED]
    assert continued["updates"] == run.record.steps
    assert any(torch.equal(value, updates[-1]["network.1.weight"]) for value in continued["weights"])


def test_the_average_is_what_is_validated_and_tested() -> None:
    """Validation and test judge the averaged weights, and the best checkpoint holds what was tested."""
    averaged, plain = train(), train(ema=0.0)
    losses = [[row["train/loss"] for row in run.metrics()] for run in (averaged, plain)]
    assert losses[0] == losses[1], "training itself is the same"
    assert averaged.metrics()[0]["val/loss"] != plain.metrics()[0]["val/loss"]
    model = galaxynet.load(averaged)
    for name, tensor in weights(averaged).items():
        assert torch.equal(model.task.state_dict()[name], tensor)
    tested = galaxynet.evaluate(averaged).metrics
    assert tested["test/loss"] == averaged.record.metrics["test/loss"]


def test_a_short_training_is_not_held_back_by_its_first_weights() -> None:
    """With a decay whose memory is longer than the training, the average still learns."""
    assert train(ema=0.9999, epochs=5).record.metrics["test/accuracy"] > 0.9


@pytest.mark.promise("Interruptions")
@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_an_interrupted_average_repeats_an_uninterrupted_one(validation: float) -> None:
    """A resumed run has average, weights and metrics of an uninterrupted one, to the last digit."""
    options = {"epochs": 4, "dropout": 0.3, "schedule": "one-cycle", "seed": 2, "validation": validation}
    whole = train(**options)
    with interrupted_at(2):
        run = train(**options)
    assert run.record.status == "interrupted"
    done = galaxynet.train("normed", resume=run.record.id)
    assert done.metrics() == whole.metrics()
    assert done.record.metrics == whole.record.metrics
    for which in ("best", "last"):
        ones, others = weights(done, which), weights(whole, which)
        assert all(torch.equal(ones[name], others[name]) for name in others)
    ones, others = (
        torch.load(run.checkpoint("last"), weights_only=True)[AVERAGED]["weights"] for run in (done, whole)
    )
    assert all(map(torch.equal, ones, others))


@pytest.mark.promise("Strangers' files")
def test_a_checkpoint_without_the_average_is_refused(tmp_path: Path) -> None:
    """A run whose checkpoint lacks the weights to continue with is not continued with the average."""
    run = train(epochs=2)
    run.record.status = "interrupted"
    run.save()
    kept = torch.load(run.checkpoint("last"), weights_only=True)
    del kept[AVERAGED]
    torch.save(kept, run.checkpoint("last"))
    with pytest.raises(RunError, match=r"cannot be resumed.*it has no average of the weights.*--like"):
        galaxynet.train("normed", resume=run.record.id)


@pytest.mark.parametrize("decay", [1.0, -0.1])
def test_a_decay_is_below_one(decay: float) -> None:
    """A decay of one, which would keep the first weights for ever, is refused."""
    with pytest.raises(OptionError, match="--ema"):
        train(ema=decay)
