"""galaxynet: fetch a dataset, train networks on it, compare them, and apply them.

The commands of the command line are functions here, each imported when it is first used:

    import galaxynet
    run = galaxynet.train("galaxy_alexnet", dataset="galaxy-sim", act="tanh")
    run.record.metrics["test/accuracy"]
"""

# Nothing is imported here: for `python -m galaxynet`, the current directory comes first until `safe_path`
# corrects that.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from galaxynet.api import fetch, generate, sweep, train
    from galaxynet.errors import (
        DataError,
        GalaxynetError,
        OptionError,
        PluginError,
        RunError,
        UsageError,
    )
    from galaxynet.evaluation.result import Evaluation
    from galaxynet.prediction.trained_model import TrainedModel
    from galaxynet.runs import DamagedRun, Run
    from galaxynet.runs_api import compare, evaluate, export_weights, figures, find_run, list_runs, load

    __version__: str

__all__ = [
    "DamagedRun",
    "DataError",
    "Evaluation",
    "GalaxynetError",
    "OptionError",
    "PluginError",
    "Run",
    "RunError",
    "TrainedModel",
    "UsageError",
    "__version__",
    "compare",
    "evaluate",
    "export_weights",
    "fetch",
    "figures",
    "find_run",
    "generate",
    "list_runs",
    "load",
    "sweep",
    "train",
]

_MODULES = {
    "DamagedRun": "galaxynet.runs",
    "Evaluation": "galaxynet.evaluation.result",
    "Run": "galaxynet.runs",
    "TrainedModel": "galaxynet.prediction.trained_model",
    **dict.fromkeys(
        ("compare", "evaluate", "export_weights", "figures", "find_run", "list_runs", "load"),
        "galaxynet.runs_api",
    ),
    **dict.fromkeys(
        ("DataError", "GalaxynetError", "OptionError", "PluginError", "RunError", "UsageError"),
        "galaxynet.errors",
    ),
}
"""Where a public name lives that is not in `galaxynet.api`."""


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("galaxynet")
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(_MODULES.get(name, "galaxynet.api")), name)
    from galaxynet.deprecation import moved_names

    return moved_names(__name__, {"reproduce": "galaxynet_reproduce:reproduce"}, removed_in="0.3")(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
