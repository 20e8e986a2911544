"""The evaluation of a network on other images, with a table of their labels or votes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from galaxynet.errors import DataError, UsageError
from galaxynet.evaluation.classification import classify
from galaxynet.evaluation.prior import Prior
from galaxynet.evaluation.result import Evaluation, evaluation_of
from galaxynet.images.inputs import Inputs
from galaxynet.images.labels import DEFAULT, LabelColumns, Labels, read_labels
from galaxynet.images.matching import distinct_ids
from galaxynet.prediction.applied_images import apply_to_images
from galaxynet.prediction.network import AppliedNetwork
from galaxynet.prediction.network_of_run import conformal_sets_of, temperature_of
from galaxynet.prediction.own_test import mean_error
from galaxynet.prediction.voted_images import evaluate_voted_images
from galaxynet.runs import Run
from galaxynet.tasks import Classifier, VoteFractions


@dataclass(frozen=True)
class LabelTable:
    """A table of labels or votes.

    Attributes:
        path: The table.
        columns: Which of its columns mean something.
    """

    path: Path
    columns: LabelColumns = DEFAULT


def evaluate_images(
    run: Run,
    network: AppliedNetwork,
    inputs: Inputs,
    words: str,
    *,
    labels: LabelTable | None = None,
    votes: LabelTable | None = None,
    prior: Prior | None = None,
) -> Evaluation:
    """Apply a network to images and compare what it says with their labels or votes.

    Args:
        run: The run of the network.
        network: The network.
        inputs: The images.
        words: What the images are, for display.
        labels: Their labels, for a classifier.
        votes: Their vote fractions, for a network that predicts these.
        prior: Shares of the classes to shift a classifier's probabilities to; None for those of the training.

    Raises:
        UsageError: If the network needs a table and it is missing, or has no use for one.
        DataError: If no label that the network knows fits an image, or no votes do.
    """
    needed = {Classifier: "--labels", VoteFractions: "--votes"}
    flag = next((flag for cls, flag in needed.items() if isinstance(network.task, cls)), "")
    given = {"--labels": labels, "--votes": votes}
    useless = next((name for name, table in given.items() if table is not None and name != flag), "")
    if useless:
        raise UsageError(
            f"A network for {run.record.task} has no use for {useless[2:]}.",
            f"Name its table with {flag}." if flag else f"Leave out {useless}.",
        )
    if flag and given[flag] is None:
        raise UsageError(
            f"The network {run.record.model.name} is for {run.record.task}, so its images need {flag[2:]}.",
            f"Name a table with {flag}: {flag} {flag[2:]}.csv",
        )
    if labels is not None:
        known = read_labels(labels.path, inputs, labels.columns)
        return _evaluate_classifier(run, network, inputs, known, words, prior)
    if votes is not None:
        return evaluate_voted_images(run, network, inputs, votes.path, votes.columns.id, words)
    return _evaluate_by_metric(run, network, inputs, words)


def _evaluate_classifier(
    run: Run, network: AppliedNetwork, inputs: Inputs, labels: Labels, words: str, prior: Prior | None
) -> Evaluation:
    classes = network.classes
    known = [row for row in labels.rows if labels.labels[row] in classes]
    unknown = Counter(labels.labels[row] for row in labels.rows if labels.labels[row] not in classes)
    if not known:
        raise DataError(
            f"The network knows none of the labels {_some(list(unknown))}.",
            f"Its classes are {_some(classes)}.",
        )
    labelled = inputs.take(known)
    ids = distinct_ids(labelled)
    network.task.temperature = None  # calibrated afterwards, so that both can be shown
    applied = apply_to_images(network, labelled)
    names = list(itertools.compress((labels.labels[row] for row in known), applied.usable))
    index_of = {name: index for index, name in enumerate(classes)}
    baseline = run.record.baseline
    classification = classify(
        list(itertools.compress(ids, applied.usable)),
        np.array([index_of[name] for name in names], np.int64),
        np.stack([applied.cells[f"p_{name}"] for name in classes], axis=1).astype(np.float64),
        classes,
        temperature=temperature_of(run, network.task),
        conformal=conformal_sets_of(run, network.task),
        majority=None if baseline is None else baseline.label,
        prior=prior,
    )
    metrics = {
        "test/accuracy": float(classification.accuracy.value or 0),
        "test/loss": classification.uncalibrated.nll,
    }
    note = f"all images have the label {names[0]}: accuracy is the recall of this class"
    return replace(
        evaluation_of(run, words, applied.samples, metrics),
        classification=classification,
        novel=applied.novel,
        missing=labels.missing,
        unlabelled=len(inputs) - len(labels.rows),
        unusable=applied.unusable,
        unknown_labels=dict(unknown),
        notes=(note,) if len(set(names)) == 1 else (),
    )


def _evaluate_by_metric(run: Run, network: AppliedNetwork, inputs: Inputs, words: str) -> Evaluation:
    metric = network.task.metric
    if metric not in {column.name for column in network.columns}:
        raise UsageError(
            f"A network for {run.record.task} gives no {metric} of single images.",
            "Evaluate it on its own test set: leave out --images.",
        )
    applied = apply_to_images(network, inputs)
    error = mean_error(applied.cells[metric].astype(np.float64))
    return replace(
        evaluation_of(run, words, applied.samples, {f"test/{metric}": error.value}),
        error=error,
        novel=applied.novel,
        unusable=applied.unusable,
    )


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
