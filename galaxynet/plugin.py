"""The plugin contract: everything a plugin author imports to describe a network, a dataset or a command.

This module imports neither torch nor lightning (nor, until an option is validated, pydantic), so listing
plugins, `--help` and shell completion stay quick however many plugins are installed.

A package offers a network by pointing an entry point of the group `galaxynet.models` at a `ModelSpec`,
a dataset by pointing one of the group `galaxynet.datasets` at a `DatasetSpec`, and a command by pointing one
of the group `galaxynet.commands` at a `CommandSpec`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from galaxynet.errors import DataError, UsageError
from galaxynet.options import OptionField, Options, option
from galaxynet.sources import (
    DataFile,
    Https,
    KaggleCompetition,
    KaggleDataset,
    Simulator,
    Source,
)
from galaxynet.vote_tree import KEY as VOTE_TREE
from galaxynet.vote_tree import VoteAnswer, VoteClass, VoteQuestion, VoteTree

__all__ = [
    "ALSO",
    "CONTRACT",
    "Activation",
    "CommandSpec",
    "DataFile",
    "DataInfo",
    "DatasetSpec",
    "Https",
    "KaggleCompetition",
    "KaggleDataset",
    "ModelSpec",
    "OptimizerOptions",
    "OptionField",
    "Options",
    "Reference",
    "ShippedWeights",
    "Simulator",
    "Source",
    "VoteAnswer",
    "VoteClass",
    "VoteQuestion",
    "VoteTree",
    "option",
]

ALSO = "also"
"""Where `DataInfo.extra` holds the classes that are learnt beside vote fractions."""

CONTRACT = 1
"""The version of this contract. A spec that carries a higher one asks for a newer galaxynet."""

Activation = Literal[
    "relu",
    "tanh",
    "sigmoid",
    "exponential",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "softsign",
    "linear",
]
"""The activation functions that `galaxynet.tasks.activations` builds, by their Keras names."""


class OptimizerOptions(Options):
    """Options of optimiser and schedule; inherit from it to set your network's defaults."""

    optimizer: Literal["adam", "adamw", "sgd", "adagrad"] = option("adam", "optimiser (sgd: momentum 0.9)")
    lr: float = option(1e-3, "learning rate; its maximum if a schedule is used", gt=0, le=100)
    schedule: Literal["constant", "cosine", "one-cycle"] = option(
        "constant", "learning-rate schedule over the whole training"
    )
    weight_decay: float = option(
        0.0, "weight decay (decoupled for adamw, an L2 penalty otherwise)", ge=0, le=10
    )


@dataclass(frozen=True)
class Reference:
    """A published figure to compare runs with.

    Attributes:
        options: The option values that a run must have for the figure to apply to it; of the model, of
            the dataset, or of the trainer.
        metrics: The figure by metric name, for example `{"test/accuracy": 0.690}`.
        source: Where it was published.
        datasets: The datasets that it was measured on; empty if the model's own dataset.
        classes: The classes that were distinguished; empty if the figure does not depend on them.
        training_samples: The fewest training samples that a run must have for the figure to apply to it.
    """

    options: Mapping[str, Any]
    metrics: Mapping[str, float]
    source: str
    datasets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    training_samples: int = 0


@dataclass(frozen=True, kw_only=True)
class ShippedWeights:
    """Trained weights that come with a package, to be named wherever a run is.

    Attributes:
        name: What users type: lower case letters, digits, `-` and `_`. It may be the network's own name.
        summary: One line for listings.
        folder: `package:path` of the folder that `galaxynet runs export` wrote, inside the installed package,
            for example `"galaxynet_tiny:weights/tiny"`. It is read when the weights are used or listed.
    """

    name: str
    summary: str
    folder: str


