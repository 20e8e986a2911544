"""The test of a trained network: done once, with the weights of its best epoch."""

from __future__ import annotations

import time

from lightning.pytorch import Trainer

from galaxynet.data.module import DataModule
from galaxynet.evaluation.fitting import fit_to_validation
from galaxynet.evaluation.vote_agreement import agreement_record
from galaxynet.evaluation.vote_intervals import VoteIntervals
from galaxynet.evaluation.vote_test import metrics_of_test
from galaxynet.runs import Run, write_predictions
from galaxynet.runs.folder import PREDICTIONS
from galaxynet.runs.reconstructions import RECONSTRUCTIONS, ReconstructedSamples
from galaxynet.runs.votes import VOTES, Votes
from galaxynet.tasks import Classifier, Reconstructor, Task, VoteFractions
from galaxynet.tasks.classifier import Predictions
from galaxynet.tasks.reconstructor import Reconstructions
from galaxynet.tasks.vote_fractions import VotedSamples
from galaxynet.training.checkpoint import Checkpoints
from galaxynet.training.metrics_file import decimal

_NOT_METRICS = ("epoch", "step", "lr")
"""Columns of `metrics.csv` that the record has elsewhere."""


def evaluate(run: Run | None, trainer: Trainer, network: Task, data: DataModule) -> None:
    """Test the best weights; add metrics and calibration to the record, and write the files of the test.

    The record is not saved.

    Args:
        run: The run; None in every process but the first, which take part in the test and write nothing.
        trainer: The trainer after `fit`.
        network: The network.
        data: Its data.
    """
    # Lightning forgets the last epoch's metrics if a resumed run had no epoch left to train.
    rows = run.metrics() if run is not None else []
    metrics = {name: value for name, value in (rows or [{}])[-1].items() if name not in _NOT_METRICS}
    best = trainer.checkpoint_callback  # the first one
    assert isinstance(best, Checkpoints)
    if best.best_model_score is not None:
        metrics[f"best/val/{network.metric}"] = decimal(best.best_model_score)
    start = time.perf_counter()
    (tested,) = trainer.test(
        network, datamodule=data, ckpt_path=str(best.path), verbose=False, weights_only=True
    )
    seconds = time.perf_counter() - start
    metrics.update({name: decimal(value) for name, value in tested.items()})
    # All processes together gather these.
    predictions = network.predictions() if isinstance(network, Classifier) else None
    reconstructions = network.reconstructions() if isinstance(network, Reconstructor) else None
    votes = network.voted_samples() if isinstance(network, VoteFractions) else None
    fitted = fit_to_validation(network, data)
    if run is None:
        return
    run.record.metrics = dict(metrics)
    fitted.keep(run)
    run.record.seconds["test"] = seconds
    if predictions is not None:
        _write_predictions(run, predictions, data)
    if reconstructions is not None:
        _write_reconstructions(run, reconstructions, data)
    if votes is not None and isinstance(network, VoteFractions):
        _write_votes(run, votes, data, network, fitted.intervals)


def _write_predictions(run: Run, predictions: Predictions, data: DataModule) -> None:
    classes = data.info.classes
    write_predictions(
        run.path / PREDICTIONS,
        ids=[data.ids[row] for row in predictions.indices.tolist()],
        labels=[classes[target] for target in predictions.targets.tolist()],
        predictions=[classes[guess] for guess in predictions.probabilities.argmax(1).tolist()],
        classes=classes,
        probabilities=predictions.probabilities.tolist(),
    )


def _write_reconstructions(run: Run, reconstructions: Reconstructions, data: DataModule) -> None:
    classes = data.info.classes
    samples = ReconstructedSamples(
        [str(data.ids[row]) for row in reconstructions.indices.tolist()],
        [classes[target] if classes else "" for target in reconstructions.targets.tolist()],
        reconstructions.originals.numpy(),
        reconstructions.decodings.numpy(),
    )
    samples.write(run.path / RECONSTRUCTIONS)


def _write_votes(
    run: Run, votes: VotedSamples, data: DataModule, network: VoteFractions, intervals: VoteIntervals | None
) -> None:
    observed, predicted = votes.observed.double().numpy(), votes.predicted.double().numpy()
    metrics = metrics_of_test(network, votes, intervals)
    run.record.metrics = {
        **run.record.metrics,
        **{f"test/{name}": decimal(value) for name, value in metrics.items()},
    }
    run.record.agreement = agreement_record(network.tree, observed, predicted)
    ids = [str(data.ids[row]) for row in votes.indices.tolist()]
    Votes(ids, network.tree.columns, observed.tolist(), predicted.tolist()).write(run.path / VOTES)
