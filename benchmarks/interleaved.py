"""A training by galaxynet that takes turns with its rivals, epoch by epoch, in one process.

Before each epoch every rival trains on as many samples; so all of them see the same machine, however busy
it is. The training itself is galaxynet's own: `galaxynet.training.train.train`, with its callbacks, its run
folder and its batches. Only the images are noise, for the time of a step does not depend on them.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn
from torch.nn import functional

from galaxynet import terminal
from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.batches import Batch
from galaxynet.data.groups import GroupedBatches
from galaxynet.data.splits import Split
from galaxynet.options import Options, option
from galaxynet.plugin import DatasetSpec, ModelSpec, OptimizerOptions
from galaxynet.registry import Plugin
from galaxynet.tasks import Classifier
from galaxynet.tasks.optimizers import build_optimizer
from galaxynet.training.config import Plan
from galaxynet.training.train import train
from galaxynet.training.training_options import TrainingOptions
from galaxynet_galaxy_alexnet import SPEC, GalaxyAlexNetOptions
from galaxynet_galaxy_alexnet.model import GalaxyAlexNet
from galaxynet_galaxy_alexnet.network import GalaxyAlexNetNetwork
from galaxynet_galaxy_votes import CLASSIFIER, GalaxyClassifierOptions
from galaxynet_galaxy_votes.model import GalaxyClassifier, GalaxyNetwork

OURS = "galaxynet train"
CLASSES, BATCH = 5, 64

Rival = Callable[["Measured"], float]
"""Trains on one epoch of samples and returns the seconds that it took."""


class NoiseOptions(Options):
    """How many images."""

    samples: int = option(640, "training images", ge=1)
    size: int = option(60, "their side in pixels", ge=1)
    colours: int = option(1, "their channels", ge=1)


class Noise(ArrayDataModule):
    """Images of noise."""

    name = "noise"
    options: NoiseOptions

    def load(self) -> ArrayData:
        """Make them."""
        samples, size, colours = self.options.samples, self.options.size, self.options.colours
        generator = np.random.default_rng(0)
        rows = np.arange(samples + BATCH)
        return ArrayData(
            images=generator.integers(0, 256, (len(rows), size, size, colours), dtype=np.uint8),
            targets=generator.integers(0, CLASSES, len(rows)),
            ids=rows.tolist(),
            split=Split(train=rows[:samples], validation=rows[:0], test=rows[samples:]),
            classes=tuple(f"class {number}" for number in range(CLASSES)),
        )


class Measured(Classifier):
    """A network with a clock: it lets the rivals go first in every epoch, and times its own steps."""

    rivals: ClassVar[Mapping[str, Rival]] = {}
    seconds: ClassVar[dict[str, list[float]]] = {}

    def configure_callbacks(self) -> list[Callback]:
        """The clock."""
        return [_Turns()]


class MeasuredAlexNet(Measured, GalaxyAlexNet):
    """galaxy_alexnet with the clock."""


class MeasuredClassifier(Measured, GalaxyClassifier):
    """galaxy_classifier with the clock."""


class Subject(NamedTuple):
    """A network to measure.

    Attributes:
        title: Its name in a report.
        spec: Its spec.
        measured: Name of the class in this module that has the clock.
        options: Its options.
        size: Side of its images in pixels.
        colours: Channels of its images.
        network: Builds the network as an ordinary module.
    """

    title: str
    spec: ModelSpec
    measured: str
    options: Options
    size: int
    colours: int
    network: Callable[[], nn.Module]


def alexnet(extra_convs: int) -> Subject:
    """galaxy_alexnet at its default size."""
    return Subject(
        f"galaxy_alexnet with {extra_convs} extra convolutions",
        SPEC,
        "MeasuredAlexNet",
        GalaxyAlexNetOptions(extra_convs=extra_convs),
        60,
        1,
        lambda: GalaxyAlexNetNetwork((1, 60, 60), CLASSES, extra_convs=extra_convs),
    )


def classifier(*, equivariant: bool) -> Subject:
    """galaxy_classifier for images of 96 x 96 pixels, with 32 channels and a constant learning rate."""
    options = GalaxyClassifierOptions(width=32, equivariant=equivariant, schedule="constant")
    return Subject(
        "galaxy_classifier, equivariant" if equivariant else "galaxy_classifier",
        CLASSIFIER,
        "MeasuredClassifier",
        options,
        96,
        3,
        lambda: GalaxyNetwork((3, 96, 96), CLASSES, options),
    )


class _Turns(Callback):
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        assert isinstance(pl_module, Measured)
        for name, rival in Measured.rivals.items():
            Measured.seconds.setdefault(name, []).append(rival(pl_module))
        self._began = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.is_last_batch:
            _wait(pl_module.device)
            Measured.seconds.setdefault(OURS, []).append(time.perf_counter() - self._began)


class Rates(NamedTuple):
    """What a measurement found.

    Attributes:
        rates: Samples per second of each round, by name; rounds of different names belong together.
        precision: The number format that galaxynet chose.
        device: What it ran on.
    """

    rates: dict[str, list[float]]
    precision: str
    device: str


def measure(
    subject: Subject, rivals: Mapping[str, Rival], *, samples: int, rounds: int, accelerator: str = "cpu"
) -> Rates:
    """Train with galaxynet for `rounds` epochs, and the rivals between them; the first round warms up."""
    Measured.rivals, Measured.seconds = rivals, {}
    model = dataclasses.replace(
        subject.spec, module=f"benchmarks.interleaved:{subject.measured}", dataset="noise", dataset_options={}
    )
    dataset = DatasetSpec(
        name="noise", summary="", options=NoiseOptions, module="benchmarks.interleaved:Noise"
    )
    plan = Plan(
        Plugin("model", model.name, "benchmarks", "0", ""),
        model,
        Plugin("dataset", dataset.name, "benchmarks", "0", ""),
        dataset,
        subject.options,
        NoiseOptions(samples=samples, size=subject.size, colours=subject.colours),
        TrainingOptions(epochs=rounds + 1, batch_size=BATCH, validation=0.0, accelerator=accelerator),
    )
    terminal.set_quiet(True)
    with tempfile.TemporaryDirectory() as folder:
        run = train(plan, runs_dir=Path(folder, "runs"), data_dir=Path(folder, "data"))
        assert run is not None
        if run.record.status != "finished":
            raise RuntimeError(f"the training {run.record.status}: {run.record.message}")
    rates = {name: [samples / seconds for seconds in times[1:]] for name, times in Measured.seconds.items()}
    return Rates(rates, run.record.precision, run.record.device)


def bare_loop(
    subject: Subject,
    *,
    ordinary_convolutions: bool = False,
    channels_last: bool = True,
    fused: bool = True,
) -> Rival:
    """A PyTorch loop with nothing around it, on galaxynet's batches, with or without what makes it quick.

    It counts no metric, moves no learning rate and writes nothing. By default network, number format and
    optimiser are those of galaxynet.
    """
    steps: list[Callable[[Batch], None]] = []

    def build(device: torch.device, precision: str) -> Callable[[Batch], None]:
        network = subject.network()
        if ordinary_convolutions:
            _make_ordinary(network)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        network.to(device).to(memory_format=layout)  # type: ignore[call-overload]
        assert isinstance(subject.options, OptimizerOptions)
        optimizer = build_optimizer([{"params": list(network.parameters())}], subject.options, fused=fused)

        def step(batch: Batch) -> None:
            images = batch.inputs if channels_last else batch.inputs.contiguous()
            with torch.autocast(device.type, torch.bfloat16, enabled=precision.startswith("bf16")):
                loss = functional.cross_entropy(network(images), batch.targets)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()

        return step

    def rival(ours: Measured) -> float:
        if not steps:
            steps.append(build(ours.device, ours.trainer.precision))
        loader: Any = ours.trainer.datamodule.train_dataloader()  # type: ignore[attr-defined]
        batches: Iterable[Batch] = loader.loader if isinstance(loader, GroupedBatches) else loader
        _wait(ours.device)
        began = time.perf_counter()
        for batch in batches:
            steps[0](batch)
        _wait(ours.device)
        return time.perf_counter() - began

    return rival


def _make_ordinary(network: nn.Module) -> None:
    """PyTorch's own convolutions in place of Winograd's, with the same parameters."""
    for parent in list(network.modules()):
        for name, layer in parent.named_children():
            if type(layer).__name__ == "WinogradConv2d" and isinstance(layer, nn.Conv2d):
                plain = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size[0], padding="same")
                plain.load_state_dict(layer.state_dict())
                setattr(parent, name, plain)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


__all__ = [
    "BATCH",
    "CLASSES",
    "OURS",
    "Rates",
    "Rival",
    "Subject",
    "alexnet",
    "bare_loop",
    "classifier",
    "measure",
]
