"""The reliability diagram: how often a network is right, by how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from galaxynet.errors import RunError
from galaxynet.report.figures.style import COLOURS, FAINT, heading, new_figure, plain_axes
from galaxynet.report.wording import headings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from galaxynet.evaluation.scores import ProbabilityScores
    from galaxynet.runs import Run

_FEWEST_FOR_A_LINE = 5
"""Samples below which a bin is a faint point beside the line: its accuracy is a matter of luck."""


def reliability_diagram(run: Run) -> Figure:
    """Accuracy by confidence on a run's test set, uncalibrated and calibrated, with counts.

    Raises:
        RunError: If the run has no probabilities.
    """
    import numpy as np

    from galaxynet.evaluation.scores import at_temperature, probability_scores

    predictions = run.predictions()
    index_of = {name: index for index, name in enumerate(predictions.classes)}
    if not len(predictions) or not predictions.probabilities or not {*predictions.labels} <= index_of.keys():
        raise RunError(f"The predictions of the run {run.label} have no probabilities.")
    probabilities = np.array(predictions.probabilities)
    targets = np.array([index_of[label] for label in predictions.labels])
    temperature = run.record.calibration.get("temperature")
    states = {"uncalibrated": probability_scores(probabilities, targets)}
    if isinstance(temperature, int | float) and temperature > 0:
        states["calibrated"] = probability_scores(at_temperature(probabilities, temperature), targets)
    return draw_reliability(states, *headings(run))


def draw_reliability(states: Mapping[str, ProbabilityScores], title: str, subtitle: str) -> Figure:
    """Draw the diagram: accuracy with 95 % intervals above, numbers of samples below.

    Args:
        states: The scores of up to three kinds of probabilities of the same samples, by name.
        title: The figure's title.
        subtitle: A line below it.
    """
    figure = new_figure(6.4, 5.8)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)), label="perfect")
    looks = ((COLOURS[1], "o"), (COLOURS[0], "s"), (COLOURS[2], "^"))
    for number, ((name, scores), (colour, marker)) in enumerate(zip(states.items(), looks, strict=False)):
        bins = scores.reliability
        many = [part for part in bins if part.accuracy.samples >= _FEWEST_FOR_A_LINE]
        upper.plot(
            [part.confidence for part in many],
            [part.accuracy.value for part in many],
            color=colour,
            marker=marker,
            markersize=5,
            linewidth=1.4,
            label=f"{name}: calibration error {scores.error.value:.1%}",
        )
        for part in bins:
            low, high = part.accuracy.interval or (0.0, 1.0)
            faint = 1.0 if part in many else 0.35
            upper.plot([part.confidence] * 2, [low, high], color=colour, linewidth=1, alpha=faint)
            if part not in many:
                point = [part.confidence], [part.accuracy.value or 0.0]
                upper.plot(*point, color=colour, marker=marker, markersize=5, alpha=faint, clip_on=False)
        width = 0.1 / (len(states) + 0.5)
        lower.bar(
            [part.low + width * (number + 0.75) for part in bins],
            [part.accuracy.samples for part in bins],
            width,
            color=colour,
        )
    upper.set_xlim(0, 1)
    upper.set_ylim(0, 1)
    upper.set_ylabel("share that is right")
    upper.legend(loc="lower left", bbox_to_anchor=(-0.01, 1), frameon=False, fontsize=9)
    lower.set_ylabel("samples")
    lower.set_xlabel("probability of the likeliest class")
    for axes in (upper, lower):
        plain_axes(axes)
    heading(figure, title, subtitle)
    return figure
