"""What a run keeps of its validation part: temperature, conformal scores, intervals, novelty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from galaxynet import terminal
from galaxynet.data.array_module import ArrayDataModule
from galaxynet.data.batches import Batch
from galaxynet.data.module import DataModule
from galaxynet.evaluation.calibration import FEWEST, Calibration, Probabilities, fit_temperature
from galaxynet.evaluation.conformal import CONFORMAL, ConformalSets
from galaxynet.evaluation.features import FeatureRecorder
from galaxynet.evaluation.novelty import MOST_REFERENCES, NOVELTY, NoveltyModel
from galaxynet.evaluation.vote_intervals import VoteIntervals
from galaxynet.runs import Run
from galaxynet.tasks import Classifier, Task, VoteFractions
from galaxynet.tasks.shares import gather_columns

_BATCH = 256
_MOST_FEATURES = 10_000
"""Validation samples whose features are held; evenly spaced ones of more."""


@dataclass(frozen=True)
class Fitted:
    """What belongs to trained weights; None where it cannot be had.

    Attributes:
        calibration: The temperature of a classifier.
        conformal: Its scores for conformal sets, at that temperature.
        novelty: How unlike the training samples an input is.
        intervals: Of vote fractions.
    """

    calibration: Calibration | None = None
    conformal: ConformalSets | None = None
    novelty: NoveltyModel | None = None
    intervals: VoteIntervals | None = None

    def keep(self, run: Run) -> None:
        """Write the files of a run and set `calibration` in its record, which the caller saves."""
        run.record.calibration = {
            **({} if self.calibration is None else self.calibration.to_dict()),
            **({} if self.intervals is None else self.intervals.to_dict()),
        }
        for fitted, name in ((self.conformal, CONFORMAL), (self.novelty, NOVELTY)):
            if fitted is not None:
                fitted.write(run.inside(name))
            else:  # a resumed run may have one that belongs to other weights
                run.inside(name).unlink(missing_ok=True)


def fit_to_validation(task: Task, data: DataModule) -> Fitted:
    """Pass the validation part, and up to 2,000 training samples, through a network in float32.

    All processes take part and return the same. Nothing is fitted to fewer than 30 validation samples, or to
    a network that declares no output columns.

    Args:
        task: The network with its final weights, which it keeps. It is in evaluation mode afterwards.
        data: Its data.
    """
    held_out = data.sizes["validation"]
    if held_out < FEWEST or not (isinstance(task, Classifier) or task.output_columns()):
        return Fitted()
    task.eval()
    answers, features = _pass_through(task, _flattened(data.val_dataloader()), -(-held_out // _MOST_FEATURES))
    calibration = conformal = None
    if isinstance(task, Classifier):
        logits, targets = gather_columns(answers)
        labels = targets.numpy()

        def probabilities(temperature: float) -> Probabilities:
            return task.probabilities(logits / temperature).double().numpy()

        with torch.inference_mode():
            calibration = fit_temperature(probabilities, labels)
            temperature = 1.0 if calibration is None else calibration.temperature
            conformal = ConformalSets.fit(probabilities(temperature), labels)
    intervals = None
    if isinstance(task, VoteFractions):
        columns = len(task.tree.columns)
        predicted, observed = (part[:, :columns].double().numpy() for part in gather_columns(answers))
        intervals = VoteIntervals.fit(task.tree, observed, predicted)
    known = _pass_through(task, _training_samples(data), 1)[1]
    novelty = _fit_novelty(gather_columns(known), gather_columns(features))
    return Fitted(calibration, conformal, novelty, intervals)


def _fit_novelty(known: list[Tensor], unknown: list[Tensor]) -> NoveltyModel | None:
    """Fit to the features of training and validation samples, each a list of one array or of none."""
    if not unknown:
        return None
    validation = unknown[0].numpy()
    if not known:
        # Training batches of other data modules are augmented: half of the validation part stands in.
        return NoveltyModel.fit(validation[::2], validation[1::2])
    return NoveltyModel.fit(known[0].numpy(), validation)


def _pass_through(
    task: Task, batches: Iterable[Batch], step: int
) -> tuple[list[tuple[Tensor, ...]], list[tuple[Tensor, ...]]]:
    """Logits or vote fractions, and targets, of this process's batches, and features of every `step`-th.

    A failure of features, which a network need not have, costs only these.
    """
    answers: list[tuple[Tensor, ...]] = []
    features: list[tuple[Tensor, ...]] = []
    has_features = True
    with torch.inference_mode(), FeatureRecorder(task) as recorder:
        for batch in batches:
            if not len(batch.inputs):
                continue
            task.to(batch.inputs.device)
            if isinstance(task, Classifier):
                answers.append((task(batch.inputs).float().cpu(), batch.targets.cpu()))
            elif isinstance(task, VoteFractions):
                answers.append((task.fractions(task(batch.inputs)).cpu(), batch.targets.cpu()))
            try:
                if has_features and not isinstance(task, Classifier | VoteFractions):
                    task.outputs(batch.inputs)
                output = recorder.features(batch.inputs) if has_features else None
            except Exception as error:  # a stranger's network may raise anything, after hours of training
                terminal.note(f"no novelty is kept: {type(error).__name__}: {error}")
                output = None
            has_features = output is not None
            if output is not None:
                features.append((output[::step].cpu(),))
    return answers, features if has_features else []


def _training_samples(data: DataModule) -> Iterable[Batch]:
    """Evenly spaced training samples, without augmentation; none of a data module that is not of arrays."""
    if not isinstance(data, ArrayDataModule):
        return ()
    rows = data.data.split.train
    return data.batches(rows[:: max(1, -(-len(rows) // MOST_REFERENCES))], _BATCH)


def _flattened(loaders: Any) -> Iterator[Batch]:
    """The batches of one loader, or of several."""
    for loader in loaders if isinstance(loaders, list | tuple) else [loaders]:
        yield from loader
