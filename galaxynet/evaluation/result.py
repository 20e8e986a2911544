"""What an evaluation of a trained network finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from galaxynet.evaluation.classification import Classification
from galaxynet.evaluation.mcnemar import McNemar
from galaxynet.evaluation.scores import Share
from galaxynet.evaluation.vote_scores import VoteScores
from galaxynet.runs import Run


@dataclass(frozen=True)
class MeanError:
    """A metric that is the mean of a value for each sample.

    Attributes:
        value: The mean.
        low: Lower end of its 95 % interval (bootstrap over the samples).
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """McNemar's test against another run on the same samples.

    Attributes:
        run: Id of the other run.
        label: Its name, or its id.
        accuracy: Its accuracy.
        test: The counts and the probability.
        low: Lower end of the 95 % interval of this run's accuracy minus the other's.
        high: Upper end.
    """

    run: str
    label: str
    accuracy: Share
    test: McNemar
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """How good a trained network is on some samples.

    Attributes:
        run: Id of the run.
        label: Its name, or its id.
        model: The network.
        task: Its task.
        data: What it was evaluated on, in a few words.
        samples: How many samples counted.
        metric: The metric that such runs are compared by.
        metrics: The metrics of this evaluation.
        recorded: The same in run.json; empty for images that are not the run's own test set.
        classification: Of a classifier.
        votes: Of a network for vote fractions.
        error: The metric with an interval, where it is a mean over samples.
        novel: Images with a novelty above 1; None where novelty is not measured.
        comparison: Against another run.
        missing: Labelled ids without an image.
        unlabelled: Images without a label, which do not count.
        unusable: Images that cannot be used, which do not count.
        unknown_labels: Images of labels that the network does not know, which do not count.
        notes: What the reader should know; a line each.
    """

    run: str
    label: str
    model: str
    task: str
    data: str
    samples: int
    metric: str
    metrics: Mapping[str, float]
    recorded: Mapping[str, float] = field(default_factory=dict)
    classification: Classification | None = None
    votes: VoteScores | None = None
    error: MeanError | None = None
    novel: Share | None = None
    comparison: Comparison | None = None
    missing: tuple[str, ...] = ()
    unlabelled: int = 0
    unusable: int = 0
    unknown_labels: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def repeats(self) -> bool:
        """True if every recorded metric is the same to the digit."""
        return all(self.metrics.get(name) == value for name, value in self.recorded.items())

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; shares with their interval, without the single predictions."""
        values = asdict(self, dict_factory=_plain)
        if values["classification"] is not None:
            del values["classification"]["predictions"]
        if values["votes"] is not None:
            del values["votes"]["test"]
        return values


def evaluation_of(run: Run, data: str, samples: int, metrics: Mapping[str, float]) -> Evaluation:
    """What every evaluation has; the rest is for `dataclasses.replace`.

    Args:
        run: The run.
        data: What it is evaluated on, in a few words.
        samples: How many samples count.
        metrics: The metrics.
    """
    record = run.record
    return Evaluation(
        record.id, run.label, record.model.name, record.task, data, samples, record.metric, metrics
    )


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dataclass as a dict; a share with its value and interval."""
    values = dict(pairs)
    if values.keys() == {"count", "samples"}:
        share = Share(**values)
        interval = share.interval or (None, None)
        return {**values, "value": share.value, "low": interval[0], "high": interval[1]}
    return values
