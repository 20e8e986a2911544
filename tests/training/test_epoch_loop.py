from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.strategies import SingleDeviceStrategy, StrategyRegistry
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import galaxynet
from galaxynet.training import epoch_loop
from galaxynet.training.device import quiet_lightning
from galaxynet.training.epoch_loop import LeanEpochLoop
from galaxynet.training.lean import STEP_HOOKS, make_lean


class Network(lightning.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Tanh(), nn.Linear(8, 1))

    def loss(self, batch: Any) -> Tensor:
        inputs, targets = batch
        return nn.functional.mse_loss(self.layers(inputs).float(), targets)

    def training_step(self, batch: Any, index: int) -> Any:
        return self.loss(batch)

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val/loss", self.loss(batch))

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.05)


class Scheduled(Network):
    """A learning rate that changes at each step and after each epoch, and a loss that is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def training_step(self, batch: Any) -> Any:  # type: ignore[override]
        loss = self.loss(batch)
        self.log("loss", loss, on_step=True, on_epoch=True)
        return {"loss": loss, "number": 3}

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seen.append((outputs["loss"].item(), outputs["number"]))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9)
        course = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=60)
        epochs = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        return [optimizer], [
            {"scheduler": course, "interval": "step"},
            {"scheduler": epochs, "interval": "epoch"},
            {"scheduler": plateau, "monitor": "val/loss"},
        ]


class Hooked(Network):
    """Hooks of the network's own, some of which change something."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, Any]] = []

    def on_before_zero_grad(self, optimizer: Any) -> None:
        self.seen.append(("zero", type(optimizer).__name__))

    def on_before_backward(self, loss: Tensor) -> None:
        self.seen.append(("backward", loss.item()))

    def on_after_backward(self) -> None:
        self.layers[0].weight.grad.mul_(0.5)  # type: ignore[union-attr, operator]

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        self.log("gradient", self.layers[0].weight.grad.norm())  # type: ignore[union-attr, arg-type, operator]

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seen.append(("end", (outputs["loss"].item(), batch_idx)))

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return batch[0] + 1, batch[1]


class Witness(Callback):
    """Notes every hook of a step, and what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, str | None]] = []
        for name in STEP_HOOKS:
            setattr(self, name, self._note(name))

    def _note(self, name: str) -> Callable[..., None]:
        def hook(trainer: Trainer, network: Any, *_: Any) -> None:
            self.calls.append((name, trainer.global_step, network._current_fx_name))

        return hook


class StopsEarly(Callback):
    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        trainer.should_stop = trainer.global_step == 13


def fit(
    kind: Callable[[], Network], folder: Path, lean: bool, *more: Callback, **options: Any
) -> dict[str, Any]:
    """What is left of a training of 3 epochs of 10 batches."""
    lightning.seed_everything(5, verbose=False)
    inputs = torch.randn(40, 4)
    data = DataLoader(TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=4, shuffle=True)
    network, witness = kind(), Witness()
    trainer = Trainer(
        accelerator="cpu",
        callbacks=[witness, *more, ModelCheckpoint(folder, "last", enable_version_counter=False)],
        logger=CSVLogger(folder, "", ""),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **{"log_every_n_steps": 3, "max_epochs": 3, **options},
    )
    if lean:
        make_lean(trainer)
    with quiet_lightning():
        trainer.fit(network, data, data)
    kept = torch.load(folder / "last.ckpt", weights_only=False)
    return {
        "trainer": trainer,
        "calls": witness.calls,
        "seen": getattr(network, "seen", None),
        "weights": {name: value.tolist() for name, value in kept["state_dict"].items()},
        "optimizer": repr((kept["optimizer_states"], kept["lr_schedulers"])),
        "loops": kept["loops"]["fit_loop"],
        "logged": [path.read_text() for path in folder.glob("metrics.csv")],
        "metrics": {name: float(value) for name, value in trainer.callback_metrics.items()},
    }


def both(kind: Callable[[], Network], folder: Path, *more: type[Callback], **options: Any) -> LeanEpochLoop:
    """Train with Lightning's loop and with the lean one; nothing may tell them apart."""
    own = fit(kind, folder / "own", False, *(one() for one in more), **options)
    lean = fit(kind, folder / "lean", True, *(one() for one in more), **options)
    loop = lean.pop("trainer").fit_loop.epoch_loop
    assert own.pop("trainer").fit_loop.epoch_loop is not loop
    assert own["calls"]
    assert lean == own
    assert isinstance(loop, LeanEpochLoop)
    return loop


