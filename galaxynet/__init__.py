"""galaxynet: fetch a data set, train a network on it, compare what was trained, and apply it.

The verbs of the command line are functions here, imported when they are first used:

    import galaxynet
    run = galaxynet.train("galaxy_alexnet", dataset="galaxy-sim", act="tanh")
    run.record.metrics["test/accuracy"]
"""

# Nothing is imported here: for `python -m galaxynet`, the current directory comes first until that is mended.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from galaxynet.api import find_run, generate, list_runs, sweep, train

__all__ = ["find_run", "generate", "list_runs", "sweep", "train"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from galaxynet import api

        return getattr(api, name)
    from galaxynet.deprecation import moved_names

    return moved_names(__name__, {"reproduce": "galaxynet_reproduce:reproduce"}, removed_in="0.3")(name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
