"""A trained network out of a run folder: built from the record, with the weights that the folder holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from galaxynet import registry
from galaxynet.errors import GalaxynetError, RunError
from galaxynet.evaluation.stored_weights import read_weights, unreadable
from galaxynet.plugin import DataInfo, ModelSpec, Options
from galaxynet.registry import Plugin
from galaxynet.runs import Run
from galaxynet.tasks import Task
from galaxynet.tasks.views import Views


def model_class(run: Run) -> tuple[ModelSpec, Callable[[Options, DataInfo], Task]]:
    """The spec and the class of a run's model.

    Raises:
        RunError: If its plugin is not installed.
        PluginError: If it cannot be imported.
    """
    plugin = _plugin(run)
    spec: ModelSpec = plugin.load()
    task_class: Callable[[Options, DataInfo], Task] = registry.resolve_for(plugin, spec.module)
    return spec, task_class


def recorded_views(run: Run) -> int:
    """How many views of an image a run was tested with, and its calibration fitted to."""
    views = run.record.options.training.get("views")
    return views if isinstance(views, int) and views in get_args(Views) else 1


def restore(run: Run, which: Literal["best", "last"] = "best", views: int | None = None) -> Task:
    """The network of a run with its weights, on the CPU, ready to be asked.

    Only tensors and plain values are read (`weights_only=True`): a stranger's run executes nothing.

    Args:
        run: The run.
        which: The weights of the best epoch or of the last one.
        views: How many views of an image to average over; None for as many as the run was tested with.

    Raises:
        RunError: If the plugin or the weights are gone, or the weights are damaged or another network's.
        UsageError: If the network cannot average over that number of views.
    """
    spec, task_class = model_class(run)
    weights = read_weights(run, which)
    try:
        known = {field.name for field in spec.options.fields()}
        values = {name: value for name, value in run.record.options.model.items() if name in known}
        network = task_class(spec.options.from_dict(values), weights.data_info)
        network.load_state_dict(weights.tensors)
        if weights.checkpoint:
            network.on_load_checkpoint(weights.checkpoint)
    except GalaxynetError:
        raise
    except Exception as error:  # a plugin's network may raise anything over weights of another version
        raise unreadable(run) from error
    network.check_views(views or recorded_views(run))
    network.views = views or recorded_views(run)
    return network.eval()


def _plugin(run: Run) -> Plugin:
    model = run.record.model
    for name in (f"{model.distribution}:{model.name}", model.name):
        if any(name in (plugin.name, plugin.qualified) for plugin in registry.plugins("model")):
            return registry.find("model", name)
    raise RunError(
        f"The model {model.name} of the run {run.label} is not installed: it came with "
        f"{model.distribution} {model.version}."
    )
