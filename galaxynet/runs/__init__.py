"""Run folders and their records (no torch)."""

from galaxynet.runs.environment import describe_environment
from galaxynet.runs.folder import DamagedRun, Run, create
from galaxynet.runs.predictions import Predictions, write_predictions
from galaxynet.runs.run_record import (
    Environment,
    InitialWeights,
    MajorityClass,
    OptionValues,
    PluginId,
    ReferenceValue,
    RunRecord,
)
from galaxynet.runs.search import find, scan

__all__ = [
    "DamagedRun",
    "Environment",
    "InitialWeights",
    "MajorityClass",
    "OptionValues",
    "PluginId",
    "Predictions",
    "ReferenceValue",
    "Run",
    "RunRecord",
    "create",
    "describe_environment",
    "find",
    "scan",
    "write_predictions",
]
