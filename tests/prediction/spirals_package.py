"""A package of a third party that ships weights of its own network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from galaxynet import registry
from galaxynet.runs import Run

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "galaxynet-spirals"
version = "1.2"
dependencies = ["galaxynet"]

[project.entry-points."galaxynet.models"]
spirals = "galaxynet_spirals:SPEC"
"""


SPEC = """
from galaxynet.plugin import ModelSpec, OptimizerOptions, ShippedWeights, option

class SpiralsOptions(OptimizerOptions):
    width: int = option(8, "channels", ge=1)

SPEC = ModelSpec(
    name="spirals", summary="finds spirals", options=SpiralsOptions,
    module="galaxynet_spirals.model:Spirals", dataset="galaxy-zoo",
    weights=(
        ShippedWeights(
            name="spirals", summary="100 made galaxies", folder="galaxynet_spirals:weights/spirals"
        ),
    ),
)
"""


MODEL = """
from torch import nn
from galaxynet.tasks import Classifier

class Spirals(Classifier):
    def __init__(self, options, data_info):
        channels, _, _ = data_info.image_shape
        network = nn.Sequential(
            nn.Conv2d(channels, options.width, 3, stride=2), nn.BatchNorm2d(options.width), nn.ReLU(),
            nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * options.width, data_info.class_count),
        )
        super().__init__(network, options, data_info)
"""


NOTES = """Trained to show how weights are shipped.

## Range of validity

Made galaxies of 60 x 60 pixels.

## Known failures

Everything that is real.

## Licence

CC0-1.0
"""


class Spirals(NamedTuple):
    """The third party's package and the run that its weights are from."""

    project: Path
    run: Run
    data_dir: Path

    @property
    def weights(self) -> Path:
        return self.project / "galaxynet_spirals" / "weights" / "spirals"


def forget() -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "galaxynet_spirals"]:
        del sys.modules[module]
    registry.clear_cache()
