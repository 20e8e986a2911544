"""What a network needs to know about its data (no torch)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from galaxynet.errors import DataError, UsageError
from galaxynet.vote_tree import KEY as VOTE_TREE
from galaxynet.vote_tree import VoteTree

ALSO = "also"
"""Where `DataInfo.extra` holds the classes that are learnt beside vote fractions."""


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
