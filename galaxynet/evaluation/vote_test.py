"""The metrics of a test of vote fractions."""

from __future__ import annotations

from galaxynet.evaluation.label_tables import label_metrics
from galaxynet.evaluation.vote_agreement import agreement_scores
from galaxynet.evaluation.vote_coverage import held, mean_held
from galaxynet.evaluation.vote_intervals import VoteIntervals
from galaxynet.evaluation.votes import Fractions, vote_metrics
from galaxynet.tasks import VoteFractions
from galaxynet.tasks.vote_fractions import VotedSamples
from galaxynet.vote_tree import VoteTree

AGREED = 0.8
"""The agreement of volunteers above which an accuracy is a metric, too."""


def metrics_of_test(
    network: VoteFractions, samples: VotedSamples, intervals: VoteIntervals | None
) -> dict[str, float]:
    """Those of `metrics_of_votes`, and those of `label_metrics` for the tables beside the votes."""
    predicted = samples.predicted.double().numpy()
    metrics = metrics_of_votes(network.tree, samples.observed.double().numpy(), predicted, intervals)
    labels, guesses = samples.labels.double().numpy(), samples.guesses.numpy()
    return metrics | label_metrics(network.tree, network.also, predicted, labels, guesses)


def metrics_of_votes(
    tree: VoteTree, observed: Fractions, predicted: Fractions, intervals: VoteIntervals | None
) -> dict[str, float]:
    """All that is said of a test besides its loss and `rmse`.

    Args:
        tree: The questions.
        observed: The volunteers' fractions.
        predicted: The network's.
        intervals: What intervals are computed with; None for none.

    Returns:
        Those of `vote_metrics`; for each question that everyone is asked the `accuracy` of its most frequent
        answer, as `agreed80/<question>/accuracy`, over the `samples` of which 80 % of the volunteers agree;
        and `coverage` and `coverage_<question>` of 90 % intervals of answers in doubt. What no sample has is
        missing.
    """
    metrics = vote_metrics(tree, observed, predicted)
    agreement = agreement_scores(tree, observed, predicted)
    for question in tree.questions:
        for part in agreement[question.name] if question.asked_of is None else ():
            if part.least == AGREED and part.accuracy.value is not None:
                prefix = f"agreed{100 * AGREED:.0f}/{question.name}"
                metrics[f"{prefix}/accuracy"] = part.accuracy.value
                metrics[f"{prefix}/samples"] = float(part.accuracy.samples)
    if intervals is None:
        return metrics
    flags = held(tree, observed, predicted, intervals.ends(tree, predicted))
    questions = zip(tree.questions, tree.slices, strict=True)
    columns = [("coverage", flags), *((f"coverage_{q.name}", flags[:, part]) for q, part in questions)]
    for name, of_columns in columns:
        values = mean_held(of_columns)
        if len(values):
            metrics[name] = float(values.mean())
    return metrics
