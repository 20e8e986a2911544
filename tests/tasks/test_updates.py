"""Several updates in one training step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.plugins import MixedPrecision
from torch import nn

import galaxynet
from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.batches import Batch
from galaxynet.data.groups import Group, GroupedBatches
from galaxynet.data.splits import Split
from galaxynet.plugin import OptimizerOptions
from galaxynet.tasks import Reconstructor
from galaxynet.training.callbacks import DivergedError, StopOnUndefinedLoss, Throughput
from galaxynet.training.device import quiet_lightning

SAMPLES, BATCH, UPDATES = 43, 4, 11


class Squares(ArrayDataModule):
    name = "squares"

    def load(self) -> ArrayData:
        images = np.random.default_rng(1).integers(0, 256, (SAMPLES + 8, 2, 2), dtype=np.uint8)
        rows = np.arange(len(images))
        return ArrayData(
            images=images,
            targets=rows % 3,
            ids=rows.tolist(),
            split=Split(*np.split(rows, [SAMPLES, SAMPLES + 4])),
        )


class Grouped(Reconstructor):
    """A network with dropout that takes several updates in a step and clips its gradients."""

    updates_per_step = 4
    clip_to: float | None = 0.05

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        if self.clip_to is not None:
            self.clip_gradients(optimizer, self.clip_to, "norm")


class Indices(Grouped):
    """Remembers the index of each batch in its epoch."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.indices: list[int] = []

    def training_step(self, batch: Batch, index: int) -> Any:
        self.indices.append(index)
        return {"loss": super().training_step(batch, index)}


class Hooks(Callback):
    """Counts the hooks of an update and remembers the length of the gradient before clipping."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float]] = []

    def on_before_backward(self, trainer: Trainer, pl_module: Any, loss: Any) -> None:
        self.seen.append(("backward", loss.item()))

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: Any, optimizer: Any) -> None:
        parameters = list(pl_module.network.parameters())
        self.seen.append(("step", sum(float(part.grad.float().square().sum()) for part in parameters)))


def fp16() -> dict[str, Any]:
    # With Lightning's own scaler the first gradients overflow, and their updates are left out.
    scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
    return {"plugins": [MixedPrecision("16-mixed", "cpu", scaler)]}


PRECISIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "float32": dict,
    "bf16": lambda: {"precision": "bf16-mixed"},
    "fp16": fp16,
}


def fit(
    task_class: type[Grouped], folder: Path, *callbacks: Callback, group: bool, precision: str = "float32",
    **options: Any,
) -> tuple[Any, Trainer]:  # fmt: skip
    """Train for three epochs, with the updates in groups or one by one by Lightning itself."""
    lightning.seed_everything(3, verbose=False)
    data = Squares(None, data_dir=folder, batch_size=BATCH)
    data.setup()
    layers = nn.Sequential(
        nn.Flatten(), nn.Linear(4, 8), nn.Dropout(0.2), nn.Tanh(), nn.Linear(8, 4), nn.Unflatten(1, (1, 2, 2))
    )
    task = task_class(layers, OptimizerOptions(lr=0.02, schedule="cosine", **options), data.info)
    if group:
        task.group_updates(data)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=3,
        callbacks=list(callbacks),
        logger=CSVLogger(folder, "", ""),
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **PRECISIONS[precision](),
    )
    with quiet_lightning():
        trainer.fit(task, datamodule=data)
    return task, trainer


def weights(task: nn.Module) -> list[Any]:
    return [parameter.tolist() for parameter in task.parameters()]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "adagrad"])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_grouped_updates_are_the_same_updates(precision: str, optimizer: str, tmp_path: Path) -> None:
    """Weights, losses, gradients and learning rates are those of updates one by one, to the last digit."""
    own, together = Hooks(), Hooks()
    options: dict[str, Any] = {"precision": precision, "optimizer": optimizer}
    single, plain = fit(Grouped, tmp_path / "single", own, group=False, **options)
    grouped, trainer = fit(Grouped, tmp_path / "grouped", together, group=True, **options)
    assert trainer.num_training_batches == 3  # groups of 4, 4 and 3 batches
    assert trainer.global_step == plain.global_step == 3 * UPDATES
    assert together.seen == own.seen
    assert weights(grouped) == weights(single)
    assert trainer.callback_metrics == plain.callback_metrics


def test_gradients_are_clipped_in_groups(tmp_path: Path) -> None:
    """`configure_gradient_clipping` acts on the unscaled gradients of each update, in fp16 too."""

    class Unclipped(Grouped):
        clip_to = None

    for precision in PRECISIONS:
        clipped, _ = fit(Grouped, tmp_path, group=True, precision=precision, optimizer="sgd")
        free, _ = fit(Unclipped, tmp_path, group=True, precision=precision, optimizer="sgd")
        assert weights(clipped) != weights(free)


def test_a_network_that_optimises_by_hand_clips_by_hand(tmp_path: Path) -> None:
    """Manual optimisation of a network's own is left alone, as Lightning leaves it."""

    class ByHand(Grouped):
        updates_per_step = 1
        calls = 0

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.automatic_optimization = False

        def configure_gradient_clipping(self, *arguments: Any) -> None:
            self.calls += 1

        def training_step(self, batch: Batch, index: int) -> Any:
            loss, optimizer = super().training_step(batch, index), self.optimizers()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
            return loss

    task, trainer = fit(ByHand, tmp_path, group=True)
    assert trainer.global_step == 3 * UPDATES
    assert task.calls == 0


