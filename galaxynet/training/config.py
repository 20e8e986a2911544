"""The configuration of a training: its options, checked before anything heavy is imported."""

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

if TYPE_CHECKING:
    from galaxynet.runs import RunRecord
from galaxynet.training.training_options import TrainingOptions

COMMAND_FLAGS = (
    *("--dataset", "--name", "--resume", "--like", "--force", "--runs-dir", "--data-dir"),
    *("--quiet", "--help", "--debug"),
)
"""Flags of the command `train` itself, which no plugin's option may use."""

_LONGEST_NAME = 80


@dataclass(frozen=True)
class Plan:
    """A fully determined training: the same plan on the same data gives the same network.

    Attributes:
        model: The network's plugin.
        model_spec: Its spec.
        dataset: The dataset's plugin.
        dataset_spec: Its spec.
        model_options: Options of the network.
        dataset_options: Options of the dataset.
        training: Options of the trainer.
        name: The run's name, or empty.
        sweep: The name of the sweep that the run is a trial of, or empty.
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

    def option_sets(self) -> dict[str, dict[str, Any]]:
        """The options as JSON types under `model`, `dataset` and `training`, as a run record keeps them."""
        return {
            "model": self.model_options.to_dict(),
            "dataset": self.dataset_options.to_dict(),
            "training": self.training.to_dict(),
        }

    def options(self) -> dict[str, Any]:
        """All options in one dict; no name occurs in two sets."""
        return {name: value for options in self.option_sets().values() for name, value in options.items()}

    def __reduce__(self) -> Any:
        """Pickle plain values only: a plugin may have made its options' classes in a function."""
        return _same_plan, (
            *(self.model.qualified, self.dataset.qualified),
            *(self.options(), self.name, self.sweep),
        )


def _same_plan(model: str, dataset: str, options: dict[str, Any], name: str, sweep: str) -> Plan:
    return Components.load(model, dataset).plan(options, name=name, sweep=sweep)


@dataclass(frozen=True)
class Components:
    """A network and a dataset, which with the trainer bring the options of a training.

    Attributes:
        model: The network's plugin.
        model_spec: Its spec.
        dataset: The dataset's plugin.
        dataset_spec: Its spec.
    """

    model: Plugin
    model_spec: ModelSpec
    dataset: Plugin
    dataset_spec: DatasetSpec

    @classmethod
    def load(cls, model: str, dataset: str | None = None) -> Components:
        """Load the specs and check that no flag is used twice.

        Args:
            model: The network's name, or `distribution:name`.
            dataset: The same for the dataset; None for the network's own.

        Raises:
            UsageError: If one of them is not installed.
            PluginError: If one is broken, or two use the same flag.
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

    def option_sets(self) -> dict[str, tuple[type[Options], Mapping[str, Any]]]:
        """The options classes under `model`, `dataset` and `training`, each with the defaults it is given."""
        return {
            "model": (self.model_spec.options, {}),
            "dataset": (self.dataset_spec.options, self.dataset_defaults),
            "training": (TrainingOptions, self.model_spec.training),
        }

    @property
    def dataset_defaults(self) -> dict[str, Any]:
        """The defaults of the dataset's options that the network sets."""
        known = {field.name for field in self.dataset_spec.options.fields()}
        return {name: value for name, value in self.model_spec.dataset_options.items() if name in known}

    def fields(self) -> dict[str, OptionField]:
        """Every option by its name."""
        return {field.name: field for options, _ in self.option_sets().values() for field in options.fields()}

    def plan(
        self,
        given: Mapping[str, Any],
        *,
        name: str = "",
        like: RunRecord | None = None,
        sweep: str = "",
        runs_dir: Path | None = None,
    ) -> Plan:
        """Validate options: those given, of the weights, of an earlier run, and the defaults, in this order.

        Args:
            given: Values by option name, of network, dataset and trainer together.
            name: A name for the run.
            like: The record of a run that supplies the options not given. If it trained another network,
                it supplies the trainer's options and, on the same dataset, the dataset's.
            sweep: The name of the sweep that the run is a trial of.
            runs_dir: The folder in which `weights` and `teacher` are looked up; None if all options are
                given, as they are in an earlier plan.

        Raises:
            UsageError: If an option is unknown or contradicts the weights, or no run could be found by the
                name.
            RunError: If there is no run that `weights` or `teacher` names.
            OptionError: If a value does not fit.
        """
        check_name(name)
        unknown = sorted(set(given) - set(self.fields()))
        if unknown:
            raise UsageError(
                f"{self.model_spec.name} on {self.dataset_spec.name} has no option {', '.join(unknown)}.",
                f"See: galaxynet train {self.model_spec.name} --help",
            )
        earlier: dict[str, Mapping[str, Any]] = {}
        if like is not None:
            earlier["training"] = like.options.training
            if like.model.name == self.model.name:
                earlier["model"] = like.options.model
            if like.dataset.name == self.dataset.name:
                earlier["dataset"] = like.options.dataset
        of_weights: Mapping[str, Mapping[str, Any]] = {}
        if runs_dir is not None:
            given, of_weights = self._with_weights(given, earlier, runs_dir)
            given = _with_teachers(given, runs_dir)
        options: dict[str, Any] = {}
        for part, (cls, defaults) in self.option_sets().items():
            names = {field.name for field in cls.fields()}
            values = {**defaults, **earlier.get(part, {}), **of_weights.get(part, {}), **given}
            options[part] = _build(cls, {key: value for key, value in values.items() if key in names})
        return Plan(
            *(self.model, self.model_spec, self.dataset, self.dataset_spec),
            *(options["model"], options["dataset"], options["training"]),
            name=name,
            sweep=sweep,
        )

    def _with_weights(
        self, given: Mapping[str, Any], earlier: Mapping[str, Mapping[str, Any]], runs_dir: Path
    ) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
        """The given options with a lasting reference to the weights, and the options that come with them.

        An earlier run of the same network on the same dataset has these options already, and may have
        outlived its weights.
        """
        reference = given.get("weights", earlier.get("training", {}).get("weights"))
        parts = {"model", "dataset"} - (set() if "weights" in given else earlier.keys())
        if not reference or not parts:
            return given, {}
        from galaxynet.training.pretrained import Pretrained

        pretrained = Pretrained.find(runs_dir, str(getattr(reference, "path", reference)))
        pretrained.check(given)
        options = pretrained.options(self.model_spec.options, self.dataset_spec.options)
        return {**given, "weights": pretrained.reference}, {part: options[part] for part in parts}


def _with_teachers(given: Mapping[str, Any], runs_dir: Path) -> Mapping[str, Any]:
    """The given options with lasting references to the teachers: a name may mean another run later."""
    teachers = given.get("teacher")
    if not teachers or not isinstance(teachers, list | tuple):
        return given
    from galaxynet.training.pretrained import Pretrained

    selected = [Pretrained.find(runs_dir, str(getattr(teacher, "path", teacher))) for teacher in teachers]
    return {**given, "teacher": tuple(teacher.reference for teacher in selected)}


def _build(cls: type[Options], values: dict[str, Any]) -> Any:
    for field in cls.fields():
        if field.type is Path and values.get(field.name) is not None:
            # The record must mean the same file wherever `--like` and `--resume` are called.
            values[field.name] = paths.expanded(Path(values[field.name])).absolute()
    return cls.from_dict(values)


def check_name(name: str, what: str = "run") -> None:
    """Ensure that a run or a sweep can be found by a name.

    Args:
        name: The name.
        what: What it names, for the message.

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
