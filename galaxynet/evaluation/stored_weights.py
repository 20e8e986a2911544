"""The weights of a run as they are stored: in a checkpoint, or in `weights.safetensors`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import safetensors.torch
import torch
from torch import Tensor

from galaxynet.errors import RunError
from galaxynet.plugin import DataInfo
from galaxynet.runs import Run, ShippedRun
from galaxynet.runs.exported import verified_weights


@dataclass(frozen=True)
class StoredWeights:
    """What a file of weights holds.

    Attributes:
        tensors: The tensors of the task's `state_dict`, on the CPU. Those of an exported run may be float16.
        data_info: The data that the network is built for.
        checkpoint: The whole checkpoint; empty for an exported run.
    """

    tensors: Mapping[str, Tensor]
    data_info: DataInfo
    checkpoint: dict[str, Any] = field(default_factory=dict, repr=False)


def read_weights(run: Run, which: Literal["best", "last"] = "best") -> StoredWeights:
    """Read the weights of a run or of shipped weights. No code in the file is executed.

    Args:
        run: The run.
        which: The weights of the best epoch or of the last one; an exported run has the best ones alone.

    Raises:
        RunError: If they are missing or damaged, or their digest is not the recorded one.
    """
    path = run.checkpoint(which) if run.record.exported is None or which == "last" else run.weights_path()
    try:
        if run.record.exported is not None:
            return _read_exported(run)
        kept = torch.load(path, map_location="cpu", weights_only=True)
        return StoredWeights(
            kept["state_dict"], DataInfo.from_dict(kept["hyper_parameters"]["data_info"]), kept
        )
    except RunError:
        raise
    except Exception as error:  # torch and zip files raise whatever they like over damaged bytes
        raise unreadable(run) from error


def _read_exported(run: Run) -> StoredWeights:
    assert run.record.exported is not None
    try:
        content = verified_weights(run)  # the very bytes whose digest is right are parsed
    except RunError as error:
        raise RunError(f"The weights {named(run)} cannot be used: {error.message}", hint(run)) from None
    return StoredWeights(safetensors.torch.load(content), DataInfo.from_dict(run.record.exported.data_info))


def unreadable(run: Run) -> RunError:
    """The error for weights that are damaged or of another network."""
    if run.record.exported is None:
        return RunError(
            f"The weights of the run {run.label} cannot be read: {run.weights_path()} is damaged or not from "
            "this network.",
            f"Train them again with: galaxynet train --like {run.record.id}",
        )
    model = run.record.model
    return RunError(
        f"The weights {named(run)} cannot be used: {run.path} is damaged, or the installed network "
        f"{model.name} is not that of {model.distribution} {model.version}.",
        hint(run),
    )


def named(run: Run) -> str:
    """Name and package of shipped weights, or the name of an exported run."""
    return run.source if isinstance(run, ShippedRun) else run.label


def hint(run: Run) -> str:
    """How to get shipped weights again; empty for a folder that no package ships."""
    return run.reinstall_hint if isinstance(run, ShippedRun) else ""
