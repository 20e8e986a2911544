"""What is to be trained: from the words of a call to validated options, before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxynet import paths, registry
from galaxynet.errors import PluginError, UsageError
from galaxynet.options import OptionField, Options
from galaxynet.plugin import DatasetSpec, ModelSpec
from galaxynet.registry import Plugin
from galaxynet.training.options import TrainingOptions

if TYPE_CHECKING:
    from galaxynet.runs import RunRecord

COMMAND_FLAGS = (
    *("--dataset", "--name", "--resume", "--like", "--force", "--runs-dir", "--data-dir"),
    *("--quiet", "--help", "--debug"),
)
"""Flags of the command `train` itself, which no plugin's option can have."""


_LONGEST_NAME = 80


@dataclass(frozen=True)
class Plan:
    """A training that is fully determined: the same plan on the same data gives the same network.

    Attributes:
        model: The plugin of the network.
        model_spec: Its spec.
        dataset: The plugin of the dataset.
        dataset_spec: Its spec.
        model_options: Options of the network.
        dataset_options: Options of the dataset.
        training: Options of the trainer.
        name: The name that the person gave the run, or empty.
        sweep: The name of the sweep that it is a trial of, or empty.
    """

    model: Plugin
    model_spec: ModelSpec
    dataset: Plugin
    dataset_spec: DatasetSpec
    model_options: Options
    dataset_options: Options
    training: TrainingOptions
    name: str = ""
    sweep: str = ""

    def __reduce__(self) -> Any:
        """Pickle plain values only: a plugin may have made its options' classes by a function."""
        parts = self.model_options, self.dataset_options, self.training
        options = {name: value for part in parts for name, value in part.to_dict().items()}
        return _same_plan, (self.model.qualified, self.dataset.qualified, options, self.name, self.sweep)


def _same_plan(model: str, dataset: str, options: dict[str, Any], name: str, sweep: str) -> Plan:
    return Parties.of(model, dataset).plan(options, name=name, sweep=sweep)


@dataclass(frozen=True)
class Parties:
    """Who brings options to a training: a network, a dataset, the trainer."""

    model: Plugin
    model_spec: ModelSpec
    dataset: Plugin
    dataset_spec: DatasetSpec

    @classmethod
    def of(cls, model: str, dataset: str | None = None) -> Parties:
        """Load the specs and see that no flag is used twice.

        Args:
            model: The model's name, or `distribution:name`.
            dataset: The same for the dataset; None for the model's own.

        Raises:
            UsageError: If one of them is not there.
            PluginError: If one is broken, or two bring the same flag.
        """
        model_plugin = registry.find("model", model)
        model_spec: ModelSpec = model_plugin.load()
        dataset_plugin = registry.find("dataset", dataset or model_spec.dataset)
        dataset_spec: DatasetSpec = dataset_plugin.load()
        registry.check_flags(
            [
                ("the trainer", TrainingOptions),
                (f"the model {model_spec.name} ({model_plugin.distribution})", model_spec.options),
                (f"the dataset {dataset_spec.name} ({dataset_plugin.distribution})", dataset_spec.options),
            ],
            reserved=COMMAND_FLAGS,
        )
        known = {field.name for field in TrainingOptions.fields()}
        if unknown := set(model_spec.training) - known:
            raise PluginError(
                f"The model {model_spec.name} ({model_plugin.distribution}) sets trainer options that do not "
                f"exist: {', '.join(sorted(unknown))}.",
                model_plugin.remove_hint(),
            )
        return cls(model_plugin, model_spec, dataset_plugin, dataset_spec)

    def fields(self) -> dict[str, OptionField]:
        """Every option by its name: those of the network, the dataset and the trainer."""
        options = (self.model_spec.options, self.dataset_spec.options, TrainingOptions)
        return {field.name: field for kind in options for field in kind.fields()}

    def plan(
        self, given: Mapping[str, Any], *, name: str = "", like: RunRecord | None = None, sweep: str = ""
    ) -> Plan:
        """Validated options from what was given, over an earlier run's, over the defaults.

        Args:
            given: Values by option name, of model, dataset and trainer together.
            name: A name for the run.
            like: The record of a run whose options hold where none is given; of another network's, those of
                the trainer and, on the same dataset, of the dataset.
            sweep: The name of the sweep that it is a trial of.

        Raises:
            UsageError: If an option is unknown, or the name is none that a run can be found by.
            OptionError: If a value does not fit.
        """
        check_name(name)
        left = dict(given)
        before = like.options if like else None
        same_model = like is not None and like.model.name == self.model.name
        same_dataset = like is not None and like.dataset.name == self.dataset.name

        def options(kind: type[Options], earlier: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
            names = [field.name for field in kind.fields()]
            values = {**defaults, **{key: earlier[key] for key in names if key in earlier}}
            values.update({key: left.pop(key) for key in names if key in left})
            for field in kind.fields():
                if field.type is Path and values.get(field.name) is not None:
                    # The record has to mean the same file wherever `--like` and `--resume` are called.
                    values[field.name] = paths.expanded(Path(values[field.name])).absolute()
            return kind.from_dict(values)

        plan = Plan(
            self.model,
            self.model_spec,
            self.dataset,
            self.dataset_spec,
            options(self.model_spec.options, before.model if before and same_model else {}, {}),
            options(self.dataset_spec.options, before.dataset if before and same_dataset else {}, {}),
            options(TrainingOptions, before.training if before else {}, self.model_spec.training),
            name,
            sweep,
        )
        if left:
            raise UsageError(
                f"{self.model_spec.name} on {self.dataset_spec.name} has no option "
                f"{', '.join(sorted(left))}.",
                f"See: galaxynet train {self.model_spec.name} --help",
            )
        return plan


def check_name(name: str, what: str = "run") -> None:
    """See that a run or a sweep can be found by a name.

    Args:
        name: The name.
        what: What is to be named.

    Raises:
        UsageError: If it cannot.
    """
    bad = name == "last" or name.startswith("-") or "/" in name or not name.isprintable()
    if bad or name != name.strip() or len(name) > _LONGEST_NAME:
        raise UsageError(
            f"A {what} cannot be named {name[:_LONGEST_NAME]!r}.",
            f"A name has up to {_LONGEST_NAME} printable characters, no slash and no leading hyphen, "
            "and is not 'last'.",
        )
