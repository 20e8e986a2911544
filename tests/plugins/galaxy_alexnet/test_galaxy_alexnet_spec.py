from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from galaxynet import registry
from galaxynet.data.batches import Batch
from galaxynet.errors import OptionError
from galaxynet.plugin import DataInfo
from galaxynet_galaxy_alexnet import SPEC, GalaxyAlexNetOptions

_INFO = DataInfo("galaxy-zoo", (1, 60, 60), ("Class1.1", "Class1.2", "Class6.2"))


def test_listing_the_plugin_imports_no_torch() -> None:
    """`galaxynet plugins` and `--help` stay quick: the spec imports no torch, lightning or numpy."""
    code = (
        "import sys; from galaxynet_galaxy_alexnet import SPEC; SPEC.options.fields();"
        "print([m for m in ('torch', 'lightning', 'numpy', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_without_options_the_report_s_best_network_is_trained() -> None:
    """The defaults are relu and no extra convolution, 12 epochs of batches of 64, Adam, 4e-4, one cycle."""
    assert GalaxyAlexNetOptions().to_dict() == {
        "act": "relu",
        "extra_convs": 0,
        "optimizer": "adam",
        "lr": 4e-4,
        "schedule": "one-cycle",
        "weight_decay": 0.0,
    }
    assert SPEC.training == {"epochs": 12, "batch_size": 64}


@pytest.mark.parametrize("options", [{"extra_convs": 2}, {"act": "rleu"}, {"lr": 0}])
def test_options_that_the_network_does_not_have_are_refused(options: dict[str, object]) -> None:
    """A wrong value is named with its flag before anything is trained."""
    with pytest.raises(OptionError, match="--" + next(iter(options)).replace("_", "-")):
        GalaxyAlexNetOptions.from_dict(options)


def test_the_published_accuracy_stands_beside_the_runs_it_applies_to() -> None:
    """69.0 % is quoted for relu and tanh without extra convolutions, and for nothing else."""
    quoted = {
        (reference.options["act"], reference.options["extra_convs"]): reference.metrics
        for reference in SPEC.references
    }

    assert quoted == {("tanh", 0): {"test/accuracy": 0.690}, ("relu", 0): {"test/accuracy": 0.690}}


def test_the_model_is_built_from_options_and_data_and_learns() -> None:
    """The class that the spec names takes the data's classes and image size, and its loss falls."""
    torch.manual_seed(0)
    network = registry.resolve(SPEC.module)(GalaxyAlexNetOptions(extra_convs=1), _INFO)
    classes = torch.arange(16) % 3
    images = 0.1 * torch.randn(16, 1, 60, 60) + classes.view(-1, 1, 1, 1)  # brightness tells the class
    batch = Batch(images, classes, torch.arange(16))
    optimizer = torch.optim.Adam(network.parameters(), 4e-4)
    losses = []
    for step in range(12):
        loss = network.training_step(batch, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert network(images).shape == (16, 3)
    assert losses[-1] < 0.5 * losses[0]
