"""What the first layer has learnt to look for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from galaxynet.errors import RunError
from galaxynet.report.figures.style import heading, new_figure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.figure import Figure

    from galaxynet.runs import Run

_WEIGHT = "network.features.0.weight"
_MOST_RUNS = 4
_COLUMNS = 8


def filters(runs: Sequence[Run]) -> Figure:
    """The 32 kernels of the first convolution, a panel for each run.

    All kernels of a run share one scale of colours: orange is negative, white zero, blue positive. They are
    sorted by their size, the largest first.

    Args:
        runs: One to four runs of mnist_cnn.

    Raises:
        RunError: If there are more, one is of another network, or its checkpoint is gone or damaged.
    """
    from matplotlib.colors import LinearSegmentedColormap

    if len(runs) > _MOST_RUNS:
        raise RunError(
            f"{len(runs)} runs are too many for one figure of filters.", f"Name up to {_MOST_RUNS}."
        )
    colours = LinearSegmentedColormap.from_list(
        "signed", ["#D55E00", "#f4c7a8", "#ffffff", "#a9cde4", "#0072B2"]
    )
    kernels_of_runs = [first_kernels(run) for run in runs]
    figure = new_figure(0.4 + 3.9 * len(runs), 2.75)
    panels = figure.subplots(1, len(runs), squeeze=False)[0]
    for axes, run, kernels in zip(panels, runs, kernels_of_runs, strict=True):
        mosaic = _mosaic(kernels)
        largest = float(abs(kernels).max()) or 1.0
        image = axes.imshow(mosaic, cmap=colours, vmin=-largest, vmax=largest)
        axes.set_axis_off()
        axes.set_title(run.label if len(runs) > 1 else "first convolution")
        bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=14, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=8)
    what = f"  ·  {runs[0].label}" if len(runs) == 1 else f"  ·  {len(runs)} runs"
    activations = ", ".join(dict.fromkeys(str(run.record.options.model.get("act")) for run in runs))
    heading(
        figure, f"{runs[0].record.model.name}{what}", f"kernels of 3 x 3 pixels; activation {activations}"
    )
    return figure


def first_kernels(run: Run) -> npt.NDArray[np.float32]:
    """The kernels of the first convolution with the weights of the best epoch, shape (32, height, width).

    Raises:
        RunError: If the run's checkpoint is gone, damaged, or of another network.
    """
    path = run.checkpoint("best")
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        weight = state[_WEIGHT]
    except (KeyError, TypeError):
        raise RunError(f"{path} has no first convolution: it is of another network.") from None
    except Exception as error:  # torch raises what its reader of the day raises
        raise RunError(
            f"{path} cannot be read: {error}.", f"Train it again: --like {run.record.id}"
        ) from None
    kernels: npt.NDArray[np.float32] = weight.float().mean(dim=1).numpy()
    return kernels


def _mosaic(kernels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The kernels in rows of eight, a pixel apart; the gaps are NaN, which has no colour."""
    import numpy as np

    order = np.argsort(-np.abs(kernels).sum(axis=(1, 2)))
    side = kernels.shape[1]
    rows = -(-len(kernels) // _COLUMNS)
    mosaic = np.full((rows * (side + 1) - 1, _COLUMNS * (side + 1) - 1), np.nan, np.float32)
    for index, kernel in enumerate(kernels[order]):
        top, left = index // _COLUMNS * (side + 1), index % _COLUMNS * (side + 1)
        mosaic[top : top + side, left : left + side] = kernel
    return mosaic