def test_a_step_is_told_the_index_of_its_batch(tmp_path: Path) -> None:
    """`training_step` gets the index of the batch in the epoch, and may return a mapping."""
    task, _ = fit(Indices, tmp_path, group=True)
    assert task.indices == [*range(UPDATES)] * 3
    assert weights(task) == weights(fit(Grouped, tmp_path, group=False)[0])


def test_samples_are_counted_in_groups(tmp_path: Path) -> None:
    """The throughput counts every sample of a group."""
    throughput = Throughput()
    fit(Grouped, tmp_path, throughput, group=True)
    assert throughput.samples == 3 * SAMPLES


def test_an_undefined_loss_within_a_group_ends_the_training(tmp_path: Path) -> None:
    """One loss that is not finite is noticed, wherever in its group it is."""

    class Breaks(Grouped):
        def training_step(self, batch: Batch, index: int) -> Any:
            loss = super().training_step(batch, index)
            return loss / 0 if index == 5 else loss

    with pytest.raises(DivergedError, match="epoch 1"):
        fit(Breaks, tmp_path, StopOnUndefinedLoss(), group=True)


class Numbers:
    def __len__(self) -> int:
        return 7

    def __iter__(self) -> Iterator[torch.Tensor]:
        return iter(torch.arange(7.0))


def test_groups_hold_all_batches_in_order() -> None:
    """A grouped loader has each batch of its loader once, and the last group is a short one."""
    loader = GroupedBatches(Numbers(), 3)
    groups = list(loader)
    assert [[int(batch) for batch in group.batches] for group in groups] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [group.first for group in groups] == [0, 3, 6]
    assert (len(loader), loader.updates) == (3, 7)


def test_a_group_moves_to_a_device_with_its_batches() -> None:
    """Batches of a stranger's loader are moved with their group."""
    group = Group([{"inputs": torch.ones(2)}, (torch.ones(1),)], 0).to(torch.device("meta"))
    assert group.batches[0]["inputs"].device.type == group.batches[1][0].device.type == "meta"


@pytest.mark.usefixtures("toys")
def test_a_network_of_a_stranger_takes_one_update_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that says nothing is optimised by Lightning; one that asks for groups has the same run."""
    plain = galaxynet.train("toynet", epochs=2, dropout=0.3, schedule="cosine", pause=0.0001)
    monkeypatch.setattr("toy_model.Net.updates_per_step", 4)
    steps: list[int] = []
    end = Throughput.on_train_batch_end

    def count(self: Throughput, *arguments: Any) -> None:
        steps.append(len(arguments[3].batches))
        end(self, *arguments)

    monkeypatch.setattr(Throughput, "on_train_batch_end", count)
    grouped = galaxynet.train("toynet", epochs=2, dropout=0.3, schedule="cosine", pause=0.0001)
    assert steps == [4, 2, 4, 2]
    assert grouped.metrics() == plain.metrics()
    assert grouped.metrics()[-1]["step"] == 11
    assert grouped.record.metrics == plain.record.metrics
    assert grouped.record.steps == plain.record.steps == 12
