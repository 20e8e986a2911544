"""Classes of galaxies: from the volunteers' votes, or from your own table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from galaxynet.errors import DataError
from galaxynet.evaluation.votes import fitting
from galaxynet_galaxy_zoo.options import LABEL_RULES
from galaxynet_galaxy_zoo.tables import Votes, rows_of
from galaxynet_galaxy_zoo.tree import MORPHOLOGY, TREE
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX

PLURALITY_CLASSES = ("Class1.1", "Class1.2", "Class1.3", "Class6.1", "Class6.2")
"""The columns that can have the highest fraction: no answer has more votes than the one that led to it."""

MORPHOLOGY_CLASSES = tuple(member.label for member in MORPHOLOGY)
"""The five classes of Zhu et al., arXiv:1807.10406, table 1."""

_MORPHOLOGY_ANSWERS = ("Class7.1", "Class7.2", "Class7.3", "Class2.1", "Class4.1")
"""The answers that they are named after."""


@dataclass(frozen=True)
class Labels:
    """A class for each of some galaxies.

    Attributes:
        classes: The names of the classes.
        of: For each GalaxyID the index of its class.
        origin: Where the labels come from, for messages.
        fixed: Whether the classes are those of a rule, to be kept even where a class has no galaxy.
        agreement: For each GalaxyID the fraction of the volunteers who gave the answer that its class is
            named after; empty for the user's own table.
    """

    classes: tuple[str, ...]
    of: dict[int, int]
    origin: str
    fixed: bool
    agreement: Mapping[int, float] = field(default_factory=dict)


def plurality(votes: Votes) -> Labels:
    """The answer with the highest fraction of all 37; the first in a tie.

    Only five of the columns are compared: the others can equal the answer that led to their question, which
    comes before them, and exceed it by no more than the rounding of the table. A galaxy has no label where
    one of the five is unknown.
    """
    fractions = votes.fractions[:, [COLUMN_INDEX[name] for name in PLURALITY_CLASSES]]
    known = ~np.isnan(fractions).any(axis=1)
    label = np.where(known, fractions.argmax(axis=1), -1)
    of = {id_: c for id_, c in zip(votes.ids, label.tolist(), strict=True) if c >= 0}
    agreement = dict(zip(votes.ids, fractions.max(axis=1).tolist(), strict=True))
    return Labels(PLURALITY_CLASSES, of, "the plurality of the votes", fixed=True, agreement=agreement)


def morphology5(votes: Votes) -> Labels:
    """The five clean samples of Zhu et al. (arXiv:1807.10406): thresholds on the fractions of all volunteers.

    Where the votes add up, a galaxy fits one rule at most. One that fits none, as most do, has no label.
    """
    label = fitting(TREE, MORPHOLOGY, votes.fractions)
    of = {id_: c for id_, c in zip(votes.ids, label.tolist(), strict=True) if c >= 0}
    answers = votes.fractions[:, [COLUMN_INDEX[name] for name in _MORPHOLOGY_ANSWERS]]
    agreed = answers[np.arange(len(label)), np.maximum(label, 0)].tolist()
    agreement = dict(zip(votes.ids, agreed, strict=True))
    return Labels(MORPHOLOGY_CLASSES, of, "the five-class rule", fixed=True, agreement=agreement)


def read_labels(path: Path, *, fewest: int = 1) -> Labels:
    """Read a label table with the columns GalaxyID and label; other columns are ignored.

    A row with an empty label is a galaxy without one. The classes are in alphabetical order.

    Args:
        path: The table.
        fewest: How many classes it has to have at least.

    Raises:
        DataError: If the file is missing, lacks a column, has an id that is not a number, gives one galaxy
            two different labels, or has no labels at all or too few classes.
    """
    name_of: dict[int, str] = {}
    for line, id_, (cell,) in rows_of(path, ("label",)):
        label = cell.strip()
        if label and name_of.setdefault(id_, label) != label:
            raise DataError(
                f"{path}, line {line}: galaxy {id_} is labelled {label!r} here and {name_of[id_]!r} before."
            )
    if not name_of:
        raise DataError(f"{path} has no labels.", "It needs rows like: 100008,spiral")
    classes = tuple(sorted(set(name_of.values())))
    if len(classes) < fewest:
        raise DataError(
            f"{path} has one class only, {classes[0]}: there is nothing to learn.",
            "Two classes are the least.",
        )
    index_of = {name: index for index, name in enumerate(classes)}
    return Labels(classes, {id_: index_of[name] for id_, name in name_of.items()}, str(path), fixed=False)


RULES: dict[str, Callable[[Votes], Labels]] = dict(zip(LABEL_RULES, (plurality, morphology5), strict=True))
"""The rules that turn votes into labels, by their name in `--labels`."""
