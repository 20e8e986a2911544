"""A tiny dataset and two tiny networks, as a stranger's package."""

from __future__ import annotations

from typing import Any

import pytest

SPECS = """
from galaxynet.plugin import DatasetSpec, ModelSpec, OptimizerOptions, Options, Reference, option

class BlobOptions(Options):
    samples: int = option(120, "samples", ge=4)
    pause: float = option(0.0, "seconds to wait before each batch", ge=0)

class NetOptions(OptimizerOptions):
    hidden: int = option(8, "units", ge=1)
    dropout: float = option(0.0, "dropout", ge=0, lt=1)
    explode: bool = option(False, "give an infinite loss")

BLOBS = DatasetSpec(name="blobs", summary="bright spots", options=BlobOptions, module="toy_data:Blobs")
NET = ModelSpec(
    name="toynet", summary="two layers", options=NetOptions, module="toy_model:Net", dataset="blobs",
    training={"epochs": 3, "batch_size": 16},
    references=(Reference({"hidden": 8}, {"test/accuracy": 0.5}, "a paper"),),
)
"""

DATA = """
import time
import numpy as np
from galaxynet.data.array_module import ArrayData, ArrayDataModule
from galaxynet.data.splits import split

class Blobs(ArrayDataModule):
    name = "blobs"

    def load(self):
        n = self.options.samples
        generator = np.random.default_rng(0)
        labels = np.arange(n) % 3
        images = generator.integers(0, 60, (n, 8, 8, 1), dtype=np.uint8)
        for row, label in enumerate(labels):
            images[row, 2 * label : 2 * label + 3, 2:6] += 120
        ids = [f"s{row}" for row in range(n)]
        parts = split(np.arange(n), ids, labels, test=0.25, validation=self.validation, seed=0)
        return ArrayData(images=images, targets=labels.astype(np.int64), ids=ids, split=parts,
                         classes=("top", "middle", "bottom"), summary={"images": n})

    def train_dataloader(self):
        batches = super().train_dataloader()
        return Slow(batches, self.options.pause) if self.options.pause else batches

class Slow:
    def __init__(self, batches, pause):
        self.batches, self.pause = batches, pause
    def __len__(self):
        return len(self.batches)
    def __iter__(self):
        for batch in self.batches:
            time.sleep(self.pause)
            yield batch
"""

MODEL = """
import torch
from torch import nn
from galaxynet.tasks import Classifier

class Net(Classifier):
    def __init__(self, options, data_info):
        inputs = torch.tensor(data_info.input_shape).prod().item()
        network = nn.Sequential(nn.Flatten(), nn.Linear(inputs, options.hidden), nn.ReLU(),
                                nn.Dropout(options.dropout),
                                nn.Linear(options.hidden, len(data_info.classes)))
        super().__init__(network, options, data_info)

    def loss(self, logits, targets):
        loss = super().loss(logits, targets)
        return loss * torch.inf if self.options.explode else loss
"""


@pytest.fixture
def toys(distribution: Any) -> None:
    """Install the dataset `blobs` and the network `toynet`."""
    distribution(
        "toys",
        {"toys": SPECS, "toy_data": DATA, "toy_model": MODEL},
        {"galaxynet.models": {"toynet": "toys:NET"}, "galaxynet.datasets": {"blobs": "toys:BLOBS"}},
    )
