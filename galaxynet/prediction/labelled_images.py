"""The evaluation of a network on other images, with a table of their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from galaxynet import terminal
from galaxynet.errors import DataError, UsageError
from galaxynet.evaluation.result import Evaluation, classify
from galaxynet.evaluation.scores import Share
from galaxynet.images.flags import UNUSABLE
from galaxynet.images.inputs import Inputs
from galaxynet.images.labels import DEFAULT, LabelColumns, Labels, read_labels
from galaxynet.images.matching import distinct_ids
from galaxynet.prediction.network import NOVELTY_COLUMN, AppliedNetwork
from galaxynet.prediction.network_of_run import conformal_sets_of, temperature_of
from galaxynet.prediction.own_test import mean_error
from galaxynet.prediction.rows import FLAG, Catalogue
from galaxynet.runs import Run
from galaxynet.tasks import Classifier


@dataclass(frozen=True)
class LabelTable:
    """A table of labels.

    Attributes:
        path: The table.
        columns: Which of its columns mean something.
    """

    path: Path
    columns: LabelColumns = DEFAULT


def evaluate_images(
    run: Run, network: AppliedNetwork, inputs: Inputs, table: LabelTable | None, words: str
) -> Evaluation:
    """Apply a network to images and compare what it says with their labels.

    Args:
        run: The run of the network.
        network: The network.
        inputs: The images.
        table: Their labels; None for a network that needs none.
        words: What the images are, for display.

    Raises:
        UsageError: If the network needs labels and there are none, or has no use for them.
        DataError: If no label that the network knows fits an image.
    """
    if isinstance(network.task, Classifier):
        if table is None:
            raise UsageError(
                f"The network {run.record.model.name} is a classifier, so its images need labels.",
                "Name a table with --labels: --labels labels.csv",
            )
        return _evaluate_classifier(
            run, network, inputs, read_labels(table.path, inputs, table.columns), words
        )
    if table is not None:
        raise UsageError(f"A network for {run.record.task} has no use for labels.", "Leave out --labels.")
    return _evaluate_by_metric(run, network, inputs, words)


def _evaluate_classifier(
    run: Run, network: AppliedNetwork, inputs: Inputs, labels: Labels, words: str
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
    cells = _predict(network, labelled)
    usable = (cells[FLAG.name] & int(UNUSABLE)) == 0
    if not usable.any():
        raise DataError("None of the labelled images can be used.", "galaxynet predict --dry-run says why.")
    names = np.array([labels.labels[row] for row in known], dtype=object)[usable]
    index_of = {name: index for index, name in enumerate(classes)}
    baseline = run.record.baseline
    classification = classify(
        [identifier for identifier, is_usable in zip(ids, usable, strict=True) if is_usable],
        np.array([index_of[name] for name in names], np.int64),
        np.stack([cells[f"p_{name}"][usable] for name in classes], axis=1).astype(np.float64),
        classes,
        temperature=temperature_of(run, network.task),
        conformal=conformal_sets_of(run, network.task),
        majority=None if baseline is None else baseline.label,
    )
    single = len(set(names))
    return Evaluation(
        run=run.record.id,
        label=run.label,
        model=run.record.model.name,
        task=run.record.task,
        data=words,
        samples=int(usable.sum()),
        metric=run.record.metric,
        metrics={
            "test/accuracy": float(classification.accuracy.value or 0),
            "test/loss": classification.uncalibrated.nll,
        },
        classification=classification,
        novel=_novel(network, cells, usable),
        missing=labels.missing,
        unlabelled=len(inputs) - len(labels.rows),
        unusable=int((~usable).sum()),
        unknown_labels=dict(unknown),
        notes=(f"all images have the label {names[0]}: accuracy is the recall of this class",)
        if single == 1
        else (),
    )


def _evaluate_by_metric(run: Run, network: AppliedNetwork, inputs: Inputs, words: str) -> Evaluation:
    metric = network.task.metric
    if metric not in {column.name for column in network.columns}:
        raise UsageError(
            f"A network for {run.record.task} gives no {metric} of single images.",
            "Evaluate it on its own test set: leave out --images.",
        )
    cells = _predict(network, inputs)
    usable = (cells[FLAG.name] & int(UNUSABLE)) == 0
    if not usable.any():
        raise DataError("None of the images can be used.", "galaxynet predict --dry-run says why.")
    error = mean_error(cells[metric][usable].astype(np.float64))
    return Evaluation(
        run=run.record.id,
        label=run.label,
        model=run.record.model.name,
        task=run.record.task,
        data=words,
        samples=int(usable.sum()),
        metric=run.record.metric,
        metrics={f"test/{metric}": error.value},
        error=error,
        novel=_novel(network, cells, usable),
        unusable=int((~usable).sum()),
    )


def _predict(network: AppliedNetwork, inputs: Inputs) -> dict[str, npt.NDArray[Any]]:
    blocks = []
    with terminal.progress("predicting", len(inputs), "images") as advance:
        for block in Catalogue(inputs, network).blocks():
            blocks.append(block)
            advance(len(block[FLAG.name]))
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def _novel(
    network: AppliedNetwork, cells: dict[str, npt.NDArray[Any]], usable: npt.NDArray[np.bool_]
) -> Share | None:
    if network.novelty is None:
        return None
    return Share(int((cells[NOVELTY_COLUMN.name][usable] > 1).sum()), int(usable.sum()))


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
