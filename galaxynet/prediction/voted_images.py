"""The evaluation of a network for vote fractions on other images, with a table of votes."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np

from galaxynet.evaluation.result import Evaluation, evaluation_of
from galaxynet.evaluation.vote_scores import score_votes
from galaxynet.evaluation.vote_shares import VotedTest
from galaxynet.evaluation.vote_test import metrics_of_votes
from galaxynet.evaluation.votes import Fractions, rmse
from galaxynet.images.inputs import Inputs
from galaxynet.images.matching import distinct_ids
from galaxynet.images.votes import read_votes
from galaxynet.prediction.applied_images import apply_to_images
from galaxynet.prediction.network import AppliedNetwork
from galaxynet.prediction.network_of_run import intervals_of
from galaxynet.runs import Run
from galaxynet.vote_tree import VoteTree


def evaluate_voted_images(
    run: Run, network: AppliedNetwork, inputs: Inputs, table: Path, id_column: str, words: str
) -> Evaluation:
    """Compare the network's fractions with those of a table.

    Args:
        run: The run of the network, which predicts vote fractions.
        network: The network.
        inputs: The images.
        table: The table of votes.
        id_column: Its column of ids or paths; empty for the one that names the most images.
        words: What the images are, for display.

    Raises:
        DataError: If the table does not fit the images or the questions.
    """
    tree = VoteTree.from_dict(run.record.vote_tree)
    voted = read_votes(table, inputs, tree, id_column)
    (known,) = np.nonzero(~np.isnan(voted.fractions).all(axis=1))
    selected = inputs.take(known.tolist())
    ids = distinct_ids(selected)
    applied = apply_to_images(network, selected)
    test = VotedTest(
        tree,
        list(itertools.compress(ids, applied.usable)),
        voted.fractions[known][applied.usable],
        np.stack([applied.cells[name] for name in tree.columns], axis=1).astype(np.float64),
    )
    intervals = intervals_of(run, network.task)
    scores = score_votes(test, intervals=intervals, mean_row=_error_of_mean_row(run, test.observed))
    metrics = {"rmse": scores.rmse, **metrics_of_votes(tree, test.observed, test.predicted, intervals)}
    return replace(
        evaluation_of(
            run, words, applied.samples, {f"test/{name}": value for name, value in metrics.items()}
        ),
        votes=scores,
        novel=applied.novel,
        missing=voted.missing,
        unlabelled=len(inputs) - len(known),
        unusable=applied.unusable,
        notes=(f"{table} has no columns {', '.join(voted.absent)}: unknown fractions",)
        if voted.absent
        else (),
    )


def _error_of_mean_row(run: Run, observed: Fractions) -> float | None:
    """What always answering the mean row of the training part scores; None if the record lacks the row."""
    row = [] if run.record.baseline is None else run.record.baseline.row
    if len(row) < observed.shape[1]:
        return None
    return rmse(observed, np.broadcast_to(np.array(row[: observed.shape[1]]), observed.shape))
