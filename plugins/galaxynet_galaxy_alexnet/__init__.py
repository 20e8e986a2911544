"""The network galaxy_alexnet: a small AlexNet that classifies images of galaxies.

This module is imported for listings and for `--help`, so it imports no torch.
"""

from __future__ import annotations

from galaxynet.plugin import ModelSpec, Reference
from galaxynet_galaxy_alexnet.options import PLURALITY, GalaxyAlexNetOptions

__all__ = ["SPEC", "GalaxyAlexNetOptions"]

_REPORT = "2019 student report, section 2.4, on all 61,578 galaxies"

# The report's exponential networks ended in an undefined loss: there is no figure to set beside those runs.
SPEC = ModelSpec(
    name="galaxy_alexnet",
    summary="AlexNet-like classifier of galaxy morphology",
    options=GalaxyAlexNetOptions,
    module="galaxynet_galaxy_alexnet.model:GalaxyAlexNet",
    dataset="galaxy-zoo",
    training={"epochs": 12, "batch_size": 64},
    references=(
        Reference({"act": "tanh", "extra_convs": 0}, {"test/accuracy": 0.690}, _REPORT, classes=PLURALITY),
        Reference({"act": "relu", "extra_convs": 0}, {"test/accuracy": 0.690}, _REPORT, classes=PLURALITY),
    ),
    claims="galaxynet_galaxy_alexnet.claims:CLAIMS",
)
