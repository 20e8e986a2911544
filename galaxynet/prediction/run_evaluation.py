"""How good a run's network is: on its own test set or on other images, alone or against another run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from galaxynet.errors import UsageError
from galaxynet.evaluation.classification import Classification
from galaxynet.evaluation.mcnemar import difference_interval, mcnemar
from galaxynet.evaluation.prior import Prior, PriorSource
from galaxynet.evaluation.result import Comparison, Evaluation
from galaxynet.evaluation.scores import Share
from galaxynet.images.input_search import find_inputs
from galaxynet.prediction.labelled_images import LabelTable, evaluate_images
from galaxynet.prediction.network import BATCH_SIZE, Accelerator
from galaxynet.prediction.network_of_run import applied_network
from galaxynet.prediction.own_test import evaluate_own_test
from galaxynet.report.significance import tested_predictions
from galaxynet.runs import Predictions, Run


def evaluate_run(
    run: Run,
    *,
    data_dir: Path,
    images: Sequence[str] = (),
    labels: LabelTable | None = None,
    votes: LabelTable | None = None,
    against: Run | None = None,
    accelerator: Accelerator = "auto",
    batch_size: int = BATCH_SIZE,
    views: int | None = None,
    prior: PriorSource | None = None,
) -> Evaluation:
    """Evaluate a run.

    Args:
        run: The run.
        data_dir: The folder of the datasets.
        images: What `galaxynet predict` takes as images; none for the run's own test set.
        labels: The labels of the images.
        votes: Their vote fractions.
        against: Another run to test against, on the same samples.
        accelerator: What to compute on, for images.
        batch_size: Images at once.
        views: Views of an image to average over; None for as many as each run was tested with.
        prior: Class shares to shift the probabilities of each run to; None for those of its training.

    Raises:
        GalaxynetError: If weights, data, labels or votes are missing, or the two runs cannot be compared.
    """
    for name, table in (("labels", labels), ("votes", votes)):
        if table is not None and not images:
            raise UsageError(f"--{name} are those of --images, which are missing.", "Name the images.")
    if against is not None and "classification" not in (run.record.task, against.record.task):
        raise UsageError("--against compares classifiers, and these are not.", "Leave it out.")
    if not images:
        evaluation = evaluate_own_test(run, data_dir, views, prior)
        if against is None:
            return evaluation
        if prior is None:
            return _compared(evaluation, against, tested_predictions(against))
        # What it has kept of its test is not shifted.
        other = evaluate_own_test(against, data_dir, views, prior)
        return _compared(evaluation, against, _classified(other).predictions)
    inputs = find_inputs(images)
    words = " ".join(images) if len(images) < 4 else f"{images[0]} and {len(images) - 1:,} more"

    def on_images(model: Run) -> Evaluation:
        network = applied_network(model, accelerator=accelerator, batch_size=batch_size, views=views)
        shares = None if prior is None else Prior.of(model, network.task, prior)
        return evaluate_images(model, network, inputs, words, labels=labels, votes=votes, prior=shares)

    evaluation = on_images(run)
    evaluation = replace(evaluation, notes=(*inputs.notes, *evaluation.notes))
    if against is None:
        return evaluation
    return _compared(evaluation, against, _classified(on_images(against)).predictions, partly=True)


def _classified(evaluation: Evaluation) -> Classification:
    if evaluation.classification is None:
        raise UsageError(f"The run {evaluation.label} is not of a classifier.", "Leave out --against.")
    return evaluation.classification


def _compared(
    evaluation: Evaluation, against: Run, others: Predictions, *, partly: bool = False
) -> Evaluation:
    """The evaluation with McNemar's test.

    Args:
        evaluation: That of the first run.
        against: The second run.
        others: Its predictions.
        partly: Compare the samples that both predicted; else all must be the same.
    """
    ones, notes = _classified(evaluation).predictions, evaluation.notes
    if partly:
        both = set(ones.ids) & set(others.ids)
        left_out = len(ones) + len(others) - 2 * len(both)
        if left_out:
            notes = (*notes, f"{left_out:,} images that only one of the two runs can use are not compared")
        ones, others = _restricted(ones, both), _restricted(others, both)
    test = mcnemar(ones, others)
    low, high = difference_interval(test)
    accuracy = Share(test.both + test.second, len(others))
    comparison = Comparison(against.record.id, against.label, accuracy, test, low, high)
    return replace(evaluation, comparison=comparison, notes=notes)


def _restricted(predictions: Predictions, ids: set[str]) -> Predictions:
    rows = [row for row, identifier in enumerate(predictions.ids) if identifier in ids]
    labels, guesses = predictions.labels, predictions.predictions
    return Predictions(
        [predictions.ids[row] for row in rows], [labels[row] for row in rows], [guesses[row] for row in rows]
    )
