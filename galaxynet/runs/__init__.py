"""Run folders and their records (no torch)."""

from galaxynet.runs.environment import describe_environment
from galaxynet.runs.folder import DamagedRun, Run, create
from galaxynet.runs.predictions import Predictions, write_predictions
from galaxynet.runs.record_parts import (
    Environment,
    ExportedWeights,
    InitialWeights,
    MajorityClass,
    OptionValues,
    PluginId,
    ReferenceValue,
    TeacherRun,
)
from galaxynet.runs.run_record import RunRecord
from galaxynet.runs.search import find, scan
from galaxynet.runs.shipped import Shipped, ShippedRun, find_network, shipped_weights

__all__ = [
    "DamagedRun",
    "Environment",
    "ExportedWeights",
    "InitialWeights",
    "MajorityClass",
    "OptionValues",
    "PluginId",
    "Predictions",
    "ReferenceValue",
    "Run",
    "RunRecord",
    "Shipped",
    "ShippedRun",
    "TeacherRun",
    "create",
    "describe_environment",
    "find",
    "find_network",
    "scan",
    "shipped_weights",
    "write_predictions",
]
