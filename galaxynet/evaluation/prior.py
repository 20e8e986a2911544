"""Class probabilities for images whose classes have other shares than those of the training."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galaxynet.catalogue.columns import Table
from galaxynet.catalogue.reading import read_table
from galaxynet.errors import DataError, UsageError
from galaxynet.evaluation.calibration import Probabilities
from galaxynet.images.labels import LABEL_COLUMNS, cell_texts, find_column
from galaxynet.runs import Run
from galaxynet.tasks import Classifier, Task

UNIFORM = "uniform"
SHARE_COLUMN = "share"

PriorSource = str | Path | Mapping[str, float]
"""What `--prior` takes: `uniform` or a table; in Python also the share of each class."""

_TOLERANCE = 0.01
"""How far the shares may be from adding up to 1: they may be rounded to two or three decimals."""
_NAMED = 8


@dataclass(frozen=True)
class Prior:
    """Shares of the classes among the images that a classifier is applied to.

    By Bayes' theorem, the probability of each class is multiplied by its share there over its share in the
    training, and the products are divided by their sum: log(share / trained share) is added to the logits.
    That is right if the images of each class are alike in both places, and only the shares differ. A class
    without a training sample is not shifted.

    Source: M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
    probabilities: a simple procedure", Neural Computation 14 (2002) 21.

    Attributes:
        origin: Where the shares are from, in a few words.
        classes: All classes of the network.
        shares: The share of each class that the training part has, above 0; they add up to 1.
        trained: The same in the training part.
    """

    origin: str
    classes: tuple[str, ...]
    shares: Mapping[str, float]
    trained: Mapping[str, float]

    @classmethod
    def of(cls, run: Run, task: Task, source: PriorSource) -> Prior:
        """The prior for a run's network.

        Args:
            run: The run.
            task: Its network.
            source: `uniform`; a table with a column of labels (`label`, `labels` or `class`), which are
                counted, or with a column `share` beside it, too; or the share of each class.

        Raises:
            UsageError: If the network is not a classifier, or its run keeps no class counts.
            DataError: If the table cannot be read, lacks a class, or is of other classes.
        """
        trained, classes = _trained_shares(run, task), task.data_info.classes
        if isinstance(source, Mapping):
            return cls("the given shares", classes, _checked(source, trained, classes, "the prior"), trained)
        if str(source) == UNIFORM:
            return cls(UNIFORM, classes, dict.fromkeys(trained, 1 / len(trained)), trained)
        path = Path(source)
        if not path.is_file():
            raise UsageError(
                f"--prior {source}: there is no such table.",
                f"It takes {UNIFORM}, a table of labels, or a table with the columns class and share.",
            )
        shares, origin = _read_shares(path, trained, classes)
        return cls(origin, classes, shares, trained)

    @property
    def shift(self) -> tuple[float, ...]:
        """What is added to the logit of each class, in nats."""
        return tuple(
            math.log(self.shares[name] / self.trained[name]) if name in self.shares else 0.0
            for name in self.classes
        )

    @property
    def most_frequent(self) -> str | None:
        """The class with the largest share; None if all have the same."""
        name, share = max(self.shares.items(), key=lambda item: item[1])
        return name if share > min(self.shares.values()) else None

    def apply(self, probabilities: Probabilities) -> Probabilities:
        """Probabilities of shape (n, classes), as the training part has taught them, for this prior."""
        products = probabilities.astype(np.float64) * np.exp(self.shift)
        shifted: Probabilities = products / products.sum(axis=1, keepdims=True)
        return shifted

    def __str__(self) -> str:
        """The shares, and those of the training: `uniform: edge 0.500 (0.100 in training), ...`."""
        parts = [
            f"{name} {share:.3f} ({self.trained[name]:.3f} in training)"
            for name, share in self.shares.items()
        ]
        return f"{self.origin}: {_some(parts)}"


def _trained_shares(run: Run, task: Task) -> dict[str, float]:
    if not isinstance(task, Classifier):
        raise UsageError(f"--prior: the run {run.label} is not of a classifier.", "Leave it out.")
    classes, counts = task.data_info.classes, run.record.class_counts
    if len(counts) != len(classes) or not sum(counts):
        again = "" if run.record.exported else f" Train it again with: galaxynet train --like {run.record.id}"
        raise UsageError(
            f"--prior: the run {run.label} does not say how many training samples each class had: an older "
            "galaxynet trained it, or its dataset does not count them.",
            f"Leave it out.{again}",
        )
    return {name: count / sum(counts) for name, count in zip(classes, counts, strict=True) if count}


def _read_shares(
    path: Path, trained: Mapping[str, float], classes: Sequence[str]
) -> tuple[dict[str, float], str]:
    """The shares by a table, and what they are."""
    table = read_table(path)
    column = find_column(table, LABEL_COLUMNS)
    if column is None:
        raise DataError(
            f"--prior {path}: it has no column {' or '.join(LABEL_COLUMNS)}; it has {_some(table.names)}.",
            "Rename the column of labels.",
        )
    names = cell_texts(table[column])
    share_column = find_column(table, (SHARE_COLUMN,))
    if share_column is not None:
        given = _given(table, share_column, names, path)
        return _checked(given, trained, classes, str(path)), f"the shares of {path.name}"
    counts = Counter(name for name in names if name)
    known = sum(counts[name] for name in trained)
    if not known:
        raise DataError(
            f"--prior {path}: the network knows none of its labels {_some(list(counts))}.",
            f"Its classes are {_some(classes)}.",
        )
    others = counts.total() - known
    left_out = f" (and {others:,} of classes that the training lacks)" if others else ""
    shares = {name: counts[name] / known for name in trained if counts[name]}
    return _checked(shares, trained, classes, str(path)), f"{known:,} labels of {path.name}{left_out}"


def _given(table: Table, column: str, names: Sequence[str], path: Path) -> dict[str, float]:
    cells = table[column]
    if cells.dtype.kind not in "fiu":
        raise DataError(f"--prior {path}: the column {column} holds something else than numbers.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"--prior {path}: it has several shares of {_some(twice)}.", "Leave one of each.")
    return dict(zip(names, cells.astype(float).tolist(), strict=True))


def _checked(
    shares: Mapping[str, float], trained: Mapping[str, float], classes: Sequence[str], origin: str
) -> dict[str, float]:
    """The shares of the classes of the training, adding up to 1."""
    where = f"--prior: {origin}"
    if unknown := [name for name in shares if name not in classes]:
        raise DataError(
            f"{where} has a share of {_some(unknown)}, which the network does not know.",
            f"Its classes are {_some(classes)}.",
        )
    if missing := [name for name in trained if name not in shares]:
        raise DataError(
            f"{where} has no {_some(missing)}, so the network would never give that answer.",
            "Give every class a share above 0, in a table with the columns class and share.",
        )
    if wrong := [name for name in shares if not 0 < shares[name] < math.inf]:
        raise DataError(
            f"{where} has the share {shares[wrong[0]]:g} of {wrong[0]}.", "A share is above 0, and up to 1."
        )
    total = math.fsum(shares.values())
    if abs(total - 1) > _TOLERANCE:
        raise DataError(f"{where} has shares that add up to {total:g}.", "They have to add up to 1.")
    total = math.fsum(shares[name] for name in trained)
    return {name: shares[name] / total for name in trained}


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
