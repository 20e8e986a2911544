"""What a test for significance says of two runs, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from galaxynet.errors import RunError
from galaxynet.evaluation.mcnemar import McNemar, mcnemar
from galaxynet.report.rows import Group
from galaxynet.runs import Predictions, Run
from galaxynet.runs.folder import PREDICTIONS


def sentence(first: Run, second: Run) -> str:
    """The result of the test of two runs, as a sentence.

    Raises:
        RunError: If one has no predictions, or they cannot be paired.
    """
    return words_of_test(
        mcnemar(tested_predictions(first), tested_predictions(second)), first.label, second.label
    )


def words_of_test(result: McNemar, first: str, second: str) -> str:
    """The result of a test as a sentence; `first` and `second` are names of the runs."""
    if result.first == result.second == 0:
        return (
            f"McNemar, exact: {first} and {second} are right on the same {result.both:,} "
            "samples; there is no difference to test."
        )
    p = (
        "p < 0.0001"
        if result.p < 1e-4
        else f"p = {result.p:.4f}"
        if result.p < 0.1
        else f"p = {result.p:.2f}"
    )
    verdict = (
        "they differ by more than chance"
        if result.p < 0.05
        else "chance alone explains such a difference"
        if result.first != result.second
        else "they are right equally often"
    )
    return (
        f"McNemar, exact: only {first} is right on {result.first:,} samples, only {second} on "
        f"{result.second:,}; {p}, {verdict}."
    )


def significance_note(runs: Sequence[Run], groups: Sequence[Group]) -> str:
    """The sentence for two runs of one table, or why they are not tested; empty for other runs."""
    if len(runs) != 2 or len(groups) != 1 or runs[0].record.task != "classification":
        return ""
    first, second = (row.run for row in groups[0].rows) if len(groups[0].rows) == 2 else runs
    try:
        return sentence(first, second)
    except RunError as error:
        return f"Not tested for significance: {error.message}"


def tested_predictions(run: Run) -> Predictions:
    """The predictions of a run, checked to be complete.

    Raises:
        RunError: If they are missing or not complete.
    """
    path = run.path / PREDICTIONS
    if run.status == "finished" and not path.exists():
        raise RunError(f"{path} is missing, although the run is finished: it was removed.")
    predictions = run.predictions()
    samples = run.record.splits.get("test", len(predictions))
    if len(predictions) != samples:
        raise RunError(
            f"{path} is damaged: it has {len(predictions):,} of the {samples:,} samples of the test."
        )
    return predictions
