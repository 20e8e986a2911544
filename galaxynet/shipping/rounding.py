"""By how much rounding the weights changes what a network says."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from galaxynet.data.module import DataModule
from galaxynet.tasks import Task


def difference(exact: Task, rounded: Task, data: DataModule) -> dict[str, float]:
    """Compare the outputs of two networks on the test part.

    Args:
        exact: The network of the run, in evaluation mode.
        rounded: The same with rounded weights.
        data: The data of the run, set up.

    Returns:
        `samples`; where the networks have outputs of single samples, the largest (`max`) and the `mean`
        absolute difference of all their numbers, and `labels`, the number of texts that differ.
    """
    if not exact.output_columns():
        return {"samples": float(data.sizes["test"])}
    largest = total = 0.0
    count = samples = labels = 0
    loaders = data.test_dataloader()
    with torch.inference_mode():
        for loader in loaders if isinstance(loaders, list | tuple) else [loaders]:
            for batch in loader:
                inputs: Tensor = batch.inputs
                before, after = (task.to(inputs.device).outputs(inputs) for task in (exact, rounded))
                samples += len(inputs)
                for name, cells in before.items():
                    others = after[name]
                    if not (isinstance(cells, Tensor) and isinstance(others, Tensor)):
                        labels += sum(a != b for a, b in zip(cells, others, strict=True))
                        continue
                    changes = (cells.double() - others.double()).abs().cpu().numpy()
                    changes = changes[np.isfinite(changes)]  # a fraction that few are asked for is NaN
                    if changes.size:
                        largest = max(largest, float(changes.max()))
                        total, count = total + float(changes.sum()), count + changes.size
    return {
        "samples": float(samples),
        "max": largest,
        "mean": total / count if count else 0.0,
        "labels": float(labels),
    }