@pytest.mark.parametrize("kind", [Network, Scheduled, Hooked])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_lean_epoch_is_one_of_lightning(kind: type[Network], precision: str, tmp_path: Path) -> None:
    """Weights, optimiser, counts, figures and the calls of every hook are those of Lightning's own loop."""
    loop = both(kind, tmp_path, precision=precision)
    assert loop._step is not None


@pytest.mark.parametrize("options", [{"max_steps": 17, "max_epochs": -1}, {"limit_train_batches": 7}])
def test_a_lean_epoch_may_be_a_part_of_the_data(options: dict[str, Any], tmp_path: Path) -> None:
    """It ends where Lightning's would: after so many steps, or so many batches."""
    assert both(Network, tmp_path, **options)._step is not None


def test_a_lean_epoch_can_be_stopped(tmp_path: Path) -> None:
    """A callback that stops the training within an epoch is obeyed at the same step."""
    assert both(Network, tmp_path, StopsEarly)._step is not None


class Manual(Network):
    automatic_optimization = False  # type: ignore[assignment]

    def training_step(self, batch: Any, index: int) -> Any:
        optimizer: Any = self.optimizers()
        loss = self.loss(batch)
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        return {"loss": loss.detach()}


class OwnStep(Network):
    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None
    ) -> None:  # type: ignore[override]
        optimizer.step(closure=optimizer_closure)
        self.layers[0].weight.data.mul_(0.99)  # type: ignore[union-attr, operator]


class OwnBackward(Network):
    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        (2 * loss).backward()


class OwnClipping(Network):
    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        nn.utils.clip_grad_norm_(self.parameters(), 0.01)


class Skips(Network):
    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        return -1 if batch_idx == 4 else None


class CallsBack(Network):
    def configure_optimizers(self) -> Any:
        return torch.optim.LBFGS(self.parameters(), max_iter=2)


class OwnOptimizer(Network):
    def configure_optimizers(self) -> Any:
        class Mine(torch.optim.Adam):
            def step(self, closure: Any = None) -> Any:
                closure()
                return super().step(closure)

        return Mine(self.parameters())


class Plateau(Network):
    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.05)
        course = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
        return [optimizer], [{"scheduler": course, "interval": "step", "monitor": "loss"}]

    def training_step(self, batch: Any, index: int) -> Any:
        loss = self.loss(batch)
        self.log("loss", loss)
        return loss


@StrategyRegistry.register("own", device="cpu")
class OwnStrategy(SingleDeviceStrategy):
    def backward(self, closure_loss: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return super().backward(3 * closure_loss, *args, **kwargs)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (Manual, {}),
        (OwnStep, {}),
        (OwnBackward, {}),
        (OwnClipping, {}),
        (Skips, {}),
        (CallsBack, {}),
        (OwnOptimizer, {}),
        (Plateau, {}),
        (Network, {"gradient_clip_val": 0.01}),
        (Network, {"accumulate_grad_batches": 3}),
        (Network, {"val_check_interval": 0.5}),
        (Network, {"check_val_every_n_epoch": None, "val_check_interval": 15}),
        (Network, {"precision": "64-true"}),
        (Network, {"strategy": "own"}),
    ],
)
def test_what_is_not_ordinary_goes_through_lightning(
    kind: type[Network], options: dict[str, Any], tmp_path: Path
) -> None:
    """A training that asks for more than an ordinary step gets Lightning's own, with all it asks for."""
    loop = both(kind, tmp_path, **options)
    assert loop._step is None


def test_an_unknown_lightning_keeps_its_own_loop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a version of Lightning that nobody has looked at, training goes on with that version's loop."""
    monkeypatch.setattr(lightning, "__version__", "2.7.0")
    # As if what the lean loop imports were no longer there.
    monkeypatch.setitem(sys.modules, "galaxynet.training.epoch_loop", None)
    left = fit(Network, tmp_path, True)
    assert type(left["trainer"].fit_loop.epoch_loop).__module__.startswith("lightning.")
    assert left["trainer"].global_step == 30


@pytest.mark.usefixtures("toys")
def test_a_training_is_lean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version of Lightning that is installed is a known one, and a training takes the lean steps."""
    taken: list[int] = []
    plain = epoch_loop._Step.__call__

    def step(self: Any, batch: Any, index: int) -> Any:
        taken.append(index)
        return plain(self, batch, index)

    monkeypatch.setattr(epoch_loop._Step, "__call__", step)
    galaxynet.train("toynet", epochs=2)
    assert taken == [*range(6)] * 2
