"""People who classify a picture: each walks the decision tree, and the answers become 37 vote fractions.

The chance of an answer follows from the `Impression`. The constants were set so that the mean row of the
votes, and their spread, lie near those of the genuine catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from galaxynet_galaxy_sim.perception import Impression
from galaxynet_galaxy_zoo.votes import COLUMN_INDEX, COLUMNS, QUESTIONS

Scores = Mapping[int, npt.NDArray[np.float64]]
"""For each question, the logits of its answers before the person's own leanings."""

# Every question comes after all that can lead to it.
_ORDER = (1, 7, 2, 9, 3, 4, 10, 11, 5, 6, 8)

# Questions on which people lean one way or the other as a habit: the answer that the keen ones give more
# often, and how much people differ.
_KEENNESS = {1: (1, 0.55), 3: (0, 0.45), 4: (0, 0.45)}
_SUSPICION = {6: (0, 0.75)}


def scores(seen: Impression) -> Scores:
    """Logits of the answers of each question for an unbiased person.

    Args:
        seen: What the picture shows.

    Returns:
        By the question's number, shape (answers,).
    """
    edge = _logistic((0.36 - seen.axis_ratio) / 0.05) * seen.disk
    structure = math.sqrt(seen.arms**2 + 0.6 * seen.patches**2 + 0.8 * seen.bar**2 + 0.7 * seen.ring**2)
    features = (
        -0.90
        + 1.05 * math.log((structure + 0.10) / 0.16)
        + 1.6 * edge
        + 0.5 * seen.disk
        + 1.0 * min(max(seen.blueness, -0.2), 0.5)
        + 1.5 * (0.75 - seen.axis_ratio)
        + 0.4 * min(seen.tails + seen.companion + 2 * seen.asymmetry, 2.0)
        - 0.3 * seen.bulge
    )
    pointlike = 6.0 * (1.05 - seen.extent) if seen.extent < 1.25 else 0.0
    star = -2.9 + pointlike + 1.6 * seen.artefact
    odd = (
        -2.75
        + 1.6 * min(seen.tails, 2.0)
        + 2.3 * min(seen.companion, 1.6)
        + 0.9 * min(seen.neighbours, 1.6)
        + 4.2 * min(seen.asymmetry, 0.6)
        + 3.4 * min(seen.ring, 1.0)
        + 0.6 * min(seen.patches, 1.2)
        + 1.0 * seen.artefact
        + 0.35 * seen.dust
        + 0.4 * edge
    )
    prominence = math.log((seen.bulge + 0.02) / (1.02 - min(seen.bulge, 0.99)))
    spiral = -0.60 + 1.8 * math.log((seen.arms + 0.05) / 0.10)
    return {
        1: np.array([0.0, features, star]),
        2: _choice((0.355 - seen.axis_ratio) / 0.045),
        3: _choice(-2.1 + 2.4 * math.log((seen.bar + 0.12) / 0.16) - 2 * edge),
        4: _choice(spiral),
        5: _ordered(min(prominence, 0.9) + 1.0, (-2.6, -0.35, 2.6), 0.7),
        6: _choice(odd),
        7: _ordered(-seen.axis_ratio, (-0.82, -0.46), 0.055),
        8: np.log(
            [
                0.10 + 8.0 * seen.ring**1.5,
                0.10 + 0.10 * seen.neighbours,
                0.12 + 0.9 * min(seen.tails, 2.0) + 1.5 * seen.asymmetry,
                0.12 + 1.0 * min(seen.patches, 1.0) + 2.4 * seen.asymmetry,
                0.55 + 0.5 * seen.neighbours + 1.0 * seen.artefact,
                0.06 + 2.2 * min(seen.companion, 1.6) + 0.8 * min(seen.neighbours, 1.5),
                0.012 + 0.8 * seen.dust,
            ]
        ),
        9: np.array([prominence + 2.4, -0.6, 0.0]),
        10: _ordered(seen.pitch, (17.0, 27.0), 3.6),
        11: _arm_count(seen, spiral),
    }


def classify(seen: Impression, people: int, generator: np.random.Generator) -> npt.NDArray[np.float64]:
    """Have people classify a picture.

    Args:
        seen: What the picture shows.
        people: How many.
        generator: For their answers, leanings and weights.

    Returns:
        Vote fractions, ordered as `COLUMNS`, shape (37,). People are weighted by how well they usually agree
        with others, so fractions are not multiples of 1 / people.
    """
    logits = scores(seen)
    draws = generator.random((11, people))
    # What makes one picture more tempting than another and is no measure above.
    logits = dict(logits)
    for number, answer, spread in ((1, 1, 0.6), (6, 0, 0.55)):
        logits[number] = logits[number] + spread * generator.standard_normal() * (
            np.arange(len(logits[number])) == answer
        )
    keen, suspicious = generator.standard_normal((2, people))
    weights = np.exp(0.25 * generator.standard_normal(people))
    weights /= weights.sum()
    is_asked = np.zeros((12, people), bool)
    is_asked[1] = is_asked[6] = True  # the published columns count question 6 for everyone
    votes = np.zeros(len(COLUMNS))
    for number in _ORDER:
        question = QUESTIONS[number - 1]
        chances = np.repeat(logits[number][:, None], people, axis=1)
        for leanings, habit in ((_KEENNESS, keen), (_SUSPICION, suspicious)):
            if number in leanings:
                answer, spread = leanings[number]
                chances[answer] += spread * habit
        chances = np.exp(chances - chances.max(axis=0))
        bounds = np.cumsum(chances, axis=0)
        choices = (draws[number - 1] * bounds[-1] >= bounds).sum(axis=0)
        for index, answer_of in enumerate(question.answers):
            voters = is_asked[number] & (choices == index)
            votes[COLUMN_INDEX[answer_of.column]] = weights[voters].sum()
            if answer_of.leads_to is not None:
                is_asked[answer_of.leads_to] |= voters
    return votes


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, value))))


def _choice(value: float) -> npt.NDArray[np.float64]:
    """Logits of yes and no where the log odds of yes are `value`."""
    return np.array([value, 0.0])


def _ordered(value: float, bounds: tuple[float, ...], blur: float) -> npt.NDArray[np.float64]:
    """Log chances of the grades that `bounds` divide, for people who read the value with a logistic error."""
    below = [0.0, *(_logistic((bound - value) / blur) for bound in bounds), 1.0]
    return np.log(np.maximum(np.diff(below), 1e-6))


def _arm_count(seen: Impression, spiral: float) -> npt.NDArray[np.float64]:
    """Log chances of 1, 2, 3, 4, more than 4 arms, and of not being able to tell."""
    clear = _logistic(1.1 * spiral - 0.9)
    chances = np.full(6, 0.02)
    if seen.arm_count > 0:
        for number in range(1, 6):
            chances[number - 1] += clear * math.exp(-1.6 * abs(number - min(seen.arm_count, 5)))
    chances[1] += 0.3  # two is what people expect
    chances[5] += 1.1 * (1 - clear) + 0.12 * max(0, seen.arm_count - 2)
    counted: npt.NDArray[np.float64] = np.log(chances)
    return counted