@dataclass(frozen=True)
class DataInfo:
    """What a network needs to know about its data. Plain types, so that it can be saved with the weights.

    Attributes:
        dataset: The dataset's name.
        input_shape: Shape of one sample, `(channels, height, width)` for images.
        classes: Names of the classes, ordered by index; empty if there are none.
        extra: Anything else that a network needs to know of the dataset: a `vocabulary`, or a `vote_tree` if
            the targets are vote fractions, and `also`, classes to learn beside them; JSON types only.
    """

    dataset: str
    input_shape: tuple[int, ...]
    classes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`input_shape` of images: channels, height, width.

        Raises:
            UsageError: If the samples are not images: the dataset does not suit the network.
        """
        if len(self.input_shape) != 3:
            raise UsageError(
                f"The dataset {self.dataset} holds no images, and this network takes nothing else.",
                "Choose another with --dataset; there are: galaxynet datasets",
            )
        channels, height, width = self.input_shape
        return channels, height, width

    @property
    def class_count(self) -> int:
        """The number of classes.

        Raises:
            UsageError: If there are none, but a network for classes is to learn them.
        """
        if not self.classes:
            raise UsageError(
                f"The dataset {self.dataset} gives no classes with these options, and this network learns "
                "nothing else.",
                "Choose others with --labels, or another dataset with --dataset.",
            )
        return len(self.classes)

    @property
    def vote_tree(self) -> VoteTree:
        """The questions whose vote fractions are the targets, `extra["vote_tree"]`.

        Raises:
            UsageError: If the targets are something else, but a network for votes is to learn them.
            DataError: If the questions are not a tree.
        """
        if VOTE_TREE not in self.extra:
            raise UsageError(
                f"The dataset {self.dataset} gives no vote fractions with these options, and this network "
                "learns nothing else.",
                "Galaxies have them with --labels votes.",
            )
        return VoteTree.from_dict(self.extra[VOTE_TREE])

    @property
    def also(self) -> dict[str, tuple[str, ...]]:
        """The classes that are learnt beside vote fractions, by the name of their table; empty without any.

        Tables are in order of their names, which no file can change. The targets have a column for each
        after those of the tree: the index of the class, NaN where it is unknown.

        Raises:
            DataError: If `extra["also"]` is not of that form.
        """
        tables = self.extra.get(ALSO, {})
        if not isinstance(tables, Mapping) or not all(isinstance(t, list | tuple) for t in tables.values()):
            raise DataError("The classes that are learnt beside the votes cannot be read.")
        return {str(name): tuple(map(str, classes)) for name, classes in sorted(tables.items())}

    @property
    def vote_logits(self) -> int:
        """The logits of a network for votes: one for each column of the tree, then each class of `also`.

        Raises:
            UsageError: As `vote_tree`.
            DataError: As `vote_tree` and `also`.
        """
        return len(self.vote_tree.columns) + sum(map(len, self.also.values()))

    @property
    def vocabulary(self) -> str:
        """The characters of a text, `extra["vocabulary"]`.

        Raises:
            UsageError: If the dataset is not a text, and so does not suit the network.
        """
        if "vocabulary" not in self.extra:
            raise UsageError(
                f"The dataset {self.dataset} is not a text, and this network reads nothing else.",
                "Give it yours with: --dataset text --file FILE",
            )
        return str(self.extra["vocabulary"])

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON types."""
        return {
            "dataset": self.dataset,
            "input_shape": list(self.input_shape),
            "classes": list(self.classes),
            "extra": dict(self.extra),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DataInfo:
        """The inverse of `to_dict`."""
        return cls(
            dataset=values["dataset"],
            input_shape=tuple(values["input_shape"]),
            classes=tuple(values["classes"]),
            extra=dict(values.get("extra", {})),
        )


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A network that `galaxynet train` can train.

    Attributes:
        name: The name on the command line: lower case letters, digits, `-` and `_`.
        summary: One line for listings.
        options: The options class; each of its fields becomes a flag and a key of the run record.
        module: `module:Class` of the LightningModule, built as `Class(options, data_info)`. It is imported
            when the model is trained, not before.
        dataset: The default of `--dataset`.
        training: Defaults of the trainer's options for this model, for example `{"epochs": 12}`.
        dataset_options: Defaults of the dataset's options for this model, for example `{"channels": "rgb"}`;
            those that a dataset does not have are ignored.
        references: Published figures to compare runs with.
        claims: `module:NAME` of a tuple of `galaxynet_reproduce.Claim`: what a publication claims about this
            network, for `galaxynet reproduce` to test. Only that command imports it.
        figures: Figures that this model can draw besides those of its task: for each name a
            `module:function`, called as `function(runs)` with a sequence of `galaxynet.runs.Run` and
            returning a matplotlib Figure.
        weights: Trained weights of this network that the package ships.
        contract: The version of the contract that the spec was written for.
    """

    name: str
    summary: str
    options: type[Options]
    module: str
    dataset: str
    training: Mapping[str, Any] = field(default_factory=dict)
    dataset_options: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    claims: str = ""
    figures: Mapping[str, str] = field(default_factory=dict)
    weights: tuple[ShippedWeights, ...] = ()
    contract: int = CONTRACT


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """A dataset that `galaxynet fetch` fetches and `galaxynet train` trains on.

    Attributes:
        name: The name on the command line, and of the folder in the data folder.
        summary: One line for listings.
        options: The options class of the data module; each field becomes a flag of `train`.
        module: `module:Class` of a `galaxynet.data.DataModule`.
        files: The files that the dataset consists of.
        sources: Where the files come from, best first. A folder (`fetch NAME --from FOLDER`) always works.
        homepage: Where to read about the data and get the files by hand.
        preprocessing: `module:Class` of a subclass of `galaxynet.images.preprocessing.Preprocessing`, where
            images need special preparation; empty for the built-in one. Its `kind` names it in the records of
            runs.
        check: `module:function`, called as `function(folder)` before fetched files get their final names. In
            `folder`, which has the dataset's name, they already have them. It returns lines to print, and
            raises `DataError` if training would refuse the files; then they are removed. Empty if there is
            nothing to check.
        contract: The version of the contract that the spec was written for.
    """

    name: str
    summary: str
    options: type[Options]
    module: str
    files: tuple[DataFile, ...] = ()
    sources: tuple[Source, ...] = ()
    homepage: str = ""
    preprocessing: str = ""
    check: str = ""
    contract: int = CONTRACT


@dataclass(frozen=True, kw_only=True)
class CommandSpec:
    """A command of `galaxynet`.

    Attributes:
        name: The word that follows `galaxynet`: lower case letters, digits, `-` and `_`.
        summary: One line for `galaxynet --help`.
        module: `module:attribute` of a function with Typer's annotations, or of a `typer.Typer`. It is
            imported when the command or its help is called, and must not import PyTorch itself, so that help
            stays quick; `galaxynet.commands` has the options that commands share.
        panel: The heading in `galaxynet --help`.
        contract: Version of the plugin contract that the spec is written for.
    """

    name: str
    summary: str
    module: str
    panel: str = "Plugins"
    contract: int = CONTRACT
