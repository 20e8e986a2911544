"""Accuracies of the classes that are learnt beside vote fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from galaxynet.evaluation.intervals import accuracy_interval
from galaxynet.evaluation.votes import Fractions, nearest
from galaxynet.vote_tree import VoteTree


def label_metrics(
    tree: VoteTree,
    tables: Mapping[str, Sequence[str]],
    predicted: Fractions,
    labels: npt.NDArray[np.float64],
    guesses: npt.NDArray[np.int64],
) -> dict[str, float]:
    """What is said of each table besides the accuracy of its own logits.

    Args:
        tree: The questions.
        tables: The classes, by the name of their table.
        predicted: The network's fractions.
        labels: Class indices, shape (samples, tables); NaN where they are unknown.
        guesses: Those of the table's own logits, of the same shape.

    Returns:
        `<name>_accuracy_low` and `<name>_accuracy_high`, the ends of the 95 % interval of that accuracy; as
        `<name>/samples`, how many samples have a label; and `<name>/accuracy` with its own ends, the accuracy
        of `derived_classes`, if the classes are of the tree. A table without labels here is missing.
    """
    metrics: dict[str, float] = {}
    for index, (name, classes) in enumerate(tables.items()):
        known = ~np.isnan(labels[:, index])
        if not known.any():
            continue
        truth, samples = labels[known, index], int(known.sum())
        own = float(np.mean(guesses[known, index] == truth))
        metrics[f"{name}_accuracy_low"], metrics[f"{name}_accuracy_high"] = accuracy_interval(own, samples)
        metrics[f"{name}/samples"] = float(samples)
        derived = derived_classes(tree, classes, predicted[known])
        if derived is not None:
            accuracy = float(np.mean(derived == truth))
            low, high = accuracy_interval(accuracy, samples)
            metrics |= {
                f"{name}/accuracy": accuracy,
                f"{name}/accuracy_low": low,
                f"{name}/accuracy_high": high,
            }
    return metrics


def derived_classes(
    tree: VoteTree, classes: Sequence[str], fractions: Fractions
) -> npt.NDArray[np.int64] | None:
    """The class that predicted fractions say, as an index in `classes`.

    Of classes that are columns of the tree, it is the one with the highest fraction. Of the classes of one of
    the tree's schemes, it is the one whose thresholds are nearest to being reached; see `nearest`.

    Returns:
        An index for each sample; None if the classes are neither.
    """
    if set(classes) <= set(tree.columns):
        index: npt.NDArray[np.int64] = fractions[:, [tree.columns.index(c) for c in classes]].argmax(axis=1)
        return index
    for scheme in tree.classes.values():
        members = {member.label: member for member in scheme}
        if set(classes) <= set(members):
            return nearest(tree, [members[name] for name in classes], fractions)
    return None
