"""The run whose weights a training begins with, and the options that come with them (no torch)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxynet import paths
from galaxynet.errors import OptionError, RunError, UsageError
from galaxynet.options import Options
from galaxynet.plugin import OptimizerOptions

if TYPE_CHECKING:
    from galaxynet.runs import Run

_LEARNING = {field.name for field in OptimizerOptions.fields()}
"""Options that do not shape a network."""


@dataclass(frozen=True)
class Pretrained:
    """A run whose weights a training begins with.

    Attributes:
        run: The run.
        reference: Names it in the options of the new run: its id, the path of a run outside of the folder, or
            `distribution:name` of shipped weights.
    """

    run: Run
    reference: str

    @classmethod
    def find(cls, runs_dir: Path, reference: str) -> Pretrained:
        """The run or the shipped weights that `--weights` names.

        Args:
            runs_dir: The folder of the runs.
            reference: Id, name or folder of a run, or `last`; or the name of shipped weights.

        Raises:
            RunError: If nothing matches, or several runs do.
        """
        from galaxynet import runs

        run = runs.find_network(runs_dir, reference)
        if isinstance(run, runs.ShippedRun):
            return cls(run, run.reference)  # a run of the plain name may be trained later
        if run.path.absolute().parent == runs_dir.absolute():
            # A name or `last` may mean another run when this one is trained again.
            return cls(run, run.record.id if _is_unique(runs_dir, run) else run.path.name)
        path = paths.expanded(Path(reference))
        return cls(run, str(run.path.absolute()) if path.exists() else reference)

    def options(self, model: type[Options], dataset: type[Options]) -> dict[str, dict[str, Any]]:
        """The values of options that come with the weights, by `model` and `dataset`.

        Of the network, all options that it shares with the run's network and that do not say how it learns.
        Of the dataset, size, crop, channels and stretch of the images.
        """
        kept = {k: v for k, v in self.run.record.options.model.items() if k not in _LEARNING}
        return {"model": _accepted(model, kept), "dataset": _accepted(dataset, self._view())}

    def check(self, given: Mapping[str, Any]) -> None:
        """Ensure that no given option contradicts the weights.

        Raises:
            UsageError: If other channels are asked for.
        """
        channels = self._view().get("channels")
        if channels is not None and given.get("channels", channels) != channels:
            raise UsageError(
                f"--channels {given['channels']}: the weights of {self.run.label} take {channels} images.",
                "Leave out --channels.",
            )

    def _view(self) -> dict[str, Any]:
        values = self.run.record.preprocessing
        if not values:
            return {}
        fits = values.get("fits")
        stretch = fits.get("stretch") if isinstance(fits, dict) else None
        view = {"crop": values.get("crop") or None, "channels": values.get("channels")}
        if values.get("height") == values.get("width"):
            view["size"] = values.get("height")
        return {**view, "stretch": stretch} if stretch else view


def _accepted(options: type[Options], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the options take: another network may mean something else by the same name."""
    accepted = {}
    for field in options.fields():
        if field.name in values:
            with suppress(OptionError):
                options.from_dict({field.name: values[field.name]})
                accepted[field.name] = values[field.name]
    return accepted


def _is_unique(runs_dir: Path, run: Run) -> bool:
    from galaxynet import runs

    try:
        return runs.find(runs_dir, run.record.id, exact=True).path.name == run.path.name
    except RunError:  # a copied folder keeps its id
        return False
