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

from galaxynet.data_info import ALSO, DataInfo
from galaxynet.options import OptionField, Options, option
from galaxynet.sources import (
    DataFile,
    Https,
    KaggleCompetition,
    KaggleDataset,
    Simulator,
    Source,
)
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
